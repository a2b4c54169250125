// One contract, held against both transports.
import { afterEach, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Clock } from "../time/clock.ts";
import { systemClock } from "../time/system_clock.ts";
import { createBunTransport } from "./transport_bun.ts";
import { createNodeTransport } from "./transport_node.ts";
import {
  type SocketHandlers,
  type Transport,
  TransportError,
  transportError,
  type TransportListener,
  type TransportSocket,
} from "./transport.ts";

const MIB = 1024 * 1024;
const host = "127.0.0.1";

/** One side of a connection with everything that happened on it. */
class Side implements SocketHandlers {
  readonly received: Buffer[] = [];
  receivedBytes = 0;
  ended = false;
  disconnections: (Error | null)[] = [];
  onData: (bytes: Buffer) => void = () => {};
  onDrain: () => void = () => {};
  onEnd: () => void = () => {};
  readonly gone: Promise<void>;
  private markGone!: () => void;

  constructor(readonly socket: TransportSocket) {
    this.gone = new Promise((resolve) => this.markGone = resolve);
  }

  data(bytes: Buffer): void {
    this.received.push(bytes);
    this.receivedBytes += bytes.length;
    this.onData(bytes);
  }

  drain(): void {
    this.onDrain();
  }

  end(): void {
    this.ended = true;
    this.onEnd();
  }

  disconnected(error: Error | null): void {
    this.disconnections.push(error);
    this.markGone();
  }

  /** Sends all bytes by partial writes, reusing one buffer where the transport allows that. */
  async sendAll(source: Iterable<Buffer>): Promise<void> {
    const scratch = Buffer.alloc(64 * 1024);
    for (const bytes of source) {
      const own = this.socket.writeCopies ? scratch.subarray(0, bytes.length) : Buffer.from(bytes);
      own.set(bytes);
      for (let at = 0; at < own.length;) {
        at += this.socket.write(own, at, own.length);
        if (at < own.length) await new Promise<void>((resolve) => this.onDrain = resolve);
      }
    }
  }
}

/** Pseudo-random blocks, the same for a given count. */
function* blocks(count: number, sizeBytes: number): Generator<Buffer> {
  let state = 12345;
  for (let n = 0; n < count; n++) {
    const block = Buffer.alloc(sizeBytes);
    for (let at = 0; at + 4 <= sizeBytes; at += 4) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      block.writeUInt32LE(state, at);
    }
    yield block;
  }
}

function digestOf(parts: Iterable<Buffer>): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(1);
}

const twins: [string, (clock: Clock) => Transport][] = [
  ["Bun's sockets", createBunTransport],
  ["node:net", createNodeTransport],
];

for (const [name, create] of twins) {
  describe(name, () => {
    const transport = create(systemClock);
    const listeners: TransportListener[] = [];
    const sides: Side[] = [];

    afterEach(async () => {
      for (const side of sides.splice(0)) side.socket.destroy();
      for (const listener of listeners.splice(0)) await listener.close();
    });

    async function listen(prepare: (side: Side) => void = () => {}) {
      const accepted: Side[] = [];
      const listener = await transport.listen({ host, port: 0 }, (socket) => {
        const side = new Side(socket);
        sides.push(side);
        accepted.push(side);
        prepare(side);
        return side;
      });
      listeners.push(listener);
      return { port: listener.port, accepted };
    }

    async function connect(port: number, by = transport): Promise<Side> {
      let side!: Side;
      await by.connect({ host, port, timeoutMs: 5_000 }, (socket) => {
        side = new Side(socket);
        sides.push(side);
        return side;
      });
      return side;
    }

    /** Both sides of one new connection. */
    async function pair(): Promise<[client: Side, server: Side]> {
      const { port, accepted } = await listen();
      const client = await connect(port);
      await until(() => accepted.length === 1);
      return [client, accepted[0]!];
    }

    test("both sides know the addresses and exchange bytes", async () => {
      const { port, accepted } = await listen();
      const client = await connect(port);
      await until(() => accepted.length === 1);
      const server = accepted[0]!;
      expect(client.socket.remoteAddress).toBe(host);
      expect(client.socket.remotePort).toBe(port);
      expect(server.socket.localPort).toBe(port);
      expect(server.socket.remotePort).toBe(client.socket.localPort);
      await client.sendAll([Buffer.from("ping")]);
      await until(() => server.receivedBytes === 4);
      await server.sendAll([Buffer.from("pong!")]);
      await until(() => client.receivedBytes === 5);
      expect(Buffer.concat(server.received).toString()).toBe("ping");
      expect(Buffer.concat(client.received).toString()).toBe("pong!");
    });

    test("a slow reader is echoed 40 MiB byte for byte", async () => {
      const { port } = await listen((server) => {
        // Echoes through a bounded queue: reading pauses while the peer doesn't take what it is
        // sent.
        const queue: Buffer[] = [];
        const pump = () => {
          while (queue.length > 0) {
            const first = queue[0]!;
            const count = server.socket.write(first, 0, first.length);
            if (count < first.length) {
              queue[0] = first.subarray(count);
              return server.socket.pause();
            }
            queue.shift();
          }
          server.socket.resume();
        };
        server.onData = (bytes) => {
          queue.push(bytes);
          if (queue.length === 1) pump();
        };
        server.onDrain = pump;
      });
      const client = await connect(port);
      let sinceNap = 0;
      client.onData = (bytes) => {
        sinceNap += bytes.length;
        if (sinceNap < 2 * MIB) return;
        sinceNap = 0;
        client.socket.pause();
        setTimeout(() => client.socket.resume(), 5);
      };
      await client.sendAll(blocks(640, 64 * 1024));
      await until(() => client.receivedBytes === 40 * MIB);
      expect(digestOf(client.received)).toBe(digestOf(blocks(640, 64 * 1024)));
    });

    test("a peer that doesn't read makes writes take less, and a drain comes when it reads", async () => {
      const [client, server] = await pair();
      client.socket.pause();
      let drains = 0;
      server.onDrain = () => drains++;
      const block = Buffer.alloc(MIB, 1);
      let taken = 0;
      for (let count = MIB; count === MIB;) {
        count = server.socket.write(block, 0, MIB);
        taken += count;
      }
      expect(taken).toBeLessThan(64 * MIB);
      expect(client.receivedBytes).toBeLessThanOrEqual(MIB);
      client.socket.resume();
      await until(() => drains > 0 && client.receivedBytes === taken);
    });

    test("a paused socket gives no data, and all of it after it is resumed", async () => {
      const [client, server] = await pair();
      server.socket.pause();
      await client.sendAll([Buffer.from("held back")]);
      const { accepted, port } = await listen();
      // Another connection's round trip: long enough for the bytes to have come, were it not
      // paused.
      await (await connect(port)).sendAll([Buffer.from("x")]);
      await until(() => accepted[0]?.receivedBytes === 1);
      expect(server.receivedBytes).toBe(0);
      server.socket.resume();
      await until(() => server.receivedBytes === 9);
    });

    test("the peer of an ended side sends on, and both end in order", async () => {
      const [client, server] = await pair();
      server.onEnd = () => {
        void server.sendAll(blocks(80, 64 * 1024)).then(() => server.socket.end());
      };
      await client.sendAll([Buffer.from("last words")]);
      client.socket.end();
      await client.gone;
      await server.gone;
      expect(Buffer.concat(server.received).toString()).toBe("last words");
      expect(digestOf(client.received)).toBe(digestOf(blocks(80, 64 * 1024)));
      expect(client.disconnections).toEqual([null]);
      expect(server.disconnections).toEqual([null]);
    });

    test("bytes that were taken arrive before the end", async () => {
      const [client, server] = await pair();
      await server.sendAll(blocks(16, 64 * 1024));
      server.socket.end();
      await until(() => client.ended);
      expect(client.receivedBytes).toBe(MIB);
    });

    test("a destroyed socket takes everything, says nothing more and is gone once", async () => {
      const [client, server] = await pair();
      client.socket.destroy();
      client.socket.destroy();
      await client.gone;
      expect(client.socket.write(Buffer.from("abc"), 1, 3)).toBe(2);
      client.socket.pause();
      client.socket.resume();
      client.socket.end();
      await until(() => server.ended || server.disconnections.length === 1);
      expect(client.disconnections.length).toBe(1);
      expect(client.receivedBytes).toBe(0);
    });

    test("handlers can be replaced between two events", async () => {
      const [client, server] = await pair();
      await client.sendAll([Buffer.from("one")]);
      await until(() => server.receivedBytes === 3);
      const second = new Side(server.socket);
      server.socket.handlers = second;
      await client.sendAll([Buffer.from("two")]);
      await until(() => second.receivedBytes === 3);
      expect(server.receivedBytes).toBe(3);
    });

    test("a refused connection says so and names the address", async () => {
      const { port } = await listen();
      await listeners.pop()!.close();
      const error = await connect(port).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TransportError);
      expect(error).toMatchObject({
        code: "refused",
        message: `127.0.0.1:${port}: connection refused`,
      });
    });

    test("a connect that takes too long says so, and a socket that opens late is closed", async () => {
      const impatient: Clock = {
        ...systemClock,
        after: (_delayMs, callback) => {
          queueMicrotask(callback);
          return { cancel: () => {} };
        },
      };
      const { port, accepted } = await listen();
      const error = await connect(port, create(impatient)).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: "timed_out",
        message: `127.0.0.1:${port}: not connected within 5000 ms`,
      });
      const later = await connect(port);
      await until(() => accepted.some((side) => side.socket.remotePort === later.socket.localPort));
      await until(() =>
        accepted.every((side) =>
          side.socket.remotePort === later.socket.localPort || side.ended ||
          side.disconnections.length === 1
        )
      );
    });

    test("a port that is taken is refused", async () => {
      const { port } = await listen();
      const error = await transport.listen({ host, port }, (socket) => new Side(socket))
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: "address_in_use",
        message: `127.0.0.1:${port}: the address is in use`,
      });
    });

    test("2 000 connections at once each get their own bytes back", async () => {
      const { port, accepted } = await listen((server) => {
        server.onData = (bytes) => void server.sendAll([bytes]);
      });
      const clients: Side[] = [];
      for (let round = 0; round < 20; round++) {
        clients.push(...await Promise.all(Array.from({ length: 100 }, () => connect(port))));
      }
      for (const [n, client] of clients.entries()) void client.sendAll([Buffer.from(`hello ${n}`)]);
      await until(() => clients.every((client, n) => client.receivedBytes === `hello ${n}`.length));
      clients.forEach((client, n) => {
        expect(Buffer.concat(client.received).toString()).toBe(`hello ${n}`);
      });
      expect(accepted.length).toBe(2_000);
    });
  });
}

test("system errors are told apart by their code", () => {
  const failure = (code: string) => transportError(Object.assign(new Error("x"), { code }), "h", 1);
  expect(failure("ENOTFOUND").code).toBe("unresolved");
  expect(failure("ENETUNREACH").message).toBe("h:1: the network is unreachable");
  expect(failure("EACCES").code).toBe("not_permitted");
  expect(transportError(new Error("odd"), "::1", 80)).toMatchObject({
    code: "failed",
    message: "[::1]:80: odd",
  });
});
