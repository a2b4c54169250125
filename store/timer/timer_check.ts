// config/timercheck: how far the timer has read its queue, delivered its slots and flushed its log. 56 bytes of a page
// (Java: TimerCheckpoint).
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import { readI64, writeI64 } from "../../core/bytes/big_endian.ts";
import type { Disk, DiskFile } from "../../core/disk/disk.ts";
import { TIMER_CHECK_BYTES } from "./limits.ts";

/** What a slave asks for, and what stands at the file's beginning. */
export const TIMER_CHECK_STATE_BYTES = 56;

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

export class TimerCheckFile {
  private file: DiskFile | null = null;

  constructor(private readonly disk: Disk, private readonly path: string) {}

  /** Null when there is none. */
  load(nowMs: number): TimerCheck | null {
    const stat = this.disk.statSync(this.path);
    if (stat === null || stat.sizeBytes < 32) return null;
    const bytes = Buffer.alloc(TIMER_CHECK_STATE_BYTES);
    const count = this.open().readSync(bytes, 0, bytes.length, 0);
    return decodeTimerCheck(bytes.subarray(0, count), nowMs);
  }

  /** Survives the process being killed; `sync` makes it survive a power cut. Throws DiskError. */
  write(check: TimerCheck): void {
    this.open().writeSync(encodeTimerCheck(check), 0, TIMER_CHECK_STATE_BYTES, 0);
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
