import { afterEach, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { Clock } from "../time/clock.ts";
import { systemClock } from "../time/system_clock.ts";
import { decodeFrame, encodeFrame } from "./codec.ts";
import { FrameDecoder } from "./frame.ts";
import { echo, echoRequest, TestBed } from "./testing_server.ts";
import type { SocketHandlers, TransportSocket } from "./transport.ts";

const bed = new TestBed();
const { open, connect, entries } = bed;
afterEach(() => bed.close());

test("a first-bytes hook may name the peer's true address and leave its bytes out", async () => {
  const server = await open({
    firstBytes(bytes) {
      const end = bytes.indexOf("\n");
      if (end < 0) return { kind: "more" };
      const [address, port] = bytes.toString("latin1", 0, end).split(" ");
      if (address === "evil") return { kind: "refuse", reason: "it is evil" };
      return {
        kind: "plain",
        consumed: end + 1,
        remote: { address: address!, port: Number(port) },
      };
    },
  });
  server.handle(echo, (_request, { remoteAddress }) => ({ fields: { text: remoteAddress } }));
  const peer = await connect(server);
  peer.sendBytes(Buffer.from("198.51.100.9 "));
  await systemClock.sleep(5);
  peer.sendBytes(Buffer.concat([Buffer.from("4711\n"), encodeFrame(echoRequest(1, "a"))]));
  expect((await peer.take(1))[0]!.extFields.get("text")).toBe("198.51.100.9:4711");
  const evil = await connect(server);
  evil.sendBytes(Buffer.from("evil 1\n"));
  await evil.until(({ closed }) => closed);
});

/** A layer that flips every bit, as TLS would encrypt. */
class Flipped implements TransportSocket, SocketHandlers {
  handlers!: SocketHandlers;
  readonly writeCopies = true;

  constructor(private readonly raw: TransportSocket) {}

  get remoteAddress() {
    return this.raw.remoteAddress;
  }
  get remotePort() {
    return this.raw.remotePort;
  }
  get localPort() {
    return this.raw.localPort;
  }
  write(bytes: Uint8Array, start: number, end: number): number {
    return this.raw.write(Buffer.from(bytes.subarray(start, end)).map((b) => ~b), 0, end - start);
  }
  pause = () => this.raw.pause();
  resume = () => this.raw.resume();
  destroy = () => this.raw.destroy();
  data = (bytes: Buffer) => this.handlers.data(Buffer.from(bytes.map((b) => ~b)));
  drain = () => this.handlers.drain();
  end(): void {
    this.raw.end();
  }
  disconnected = (error: Error | null) => this.handlers.disconnected(error);
}

test("a first-bytes hook may put a layer between the socket and the frames", async () => {
  const server = await open({
    firstBytes: (bytes) =>
      bytes[0] === 0 ? { kind: "plain", consumed: 0 } : {
        kind: "wrap",
        wrap(raw, first) {
          const layer = new Flipped(raw);
          raw.handlers = layer;
          queueMicrotask(() => layer.data(first));
          return layer;
        },
      },
  });
  server.handle(echo, ({ fields }) => ({ fields }));
  const peer = await connect(server);
  const frame = encodeFrame(echoRequest(1, "under cover"));
  peer.sendBytes(frame.map((b) => ~b));
  const received: Buffer[] = [];
  const answered = new Promise<void>((resolve) => {
    peer.data = (bytes) => {
      received.push(bytes);
      resolve();
    };
  });
  await answered;
  const decoder = new FrameDecoder();
  decoder.push(Buffer.from(Buffer.concat(received).map((b) => ~b)));
  expect(decodeFrame(decoder.next()!).extFields.get("text")).toBe("under cover");
});

test("a connection whose first bytes never make sense or never come is closed", async () => {
  const timers: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    after(_delayMs, callback) {
      timers.push(callback);
      return { cancel: () => {} };
    },
  };
  const server = await open({ clock, firstBytes: () => ({ kind: "more" }) });
  const chatty = await connect(server);
  chatty.sendBytes(Buffer.alloc(5_000));
  await chatty.until(({ closed }) => closed);
  const silent = await connect(server);
  while (timers.length < 3) await systemClock.sleep(1);
  for (const each of timers) each();
  await silent.until(({ closed }) => closed);
  const reasons = entries.filter(({ text }) => text === "connection refused")
    .map(({ fields }) => fields!.reason);
  expect(reasons).toContain("its first bytes make no sense");
  expect(reasons).toContain("its first bytes never came");
});
