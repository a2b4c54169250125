// Frames: [total length][serialize type + header length][header][body], lengths big-endian, total
// not counting itself. Cuts a byte stream into frames whatever the splits, checking every length
// before anything is allocated.
import { Buffer } from "node:buffer";
import { DecodeError } from "../errors.ts";
import { FRAME_ASSEMBLY_FREE_BYTES, FRAME_BYTES_MAX, HEADER_BYTES_MAX, KIB } from "../limits.ts";
import { SERIALIZE_JSON, SERIALIZE_ROCKETMQ, type SerializeType } from "./command.ts";

/**
 * One whole frame as a view of the bytes that came in; positions index `buffer`. The bytes may be
 * kept.
 */
export interface Frame {
  buffer: Buffer;
  /** Start of the 4-byte total length. */
  start: number;
  serializeType: SerializeType;
  headerStart: number;
  /** Header end and body start. */
  bodyStart: number;
  end: number;
}

const LENGTH_BYTES = 4;
const LENGTHS_BYTES = 8;
/** What a frame's first assembly buffer may take before more of it arrived. */
const ASSEMBLY_BYTES_MIN = 4 * KIB;
/** An assembly buffer is at most this many times what arrived (or the minimum, or the frame). */
const ASSEMBLY_GROWTH = 4;

/** Grants the memory in which larger frames are put together. */
export interface FrameRoom {
  /** Whether the assembly buffer may have `capacity` bytes; the answer may be another one later. */
  take(capacity: number): boolean;
  /** The frame is whole: its bytes are the receiver's now. */
  free(): void;
}

/**
 * Cuts the chunks of one connection into frames: `push` each, then call `next` until it gives null.
 * A frame that is whole in one chunk is a view of it; any other is put together in a buffer of its
 * own. That buffer grows with what arrived (at most 4 × the bytes received, at least 4 KiB), so
 * that claiming 16 MiB on 2 000 connections costs 8 MiB in all.
 */
export class FrameDecoder {
  private chunk: Buffer | null = null;
  private position = 0;
  /** Chunks that were pushed while frames still waited in an earlier one (reading was paused). */
  private readonly waiting: Buffer[] = [];
  /**
   * The frame that is being put together, its bytes so far and its full length (0: not known yet).
   */
  private assembly: Buffer | null = null;
  private assembled = 0;
  private frameBytes = 0;
  /** `next` gave null for want of room, with bytes still unread. */
  starved = false;

  constructor(private readonly room: FrameRoom | null = null) {}

  /** Bytes that have come of the frame that is being put together. */
  get assembledBytes(): number {
    return this.assembled;
  }

  /** Bytes that were pushed and not looked at yet. */
  get unreadBytes(): number {
    const rest = this.chunk === null ? 0 : this.chunk.length - this.position;
    return this.waiting.reduce((sum, { length }) => sum + length, rest);
  }

  /** Takes the next chunk. Its bytes may live as long as any frame of it. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.chunk === null) {
      this.chunk = chunk;
      this.position = 0;
    } else {
      this.waiting.push(chunk);
    }
  }

  /**
   * The next whole frame, or null until more is pushed, or until there is room (`starved`). Throws
   * DecodeError; the stream is then lost.
   */
  next(): Frame | null {
    for (;;) {
      const chunk = this.chunk;
      if (chunk === null) return null;
      const frame = this.assembly === null ? this.cut(chunk) : this.assemble(chunk);
      if (frame === null && this.starved) return null;
      if (this.position === chunk.length) {
        this.chunk = this.waiting.shift() ?? null;
        this.position = 0;
      }
      if (frame !== null) return frame;
    }
  }

  /** A frame that lies whole in the chunk; otherwise starts to put one together. */
  private cut(chunk: Buffer): Frame | null {
    const start = this.position;
    const rest = chunk.length - start;
    if (rest >= LENGTHS_BYTES) {
      const frameBytes = checkedFrameBytes(chunk, start);
      const headerMark = checkedHeaderMark(chunk, start, frameBytes);
      if (rest >= frameBytes) {
        this.position = start + frameBytes;
        return viewOf(chunk, start, frameBytes, headerMark);
      }
      const capacity = capacityFor(rest, frameBytes);
      if (!this.hasRoom(capacity)) return null;
      this.frameBytes = frameBytes;
      this.assembly = Buffer.allocUnsafe(capacity);
    } else {
      this.assembly = Buffer.allocUnsafe(LENGTHS_BYTES);
    }
    return this.assemble(chunk);
  }

  private assemble(chunk: Buffer): Frame | null {
    if (this.frameBytes === 0) {
      this.take(chunk, LENGTHS_BYTES);
      // The total length alone is enough to refuse; a peer may send nothing after it.
      if (this.assembled >= LENGTH_BYTES) checkedFrameBytes(this.assembly!, 0);
      if (this.assembled < LENGTHS_BYTES) return null;
      this.frameBytes = checkedFrameBytes(this.assembly!, 0);
      checkedHeaderMark(this.assembly!, 0, this.frameBytes);
    }
    const wanted = Math.min(this.assembled + chunk.length - this.position, this.frameBytes);
    if (wanted > this.assembly!.length && !this.grow(wanted)) return null;
    this.take(chunk, this.frameBytes);
    return this.assembled === this.frameBytes ? this.finish() : null;
  }

  /** Moves bytes from the chunk to the assembly until it holds `until` or the chunk is used up. */
  private take(chunk: Buffer, until: number): void {
    const count = Math.min(until - this.assembled, chunk.length - this.position);
    chunk.copy(this.assembly!, this.assembled, this.position, this.position + count);
    this.assembled += count;
    this.position += count;
  }

  private grow(wanted: number): boolean {
    const capacity = capacityFor(wanted, this.frameBytes);
    if (!this.hasRoom(capacity)) return false;
    const larger = Buffer.allocUnsafe(capacity);
    this.assembly!.copy(larger, 0, 0, this.assembled);
    this.assembly = larger;
    return true;
  }

  private hasRoom(capacity: number): boolean {
    const { room } = this;
    this.starved = capacity > FRAME_ASSEMBLY_FREE_BYTES && room !== null && !room.take(capacity);
    return !this.starved;
  }

  private finish(): Frame {
    const buffer = this.assembly!;
    const frameBytes = this.frameBytes;
    this.assembly = null;
    this.assembled = 0;
    this.frameBytes = 0;
    this.room?.free();
    return viewOf(buffer, 0, frameBytes, buffer.readUInt32BE(LENGTH_BYTES));
  }
}

function capacityFor(arrived: number, frameBytes: number): number {
  return Math.min(frameBytes, Math.max(ASSEMBLY_BYTES_MIN, arrived * ASSEMBLY_GROWTH));
}

/**
 * Bytes of the whole frame with its length field. Netty's LengthFieldBasedFrameDecoder counts the
 * limit alike.
 */
function checkedFrameBytes(buffer: Buffer, start: number): number {
  const length = buffer.readInt32BE(start);
  if (length < LENGTH_BYTES) throw new DecodeError("frame", `length ${length} is too short`);
  if (length + LENGTH_BYTES > FRAME_BYTES_MAX) {
    throw new DecodeError(
      "frame",
      `${length + LENGTH_BYTES} bytes are more than the limit of ${FRAME_BYTES_MAX}`,
    );
  }
  return length + LENGTH_BYTES;
}

/** The word of serialize type (high byte) and header length, once both are sane. */
function checkedHeaderMark(buffer: Buffer, start: number, frameBytes: number): number {
  const mark = buffer.readUInt32BE(start + LENGTH_BYTES);
  const serializeType = mark >>> 24;
  if (serializeType !== SERIALIZE_JSON && serializeType !== SERIALIZE_ROCKETMQ) {
    throw new DecodeError("frame", `unknown serialize type ${serializeType}`);
  }
  const headerBytes = mark & 0xffffff;
  if (headerBytes > frameBytes - LENGTHS_BYTES) {
    throw new DecodeError("frame", `header of ${headerBytes} bytes is longer than its frame`);
  }
  if (headerBytes > HEADER_BYTES_MAX) {
    throw new DecodeError(
      "frame",
      `header of ${headerBytes} bytes is more than the limit of ${HEADER_BYTES_MAX}`,
    );
  }
  return mark;
}

function viewOf(buffer: Buffer, start: number, frameBytes: number, headerMark: number): Frame {
  const headerStart = start + LENGTHS_BYTES;
  return {
    buffer,
    start,
    serializeType: (headerMark >>> 24) === SERIALIZE_JSON ? SERIALIZE_JSON : SERIALIZE_ROCKETMQ,
    headerStart,
    bodyStart: headerStart + (headerMark & 0xffffff),
    end: start + frameBytes,
  };
}
