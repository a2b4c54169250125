import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import {
  CONNECTION_UNSENT_BYTES_HIGH,
  CONNECTION_UNSENT_BYTES_LOW,
  CONNECTION_UNSENT_BYTES_MAX,
  MIB,
} from "../limits.ts";
import { silentLogger } from "../log.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { requestCommand } from "./answers.ts";
import { decodeFrame, encodeFrame } from "./codec.ts";
import type { RemotingCommand } from "./command.ts";
import { type ConnectionHost, RemotingConnection } from "./connection.ts";
import { type Frame, FrameDecoder } from "./frame.ts";
import { BlockPool } from "./outgoing.ts";
import { TestSocket } from "./testing_socket.ts";
import { Turn } from "./turn.ts";

interface Setup {
  socket: TestSocket;
  connection: RemotingConnection;
  clock: VirtualClock;
  turn: Turn;
  /** Opaques of the frames that were handled, in order. */
  handled: number[];
  closings: string[];
}

/** A connection whose frames are handled by `onFrame`. */
function setUp(onFrame: (connection: RemotingConnection, frame: Frame) => void = () => {}): Setup {
  const clock = new VirtualClock();
  const socket = new TestSocket();
  const handled: number[] = [];
  const closings: string[] = [];
  const turn = new Turn(clock, MIB);
  const host: ConnectionHost = {
    clock,
    log: silentLogger,
    turn,
    pool: new BlockPool(),
    frame(frame, connection) {
      handled.push(decodeFrame(frame).opaque);
      onFrame(connection, frame);
    },
    connectionClosed: (_connection, reason) => void closings.push(reason),
  };
  const connection = new RemotingConnection(host, socket, { id: 1, localPort: 10911 });
  socket.handlers = connection;
  return { socket, connection, clock, turn, handled, closings };
}

function numbered(opaque: number, body = new Uint8Array(0)): RemotingCommand {
  return { ...requestCommand(10, { body }), opaque };
}

function sentOpaques(socket: TestSocket): number[] {
  const decoder = new FrameDecoder();
  decoder.push(socket.sent);
  const opaques: number[] = [];
  for (let frame = decoder.next(); frame !== null; frame = decoder.next()) {
    opaques.push(decodeFrame(frame).opaque);
  }
  return opaques;
}

function framesOf(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, n) => encodeFrame(numbered(n))));
}

test("all answers of a turn leave in one write at its end", async () => {
  const { socket, connection, clock } = setUp((to) => to.send(numbered(7)));
  connection.data(framesOf(50));
  expect(socket.writes).toBe(0);
  await clock.advance(0);
  expect(socket.writes).toBe(1);
  expect(sentOpaques(socket)).toEqual(Array(50).fill(7));
});

test("room that is reserved is written in place, and only what is committed leaves", async () => {
  const { socket, connection, clock } = setUp();
  const frame = encodeFrame(numbered(3));
  const { buffer, start } = connection.reserve(1_000);
  frame.copy(buffer, start);
  connection.commit(frame.length);
  connection.send(numbered(4));
  await clock.advance(0);
  expect(sentOpaques(socket)).toEqual([3, 4]);
});

test("a large body follows its header whole", async () => {
  const { socket, connection, clock } = setUp();
  const body = new Uint8Array(300_000).fill(9);
  connection.send(numbered(1, body));
  connection.send(numbered(2));
  await clock.advance(0);
  const decoder = new FrameDecoder();
  decoder.push(socket.sent);
  expect(Buffer.from(body).equals(decodeFrame(decoder.next()!).body)).toBe(true);
  expect(decodeFrame(decoder.next()!).opaque).toBe(2);
});

test("the rest of a partial write waits for the drain", async () => {
  const { socket, connection, clock } = setUp();
  socket.room = 10;
  connection.send(numbered(1));
  connection.send(numbered(2));
  await clock.advance(0);
  const { unsentBytes } = connection;
  expect(unsentBytes).toBeGreaterThan(0);
  connection.send(numbered(3));
  await clock.advance(0);
  expect(socket.writes).toBe(1);
  socket.room = Infinity;
  connection.drain();
  expect(connection.unsentBytes).toBe(0);
  expect(sentOpaques(socket)).toEqual([1, 2, 3]);
});

test("a peer that doesn't read isn't read from, and its frames wait in order", async () => {
  const { socket, connection, clock, handled } = setUp((to) => {
    to.sendBytes(new Uint8Array(MIB));
  });
  socket.room = 0;
  connection.data(framesOf(100));
  await clock.advance(0);
  expect(socket.paused).toBe(true);
  const handledAtPause = CONNECTION_UNSENT_BYTES_HIGH / MIB + 1;
  expect(handled.length).toBe(handledAtPause);
  // Bytes that were under way when it was paused don't overtake those that wait.
  connection.data(encodeFrame(numbered(100)));
  expect(handled.length).toBe(handledAtPause);

  socket.room = connection.unsentBytes - CONNECTION_UNSENT_BYTES_LOW - 1;
  connection.drain();
  expect(handled.length).toBe(handledAtPause);
  socket.room = 1;
  connection.drain();
  expect(handled.length).toBeGreaterThan(handledAtPause);
  expect(socket.paused).toBe(true);

  while (handled.length < 101) {
    socket.room = 3 * MIB;
    connection.drain();
    await clock.advance(0);
    expect(connection.unsentBytes).toBeLessThanOrEqual(CONNECTION_UNSENT_BYTES_HIGH + 2 * MIB);
  }
  socket.room = Infinity;
  connection.drain();
  expect(handled).toEqual([...Array(101).keys()]);
  expect(socket.paused).toBe(false);
});

test("a peer that never reads what is pushed to it is closed", async () => {
  const { socket, connection, clock, closings } = setUp();
  socket.room = 0;
  while (connection.unsentBytes <= CONNECTION_UNSENT_BYTES_MAX) {
    connection.sendBytes(new Uint8Array(4 * MIB));
  }
  await clock.advance(0);
  expect(connection.closed).toBe(true);
  expect(closings).toEqual([
    `the peer doesn't read: ${CONNECTION_UNSENT_BYTES_MAX + 4 * MIB} bytes are unsent`,
  ]);
});

test("bytes that are no frame close the connection with the reason", () => {
  const { socket, connection, closings } = setUp();
  connection.data(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  expect(socket.destroyed).toBe(true);
  expect(closings).toEqual([
    "undecodable bytes: frame: 1195725860 bytes are more than the limit of 16777216",
  ]);
});

test("nothing happens on a closed connection", async () => {
  const { socket, connection, clock, handled, closings } = setUp();
  connection.close("enough");
  connection.close("twice");
  connection.send(numbered(1));
  connection.sendBytes(new Uint8Array(100_000));
  connection.reserve(10);
  connection.commit(10);
  connection.data(framesOf(1));
  connection.drain();
  connection.disconnected(null);
  await clock.advance(0);
  expect([socket.writes, handled.length, connection.unsentBytes]).toEqual([0, 0, 0]);
  expect(closings).toEqual(["enough"]);
});

test("what is queued is handed over before a connection closes", () => {
  const { socket, connection } = setUp();
  connection.send(numbered(1));
  connection.close("bye");
  expect(sentOpaques(socket)).toEqual([1]);
});

test("a peer that ended its side still gets the answers that are due", async () => {
  const { socket, connection, clock, closings } = setUp((to) => to.answersDue++);
  connection.data(framesOf(1));
  connection.end();
  await clock.advance(0);
  expect(closings).toEqual([]);
  socket.room = 5;
  connection.send(numbered(9));
  connection.answersDue--;
  connection.answerMade();
  await clock.advance(0);
  expect(socket.ended).toBe(false);
  socket.room = Infinity;
  connection.drain();
  expect(sentOpaques(socket)).toEqual([9]);
  expect(socket.ended).toBe(true);
  expect(closings).toEqual(["the peer ended it"]);
});

test("a held connection keeps what came until it is released", async () => {
  const { socket, connection, clock, handled } = setUp();
  connection.hold();
  expect(socket.paused).toBe(true);
  connection.data(framesOf(3));
  connection.drain();
  expect(handled).toEqual([]);
  connection.release();
  expect(handled).toEqual([0, 1, 2]);
  expect(socket.paused).toBe(false);
  await clock.advance(0);
});

test("burst listeners run once after all frames of a turn and before they are answered", async () => {
  const { socket, connection, clock, turn, handled } = setUp();
  const bursts: [handled: number, writes: number][] = [];
  turn.onBurst(() => {
    bursts.push([handled.length, socket.writes]);
    connection.send(numbered(1));
  });
  connection.data(framesOf(3));
  connection.data(framesOf(2));
  await clock.advance(0);
  expect(bursts).toEqual([[5, 0]]);
  expect(sentOpaques(socket)).toEqual([1]);
});

test("a burst that grows too large is run before the turn ends", () => {
  const { connection, turn, handled } = setUp();
  const bursts: number[] = [];
  turn.onBurst(() => bursts.push(handled.length));
  const half = encodeFrame(numbered(0, new Uint8Array(MIB / 2)));
  for (let n = 0; n < 5; n++) connection.data(half);
  expect(bursts).toEqual([2, 4]);
});

test("an IPv4 peer of an IPv6 socket is shown and stored by its IPv4 address", () => {
  const { connection } = setUp();
  const host = Reflect.get(connection, "host") as ConnectionHost;
  const mapped = new RemotingConnection(host, new TestSocket(), {
    id: 2,
    localPort: 1,
    remote: { address: "::ffff:10.1.2.3", port: 5 },
  });
  expect(mapped.remoteAddress).toBe("10.1.2.3:5");
  expect([...mapped.remoteHost.address]).toEqual([10, 1, 2, 3]);
  const six = new RemotingConnection(host, new TestSocket(), {
    id: 3,
    localPort: 1,
    remote: { address: "fe80::1", port: 5 },
  });
  expect(six.remoteAddress).toBe("[fe80::1]:5");
  expect(Buffer.from(six.remoteHost.address).toString("hex")).toBe(
    "fe800000000000000000000000000001",
  );
});
