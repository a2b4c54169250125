// A network in memory: connections between listeners and connectors of one process, in order and whole, delivered by
// promises and never by the event loop, so that a virtual clock drives it. For tests and simulations.
import { Buffer } from "node:buffer";
import {
  type SocketHandlers,
  type SocketOpener,
  type Transport,
  TransportError,
  type TransportListener,
  type TransportSocket,
} from "./transport.ts";

const FIRST_FREE_PORT = 20_000;
const ADDRESS = "127.0.0.1";
const nobody: SocketHandlers = { data() {}, drain() {}, end() {}, disconnected() {} };

export class MemoryTransport implements Transport {
  private readonly listeners = new Map<number, SocketOpener>();
  private nextPort = FIRST_FREE_PORT;

  listen(
    options: { host: string; port: number },
    opened: SocketOpener,
  ): Promise<TransportListener> {
    const port = options.port === 0 ? this.nextPort++ : options.port;
    if (this.listeners.has(port)) {
      const address = `${options.host}:${port}`;
      const problem = "the address is in use";
      return Promise.reject(new TransportError("address_in_use", address, problem));
    }
    this.listeners.set(port, opened);
    return Promise.resolve({
      host: options.host,
      port,
      close: () => Promise.resolve(void this.listeners.delete(port)),
    });
  }

  connect(
    options: { host: string; port: number; timeoutMs: number },
    opened: SocketOpener,
  ): Promise<TransportSocket> {
    const { host, port } = options;
    const accept = this.listeners.get(port);
    if (accept === undefined) {
      const error = new TransportError("refused", `${host}:${port}`, "connection refused");
      return Promise.reject(error);
    }
    const ours = new MemorySocket(this.nextPort++, port);
    const theirs = new MemorySocket(port, ours.localPort);
    ours.peer = theirs;
    theirs.peer = ours;
    theirs.handlers = accept(theirs);
    ours.handlers = opened(ours);
    return Promise.resolve(ours);
  }
}

type Event = Buffer | "end" | "gone";

class MemorySocket implements TransportSocket {
  readonly writeCopies = true;
  readonly remoteAddress = ADDRESS;
  handlers: SocketHandlers = nobody;
  peer: MemorySocket | null = null;
  private inbox: Event[] = [];
  private scheduled = false;
  private paused = false;
  private ended = false;
  private gone = false;

  constructor(readonly localPort: number, readonly remotePort: number) {}

  write(bytes: Uint8Array, start: number, end: number): number {
    if (!this.gone && !this.ended) this.peer?.take(Buffer.from(bytes.subarray(start, end)));
    return end - start;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.schedule();
  }

  end(): void {
    if (this.ended || this.gone) return;
    this.ended = true;
    this.peer?.take("end");
  }

  destroy(): void {
    if (this.gone) return;
    this.inbox = [];
    this.take("gone");
    this.peer?.take("gone");
  }

  private take(event: Event): void {
    if (this.gone) return;
    this.inbox.push(event);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.inbox.length === 0) return;
    this.scheduled = true;
    queueMicrotask(() => this.deliver());
  }

  private deliver(): void {
    this.scheduled = false;
    while (this.inbox.length > 0 && !this.gone) {
      // What ended comes through a pause, as from a kernel that noticed by itself.
      if (this.paused && this.inbox[0] !== "gone") return;
      const event = this.inbox.shift()!;
      if (event === "end") {
        this.handlers.end();
      } else if (event === "gone") {
        this.gone = true;
        this.handlers.disconnected(null);
      } else {
        this.handlers.data(event);
      }
    }
  }
}
