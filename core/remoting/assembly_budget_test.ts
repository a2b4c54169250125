import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { KIB, MIB } from "../limits.ts";
import { silentLogger } from "../log.ts";
import { systemClock } from "../time/system_clock.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { AssemblyBudget, type AssemblyLimits } from "./assembly_budget.ts";
import { decodeFrame, encodeFrame } from "./codec.ts";
import { RemotingConnection } from "./connection.ts";
import { BlockPool } from "./outgoing.ts";
import { echo, echoRequest, TestBed } from "./testing_server.ts";
import { TestSocket } from "./testing_socket.ts";
import { Turn } from "./turn.ts";

const bed = new TestBed();
afterEach(() => bed.close());

/** A peer that delivers its bytes as long as its connection reads. */
class Sender {
  readonly socket = new TestSocket();
  readonly handled: number[] = [];
  connection!: RemotingConnection;
  closedBecause: string | null = null;

  constructor(private rest: Buffer) {}

  get isDone(): boolean {
    return this.rest.length === 0 || this.closedBecause !== null;
  }

  get isPaused(): boolean {
    return this.socket.paused;
  }

  /** False when the connection doesn't read. `always`: as a data event that was under way. */
  deliver(bytes: number, always = false): boolean {
    if ((this.isPaused && !always) || this.isDone) return false;
    const chunk = Buffer.from(this.rest.subarray(0, bytes));
    this.rest = this.rest.subarray(chunk.length);
    this.connection.data(chunk);
    return true;
  }
}

/** Connections of one server with a budget; no handler answers. */
function setUp(limits: Partial<AssemblyLimits>) {
  const clock = new VirtualClock();
  const budget = new AssemblyBudget(clock, limits);
  const senders: Sender[] = [];
  const host = {
    clock,
    log: silentLogger,
    turn: new Turn(clock, MIB),
    pool: new BlockPool(),
    frame: (frame: Parameters<typeof decodeFrame>[0], { id }: RemotingConnection) =>
      void senders[id]!.handled.push(decodeFrame(frame).opaque),
    connectionClosed: ({ id }: RemotingConnection, reason: string) =>
      void (senders[id]!.closedBecause = reason),
  };
  const connect = (bytes: Buffer): Sender => {
    const sender = new Sender(bytes);
    const options = { id: senders.length, localPort: 10911, assemblies: budget };
    senders.push(sender);
    sender.connection = new RemotingConnection(host, sender.socket, options);
    sender.socket.handlers = sender.connection;
    return sender;
  };
  return { clock, budget, connect };
}

const frameOf = (opaque: number, bodyBytes: number) =>
  encodeFrame(echoRequest(opaque, "", { body: Buffer.alloc(bodyBytes, opaque) }));

describe("unfinished frames of many connections", () => {
  test("all come in whole and in order, never taking more than the budget and one frame", async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 300 * KIB }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(sizes, { minLength: 2, maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 90 * KIB })), { minLength: 30 }),
        async (frames, steps) => {
          const { clock, budget, connect } = setUp({ assembledBytesMax: 400 * KIB });
          const senders = frames.map((of) =>
            connect(Buffer.concat(of.map((size, n) => frameOf(n, size))))
          );
          for (let step = 0; senders.some(({ isDone }) => !isDone); step++) {
            const [which, bytes] = steps[step % steps.length]!;
            const open = senders.filter(({ isDone, isPaused }) => !isDone && !isPaused);
            // There is always one that may go on.
            expect(open.length).toBeGreaterThan(0);
            open[which % open.length]!.deliver(bytes);
            await clock.advance(0);
            expect(budget.usedBytes).toBeLessThanOrEqual((400 + 301 + 12 * 90) * KIB);
          }
          await clock.advance(0);
          for (const [n, { handled, closedBecause }] of senders.entries()) {
            expect({ handled, closedBecause })
              .toEqual({ handled: [...frames[n]!.keys()], closedBecause: null });
          }
          expect(budget.usedBytes).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("that nobody finishes leave small requests alone, and are given up for those that wait", async () => {
    const { clock, budget, connect } = setUp({ assembledBytesMax: MIB });
    const idlers = Array.from({ length: 8 }, () => connect(frameOf(1, MIB)));
    for (const idler of idlers) idler.deliver(200 * KIB);
    const [first, second, ...others] = idlers as [Sender, Sender, ...Sender[]];
    expect([first.isPaused, second.isPaused]).toEqual([false, false]);
    expect(others.map(({ isPaused }) => isPaused)).toEqual(Array(6).fill(true));
    const small = connect(Buffer.concat([frameOf(7, 100), frameOf(8, 8 * KIB)]));
    while (small.deliver(1_000));
    expect(small.handled).toEqual([7, 8]);

    const honest = connect(frameOf(9, 500 * KIB));
    honest.deliver(500 * KIB);
    expect(honest.isPaused).toBe(true);
    for (let sweep = 0; sweep < 20 && !honest.isDone; sweep++) {
      budget.sweep();
      // A byte now and then doesn't count as going on.
      for (const idler of idlers) idler.deliver(1);
      await clock.advance(0);
      while (honest.deliver(500 * KIB));
    }
    expect(honest.handled).toEqual([9]);
    expect(first.closedBecause).toBe("its frame hardly grew while others waited for room");
  });

  test("may take as long as they like while nobody waits", () => {
    const { budget, connect } = setUp({ assembledBytesMax: MIB });
    const slow = connect(frameOf(1, MIB));
    slow.deliver(600 * KIB);
    for (let sweep = 0; sweep < 100; sweep++) budget.sweep();
    while (slow.deliver(100 * KIB));
    expect([slow.handled, slow.closedBecause]).toEqual([[1], null]);
  });

  test("that fill even the room to wait in close their connection with the reason", () => {
    const { connect } = setUp({ assembledBytesMax: MIB, waitingBytesMax: 300 * KIB });
    const senders = Array.from({ length: 5 }, () => connect(frameOf(1, 2 * MIB)));
    for (const sender of senders) sender.deliver(280 * KIB);
    expect(senders.map(({ closedBecause }) => closedBecause)).toEqual([
      null,
      null,
      "too many large frames are coming in at once",
      "too many large frames are coming in at once",
      "too many large frames are coming in at once",
    ]);
    // Data events that were under way when reading was paused count too.
    senders[1]!.deliver(100 * KIB, true);
    expect(senders[1]!.closedBecause).toBe("too many large frames are coming in at once");
  });

  test("give their room back when their connection goes away", async () => {
    const { clock, budget, connect } = setUp({ assembledBytesMax: MIB });
    const [first, second, third] = Array.from({ length: 3 }, () => connect(frameOf(1, MIB)));
    for (const sender of [first!, second!, third!]) sender.deliver(300 * KIB);
    expect(third!.isPaused).toBe(true);
    third!.deliver(MIB, true);
    third!.connection.end();
    await clock.advance(0);
    expect(third!.closedBecause).toBe(null);
    first!.connection.disconnected(null);
    second!.connection.disconnected(null);
    await clock.advance(0);
    // What came before the peer's end is still handled.
    expect(third!.handled).toEqual([1]);
    expect(third!.closedBecause).toBe("the peer ended it");
    expect(budget.usedBytes).toBe(0);
  });
});

test("peers whose large requests come all at once are all answered within a small budget", async () => {
  const server = await bed.open({ assemblyLimits: { assembledBytesMax: MIB } });
  let handled = 0;
  server.handle(echo, ({ body }) => {
    handled += body.length;
    return { fields: { text: "x" } };
  });
  const frame = frameOf(1, 2 * MIB);
  const peers = await Promise.all(Array.from({ length: 16 }, () => bed.connect(server)));
  await Promise.all(peers.map(async (peer) => {
    for (let sent = 0; sent < frame.length;) {
      const took = peer.socket.write(frame, sent, frame.length);
      sent += took;
      if (took === 0) await systemClock.sleep(1);
    }
    expect(await peer.take(1)).toMatchObject([{ opaque: 1, code: 0 }]);
  }));
  expect(handled).toBe(16 * 2 * MIB);
});
