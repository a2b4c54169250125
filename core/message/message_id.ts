// The two ids of a message: the offset id (address of the broker that stores it + physical offset) and the unique key
// that a producer gives it (MessageClientIDSetter). Clock and address are arguments.
import { Buffer } from "node:buffer";
import { readI32, readI64, readU16 } from "../bytes/big_endian.ts";
import { fromHex, toHex, writeHexDigits } from "../bytes/hex.ts";
import { assert, DecodeError } from "../errors.ts";
import type { Clock } from "../time/clock.ts";

const PORT_BYTES = 4;
const OFFSET_BYTES = 8;

/** Upper-case hexadecimal of address, 4-byte port and 8-byte offset: 32 digits for IPv4, 56 for IPv6. */
export function encodeOffsetMessageId(
  address: Uint8Array,
  port: number,
  physicalOffset: number,
): string {
  const digits = Buffer.allocUnsafe((address.length + PORT_BYTES + OFFSET_BYTES) * 2);
  writeOffsetMessageId(digits, 0, address, port, physicalOffset);
  return digits.toString("latin1");
}

/** Writes the id's digits as ASCII, for answers made in place; gives the position after them. */
export function writeOffsetMessageId(
  target: Uint8Array,
  at: number,
  address: Uint8Array,
  port: number,
  physicalOffset: number,
): number {
  let next = at;
  for (let index = 0; index < address.length; index++, next += 2) {
    writeHexDigits(target, next, address[index]!, 2);
  }
  writeHexDigits(target, next, port, 8);
  writeHexDigits(target, next + 8, Math.floor(physicalOffset / 0x1_0000_0000), 8);
  writeHexDigits(target, next + 16, physicalOffset | 0, 8);
  return next + 24;
}

export interface OffsetMessageId {
  /** 4 or 16 bytes. */
  address: Uint8Array;
  port: number;
  physicalOffset: number;
}

/** Takes apart an offset id. Throws DecodeError for anything that isn't one. */
export function decodeOffsetMessageId(id: string): OffsetMessageId {
  const bytes = fromHex(id, "offset message id");
  if (bytes.length !== 16 && bytes.length !== 28) {
    throw new DecodeError("offset message id", `${id.length} digits, not 32 or 56`);
  }
  const addressBytes = bytes.length - PORT_BYTES - OFFSET_BYTES;
  return {
    address: bytes.subarray(0, addressBytes),
    port: readI32(bytes, addressBytes),
    physicalOffset: readI64(bytes, addressBytes + PORT_BYTES),
  };
}

export interface UniqueKeyOptions {
  clock: Clock;
  /** 4 or 16 bytes. */
  address: Uint8Array;
  /** Its low 16 bits are used. */
  processId: number;
  /** What tells generators of one process apart (Java: the class loader's hash). */
  instanceHash: number;
  /** The first counter value; 0 as Java begins. */
  firstCount?: number;
}

/** Makes unique keys: address, pid (2), instance (4), ms since the month began in local time (4), counter (2). */
export class UniqueKeyGenerator {
  private readonly prefix: Uint8Array;
  private readonly clock: Clock;
  private count: number;
  private monthStartMs = 0;
  private nextMonthMs = 0;
  /** Hexadecimal digits of a key. */
  readonly length: number;

  constructor(options: UniqueKeyOptions) {
    const { address } = options;
    assert(address.length === 4 || address.length === 16, "an address has 4 or 16 bytes");
    this.clock = options.clock;
    this.count = options.firstCount ?? 0;
    this.prefix = new Uint8Array(address.length * 2 + 12);
    this.prefix.set(Buffer.from(toHex(address), "latin1"));
    writeHexDigits(this.prefix, address.length * 2, options.processId, 4);
    writeHexDigits(this.prefix, address.length * 2 + 4, options.instanceHash, 8);
    this.length = this.prefix.length + 12;
  }

  next(): string {
    const bytes = Buffer.allocUnsafe(this.length);
    this.write(bytes, 0, this.clock.nowMs());
    return bytes.toString("latin1");
  }

  /** Writes the next key as ASCII, for a caller that knows the time; gives the position after it. */
  write(target: Uint8Array, at: number, nowMs: number): number {
    if (nowMs >= this.nextMonthMs) this.startMonth(nowMs);
    target.set(this.prefix, at);
    const timeAt = at + this.prefix.length;
    writeHexDigits(target, timeAt, this.sinceMonthStartMs(nowMs), 8);
    writeHexDigits(target, timeAt + 8, this.count, 4);
    this.count = (this.count + 1) & 0xffff;
    return at + this.length;
  }

  /** A clock set back a little over the month's start counts as its start. */
  private sinceMonthStartMs(nowMs: number): number {
    const elapsedMs = nowMs - this.monthStartMs;
    return elapsedMs < 0 && elapsedMs > -1_000_000 ? 0 : elapsedMs | 0;
  }

  private startMonth(nowMs: number): void {
    this.monthStartMs = monthStart(nowMs, 0);
    this.nextMonthMs = monthStart(nowMs, 1);
  }
}

/** The first instant of the local month that is `offset` months from the one of `timeMs`. */
function monthStart(timeMs: number, offset: number): number {
  const day = new Date(timeMs);
  return new Date(day.getFullYear(), day.getMonth() + offset, 1).getTime();
}

export interface UniqueKeyParts {
  address: Uint8Array;
  processId: number;
  instanceHash: number;
  /** When it was made: the last moment before now that fits (getNearlyTimeFromID). */
  createdMs: number;
  count: number;
}

/** Takes apart a unique key. Throws DecodeError when it has not the shape of one: a producer may set any text. */
export function decodeUniqueKey(key: string, nowMs: number): UniqueKeyParts {
  const bytes = fromHex(key, "unique key");
  if (bytes.length !== 16 && bytes.length !== 28) {
    throw new DecodeError("unique key", `${key.length} digits, not 32 or 56`);
  }
  const at = bytes.length - 12;
  const sinceMonthStartMs = readI32(bytes, at + 6) >>> 0;
  let createdMs = monthStart(nowMs, 0) + sinceMonthStartMs;
  if (createdMs >= nowMs) createdMs = monthStart(nowMs, -1) + sinceMonthStartMs;
  return {
    address: bytes.subarray(0, at),
    processId: readU16(bytes, at),
    instanceHash: readI32(bytes, at + 2),
    createdMs,
    count: readU16(bytes, at + 10),
  };
}
