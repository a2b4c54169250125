// config/timercheck: how far the timer has read its queue, delivered its slots and flushed its log. 56 bytes of a page
// (Java: TimerCheckpoint), which have no checksum: a copy with one stands behind them, where Apache's broker doesn't look.
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import { readI32, readI64, writeI32, writeI64 } from "../../core/bytes/big_endian.ts";
import { crc32 } from "../../core/bytes/crc32.ts";
import type { Disk, DiskFile } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import { TIMER_CHECK_BYTES } from "./limits.ts";

/** What a slave asks for, and what stands at the file's beginning. */
export const TIMER_CHECK_STATE_BYTES = 56;
/** Behind it the same again, and its CRC: all in one sector. */
const COPY_AT = 64;
const SUM_AT = COPY_AT + TIMER_CHECK_STATE_BYTES;
const WRITTEN_BYTES = SUM_AT + 4;

/** How far the clock may have been set back since, where nothing else vouches for a time … */
const CLOCK_STEP_MAX_MS = 24 * 3_600_000;
/** … and where an earlier one is known. */
const CLOCK_ERROR_MAX_MS = 2000;

export interface TimerCheck {
  /** Slots before this time are delivered, in ms. */
  lastReadTimeMs: number;
  /** Up to where the timer log is durable. */
  logFlushPosition: number;
  /** The timer topic's queue is read up to here. */
  queueOffset: number;
  /** The same on the master; on a master the same number. */
  masterQueueOffset: number;
  stateVersion: number;
  timestampMs: number;
  counter: number;
}

const FIELDS = [
  "lastReadTimeMs",
  "logFlushPosition",
  "queueOffset",
  "masterQueueOffset",
  "stateVersion",
  "timestampMs",
  "counter",
] as const satisfies readonly (keyof TimerCheck)[];

export function newTimerCheck(nowMs: number): TimerCheck {
  return {
    lastReadTimeMs: 0,
    logFlushPosition: 0,
    queueOffset: 0,
    masterQueueOffset: 0,
    stateVersion: 0,
    timestampMs: nowMs,
    counter: 0,
  };
}

export function encodeTimerCheck(check: TimerCheck): Buffer {
  const bytes = Buffer.alloc(TIMER_CHECK_STATE_BYTES);
  FIELDS.forEach((field, index) => writeI64(bytes, index * 8, check[field]));
  return bytes;
}

/** The state in the bytes; files of older brokers may lack the version, which is 0 then. */
export function decodeTimerCheck(bytes: Uint8Array, nowMs: number): TimerCheck {
  const check = newTimerCheck(nowMs);
  FIELDS.forEach((field, index) => {
    if (index * 8 + 8 <= bytes.length) check[field] = readI64(bytes, index * 8);
  });
  return check;
}

/** What the file says, and what its copy does; null for a copy that isn't whole: an Apache broker makes none. */
export interface StoredCheck {
  said: TimerCheck;
  copy: TimerCheck | null;
}

/**
 * The state to go by; null when nothing can be believed. One that isn't its copy's is an Apache broker's that had the store
 * since, when it delivered what came next. What would pass over timers to come is never believed.
 */
export function believed(
  stored: StoredCheck | null,
  nowMs: number,
  log: Logger,
): TimerCheck | null {
  if (stored === null) return null;
  const { copy, said } = stored;
  if (copy !== null && encodeTimerCheck(said).equals(encodeTimerCheck(copy))) return said;
  const limitMs = nowMs + (copy === null ? CLOCK_STEP_MAX_MS : CLOCK_ERROR_MAX_MS);
  const { lastReadTimeMs, logFlushPosition, queueOffset } = said;
  const isTime = lastReadTimeMs >= (copy?.lastReadTimeMs ?? 0) && lastReadTimeMs <= limitMs;
  if (isTime && logFlushPosition >= 0 && queueOffset >= 0) return said;
  log.warn("config/timercheck is damaged: timers may be delivered again", { said, copy });
  return copy;
}

export class TimerCheckFile {
  private file: DiskFile | null = null;

  constructor(private readonly disk: Disk, private readonly path: string) {}

  /** Null when there is none. */
  load(nowMs: number): StoredCheck | null {
    const stat = this.disk.statSync(this.path);
    if (stat === null || stat.sizeBytes < 32) return null;
    const bytes = Buffer.alloc(WRITTEN_BYTES);
    const count = this.open().readSync(bytes, 0, bytes.length, 0);
    const copied = bytes.subarray(COPY_AT, SUM_AT);
    const hasCopy = count === bytes.length && readI32(bytes, SUM_AT) === (crc32(copied) | 0);
    return {
      said: decodeTimerCheck(bytes.subarray(0, Math.min(count, TIMER_CHECK_STATE_BYTES)), nowMs),
      copy: hasCopy ? decodeTimerCheck(copied, nowMs) : null,
    };
  }

  /** Survives the process being killed; `sync` makes it survive a power cut. Throws DiskError. */
  write(check: TimerCheck): void {
    const bytes = Buffer.alloc(WRITTEN_BYTES);
    const state = encodeTimerCheck(check);
    state.copy(bytes, 0);
    state.copy(bytes, COPY_AT);
    writeI32(bytes, SUM_AT, crc32(state));
    this.open().writeSync(bytes, 0, bytes.length, 0);
  }

  /** Survives a power cut when it returns. Throws DiskError. */
  writeDurably(check: TimerCheck): void {
    this.write(check);
    this.open().datasyncSync();
    this.disk.syncDirectorySync(this.folder);
  }

  async sync(): Promise<void> {
    await this.file?.datasync();
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = null;
  }

  private get folder(): string {
    return dirname(this.path);
  }

  private open(): DiskFile {
    if (this.file !== null) return this.file;
    this.disk.makeDirectorySync(this.folder);
    const file = this.disk.openSync(this.path, "create");
    if (file.sizeSync() < TIMER_CHECK_BYTES) file.truncateSync(TIMER_CHECK_BYTES);
    return this.file = file;
  }
}
