// The bytes that one connection has still to send, in order: small ones gathered in pooled blocks,
// large ones as they are. Nothing is copied twice; a partial write keeps the rest. Knows no turn:
// connection.ts says when to flush.
import { Buffer } from "node:buffer";
import { KIB } from "../limits.ts";
import { EMPTY_BYTES } from "./command.ts";
import type { TransportSocket } from "./transport.ts";

export const OUTGOING_BLOCK_BYTES = 64 * KIB;
/**
 * Blocks kept for reuse by all connections of a server; more than that are left to the collector.
 */
const POOLED_BLOCKS_MAX = 64;
/** Up to here bytes are copied to the block, so that they leave in the same write. */
const COPIED_BYTES_MAX = 8 * KIB;

/** Blocks for reuse, shared by connections: an idle connection holds none. */
export class BlockPool {
  private readonly free: Buffer[] = [];

  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(OUTGOING_BLOCK_BYTES);
  }

  give(block: Buffer): void {
    if (block.length === OUTGOING_BLOCK_BYTES && this.free.length < POOLED_BLOCKS_MAX) {
      this.free.push(block);
    }
  }
}

interface Segment {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** The block to give back once this segment is sent. */
  block: Buffer | null;
}

export class Outgoing {
  /** Queued and not yet taken by the socket. */
  unsentBytes = 0;
  private segments: Segment[] = [];
  private sentSegments = 0;
  private block: Buffer | null = null;
  private blockStart = 0;
  private blockEnd = 0;
  private readonly room: { buffer: Buffer; start: number } = { buffer: Buffer.alloc(0), start: 0 };

  constructor(private readonly pool: BlockPool) {}

  /**
   * Room for `length` bytes after all that is queued. The object returned is reused by the next
   * call.
   */
  reserve(length: number): { buffer: Buffer; start: number } {
    let block = this.block;
    if (block === null || block.length - this.blockEnd < length) {
      this.retireBlock();
      block = length <= OUTGOING_BLOCK_BYTES ? this.pool.take() : Buffer.allocUnsafeSlow(length);
      this.block = block;
    }
    this.room.buffer = block;
    this.room.start = this.blockEnd;
    return this.room;
  }

  commit(usedLength: number): void {
    this.blockEnd += usedLength;
    this.unsentBytes += usedLength;
  }

  /** Queues bytes that are never changed again. */
  push(bytes: Uint8Array): void {
    if (bytes.length <= COPIED_BYTES_MAX) {
      const { buffer, start } = this.reserve(bytes.length);
      buffer.set(bytes, start);
      this.commit(bytes.length);
      return;
    }
    this.sealBlock(null);
    this.segments.push({ bytes, start: 0, end: bytes.length, block: null });
    this.unsentBytes += bytes.length;
  }

  /** Hands bytes to the socket until it takes no more; true when all were taken. */
  flush(socket: TransportSocket): boolean {
    while (this.sentSegments < this.segments.length) {
      const segment = this.segments[this.sentSegments]!;
      if (segment.start < segment.end) {
        const count = socket.write(segment.bytes, segment.start, segment.end);
        this.unsentBytes -= count;
        segment.start += count;
        if (segment.start < segment.end) return this.compact();
      }
      if (segment.block !== null && socket.writeCopies) this.pool.give(segment.block);
      segment.bytes = EMPTY_BYTES;
      segment.block = null;
      this.sentSegments++;
    }
    this.segments.length = 0;
    this.sentSegments = 0;
    return this.flushBlock(socket);
  }

  /**
   * Lets go of the block of a connection that has nothing to send (the socket may still keep its
   * bytes).
   */
  trim(): void {
    if (this.unsentBytes === 0) this.clear();
  }

  /** Drops everything: the connection is closed. */
  clear(): void {
    this.segments = [];
    this.sentSegments = 0;
    this.block = null;
    this.blockStart = 0;
    this.blockEnd = 0;
    this.unsentBytes = 0;
  }

  private flushBlock(socket: TransportSocket): boolean {
    const block = this.block;
    if (block === null) return true;
    if (this.blockStart < this.blockEnd) {
      const count = socket.write(block, this.blockStart, this.blockEnd);
      this.unsentBytes -= count;
      this.blockStart += count;
      if (this.blockStart < this.blockEnd) return false;
    }
    if (!socket.writeCopies) return true;
    this.block = null;
    this.blockStart = 0;
    this.blockEnd = 0;
    this.pool.give(block);
    return true;
  }

  /** Forgets the segments that were sent, once they are many. */
  private compact(): false {
    if (this.sentSegments > 32) {
      this.segments.splice(0, this.sentSegments);
      this.sentSegments = 0;
    }
    return false;
  }

  /**
   * What the block holds becomes a segment; the block goes on behind it unless it is retired with
   * it.
   */
  private sealBlock(retired: Buffer | null): void {
    if (this.block === null) return;
    if (this.blockStart < this.blockEnd || retired !== null) {
      this.segments.push({
        bytes: this.block,
        start: this.blockStart,
        end: this.blockEnd,
        block: retired,
      });
    }
    this.blockStart = this.blockEnd;
  }

  private retireBlock(): void {
    this.sealBlock(this.block);
    this.block = null;
    this.blockStart = 0;
    this.blockEnd = 0;
  }
}
