// The network by node:net, for every other runtime. It keeps what it can't send at once, up to a
// bound: what it took must not be changed. Never used where transport_bun.ts can be.
import { Buffer } from "node:buffer";
import { connect as netConnect, createServer, type Socket } from "node:net";
import { KIB } from "../limits.ts";
import type { Clock } from "../time/clock.ts";
import {
  type SocketHandlers,
  type SocketOpener,
  timedOut,
  type Transport,
  transportError,
  type TransportListener,
  type TransportSocket,
} from "./transport.ts";

/**
 * What one write takes at most, so that little is kept out of sight of the connection's own
 * accounts.
 */
const WRITE_BYTES_MAX = 256 * KIB;

const nobody: SocketHandlers = { data() {}, drain() {}, end() {}, disconnected() {} };

class NodeSocket implements TransportSocket {
  readonly writeCopies = false;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  handlers: SocketHandlers = nobody;
  private full = false;
  private error: Error | null = null;

  constructor(private readonly socket: Socket) {
    this.remoteAddress = socket.remoteAddress ?? "";
    this.remotePort = socket.remotePort ?? 0;
    this.localPort = socket.localPort ?? 0;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.handlers.data(asBuffer(bytes)));
    socket.on("drain", () => {
      this.full = false;
      this.handlers.drain();
    });
    socket.on("end", () => this.handlers.end());
    socket.on("error", (error) => (this.error = error));
    socket.on("close", () => this.handlers.disconnected(this.error));
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    const { socket } = this;
    if (socket.destroyed || !socket.writable) return end - start;
    let at = start;
    while (at < end && !this.full) {
      const next = Math.min(end, at + WRITE_BYTES_MAX);
      const goOn = socket.write(bytes.subarray(at, next));
      at = next;
      // What the kernel took at once counts towards the mark too: only what is kept matters.
      this.full = !goOn && socket.writableLength > 0;
    }
    return at - start;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
    this.socket.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function asBuffer(bytes: Buffer | string): Buffer {
  return typeof bytes === "string" ? Buffer.from(bytes) : bytes;
}

export function createNodeTransport(clock: Clock): Transport {
  return { listen, connect: (options, opened) => connect(options, opened, clock) };
}

function listen(
  options: { host: string; port: number },
  opened: SocketOpener,
): Promise<TransportListener> {
  const { host, port } = options;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const wrapper = new NodeSocket(socket);
    wrapper.handlers = opened(wrapper);
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(transportError(error, host, port)));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const realPort = address !== null && typeof address === "object" ? address.port : port;
      resolve({
        host,
        port: realPort,
        // Closing waits for open connections, which are their owner's: only the port is given back
        // here.
        close: () => Promise.resolve(void server.close()),
      });
    });
  });
}

function connect(
  options: { host: string; port: number; timeoutMs: number },
  opened: SocketOpener,
  clock: Clock,
): Promise<TransportSocket> {
  const { host, port, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const socket = netConnect({ host, port, allowHalfOpen: true });
    const timer = clock.after(timeoutMs, () => {
      socket.destroy();
      reject(timedOut(host, port, timeoutMs));
    });
    const onError = (error: Error) => {
      timer.cancel();
      reject(transportError(error, host, port));
    };
    socket.once("error", onError);
    socket.once("connect", () => {
      timer.cancel();
      socket.off("error", onError);
      const wrapper = new NodeSocket(socket);
      wrapper.handlers = opened(wrapper);
      resolve(wrapper);
    });
  });
}
