// A socket for tests whose kernel takes as much as the test says. Used by tests alone.
import { Buffer } from "node:buffer";
import type { SocketHandlers, TransportSocket } from "./transport.ts";

export class TestSocket implements TransportSocket {
  readonly remoteAddress = "192.0.2.7";
  readonly remotePort = 40001;
  readonly localPort = 10911;
  handlers: SocketHandlers = { data() {}, drain() {}, end() {}, disconnected() {} };
  /** Bytes that the next writes take. */
  room = Infinity;
  writes = 0;
  paused = false;
  ended = false;
  destroyed = false;
  /** Copies, or the bytes themselves when writes keep them: then later changes show. */
  private readonly taken: Uint8Array[] = [];

  constructor(readonly writeCopies = true) {}

  write(bytes: Uint8Array, start: number, end: number): number {
    this.writes++;
    const count = Math.min(this.room, end - start);
    this.room -= count;
    const part = bytes.subarray(start, start + count);
    this.taken.push(this.writeCopies ? Buffer.from(part) : part);
    return count;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** Everything that was taken so far. */
  get sent(): Buffer {
    return Buffer.concat(this.taken);
  }
}
