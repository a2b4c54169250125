// The timer's files as one: a unit goes to the log and into its slot, a slot is walked back through the log, and what is
// on disk is told by the check file. One event loop owns it. Reads no message and delivers none.
import { crc32 } from "../../core/bytes/crc32.ts";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import { keepFolderAside } from "../file/folder_in_place.ts";
import { BLANK_SLOTS, SUMMED_LOG_BYTES_MAX, WEEK_SLOTS } from "./limits.ts";
import { findTimerFlaw } from "./timer_audit.ts";
import {
  believed,
  encodeTimerCheck,
  newTimerCheck,
  type TimerCheck,
  TimerCheckFile,
} from "./timer_check.ts";
import { openTimerFiles, openWithoutLog, type TimerFiles } from "./timer_files.ts";
import type { TimerLog } from "./timer_log.ts";
import { earliestReadTimeMs, recoverTimer, type TimerRecovery } from "./timer_recovery.ts";
import { growSlotUnits, newSlotUnits, type SlotUnits } from "./slot_units.ts";
import { takeSums, TimerSums } from "./timer_sums.ts";
import {
  newTimerUnit,
  NO_POSITION,
  type TimerUnit,
  UNIT_DELETES,
  UNIT_PLAIN,
  UNIT_ROLLS,
} from "./timer_unit.ts";
import type { TimerSlot, TimerWheel } from "./timer_wheel.ts";

const INT_MAX = 2 ** 31 - 1;
/** Without a check, slots this much before the last write are delivered again rather than lost. */
const UNKNOWN_READ_MARGIN_MS = 60_000;

export interface TimerStoreOptions {
  disk: Disk;
  log: Logger;
  /** storePathRootDir. */
  storePath: string;
  /** mappedFileSizeTimerLog. */
  logFileBytes: number;
  /** timerPrecisionMs. */
  precisionMs: number;
  /** timerRollWindowSlot. */
  rollWindowSlots: number;
  commitLogEnd: number;
  /** Where the timer topic's queue ends. */
  queueEnd: number;
  nowMs: number;
}

export class TimerStore {
  /** Slots before this time are delivered. */
  readTimeMs: number;
  /** The wheel's time: slots before it are due. Never goes back. */
  writeTimeMs: number;
  /** The next entry of the timer topic's queue; set by recovery to what is known, before it is checked. */
  queueOffset: number;
  /** What recovery knows of the log's end, for finding the queue's offset. */
  readonly lastUnit: TimerUnit | null;
  readonly isLogLost: boolean;
  /** Entries of the queue before `queueOffset` whose time is before `lastReadTimeMs` were done when this was written. */
  readonly recovered: Readonly<TimerCheck>;
  private readonly log: TimerLog;
  private readonly wheel: TimerWheel;
  private readonly check: TimerCheck;
  private readonly rollWindowMs: number;
  private readonly rollWindowSlots: number;
  private readonly unit = newTimerUnit();
  private readonly slot: TimerSlot = { first: 0, last: 0, count: 0 };
  private flushing: Promise<void> | null = null;
  /** The check file is there, durably. */
  private hasCheck: boolean;
  /** Something that the disk isn't told durably. */
  private hasChanged = false;

  private constructor(
    private readonly options: TimerStoreOptions,
    { log, wheel }: TimerFiles,
    private readonly checkFile: TimerCheckFile,
    private readonly sums: TimerSums,
    check: TimerCheck | null,
    { lastUnit, isDamaged, isLogLost }: TimerRecovery,
  ) {
    const { nowMs, precisionMs, queueEnd } = options;
    this.log = log;
    this.wheel = wheel;
    this.lastUnit = lastUnit;
    this.isLogLost = isLogLost;
    this.check = check ?? newTimerCheck(nowMs);
    this.hasCheck = check !== null;
    this.correctCheck(isDamaged, queueEnd);
    this.writeTimeMs = wheel.floor(nowMs);
    const known = wheel.floor(knownReadTimeMs(check, lastUnit, this.writeTimeMs));
    const earliest = earliestReadTimeMs(nowMs, precisionMs, BLANK_SLOTS);
    this.recovered = { ...this.check, lastReadTimeMs: known };
    this.readTimeMs = log.isEmpty ? this.writeTimeMs : Math.max(known, earliest);
    this.queueOffset = this.check.queueOffset;
    this.rollWindowSlots = rollWindowOf(options.rollWindowSlots, precisionMs);
    this.rollWindowMs = this.rollWindowSlots * precisionMs;
  }

  /** Opens and recovers; makes no file before the first timer. Throws DiskError. */
  static open(options: TimerStoreOptions): TimerStore {
    const { disk, log, nowMs, storePath } = options;
    const checkFile = new TimerCheckFile(disk, `${storePath}/config/timercheck`);
    const sums = new TimerSums(disk, `${storePath}/config`);
    for (const name of ["config/timercheck", "config/timersums", "timerwheel"]) {
      keepFolderAside(options, `${storePath}/${name}`);
    }
    const note = takeSums(sums, log);
    const check = believed(checkFile.load(nowMs), nowMs, log);
    const isOfLastStop = check !== null && crc32(encodeTimerCheck(check)) === note?.check;
    let files = openTimerFiles(options, isOfLastStop ? note : null);
    let recovery = recovered(options, files, check);
    // Without sums, of which a kill leaves none.
    const flaw = isOfLastStop || files.log.isEmpty
      ? null
      : flawOf(options, files, check, recovery.lastUnit);
    if (flaw !== null) {
      files = openWithoutLog(options, files, flaw);
      recovery = { ...recovered(options, files, check), isDamaged: true, isLogLost: true };
    }
    return new TimerStore(options, files, checkFile, sums, check, recovery);
  }

  /**
   * What the check says beyond what there is must not be believed later, when the timer log or the queue has grown past it:
   * it is durable again before anything is put, or, on a disk that refuses it now, before the next timer is.
   */
  private correctCheck(isDamaged: boolean, queueEnd: number): void {
    const { check } = this;
    if (!isDamaged && check.queueOffset <= queueEnd) return;
    if (isDamaged) check.logFlushPosition = 0;
    check.queueOffset = Math.min(check.queueOffset, queueEnd);
    check.masterQueueOffset = check.queueOffset;
    try {
      this.checkFile.writeDurably(check);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.options.log.error("the timer's check can't be corrected yet", { error });
      this.hasCheck = false;
    }
  }

  /** Before the first timer: units without a check don't tell which of them are delivered. Throws DiskError. */
  private makeCheck(): void {
    const { check } = this;
    check.lastReadTimeMs = this.readTimeMs;
    check.queueOffset = check.masterQueueOffset = this.queueOffset;
    this.checkFile.writeDurably(check);
    this.hasCheck = true;
  }

  get precisionMs(): number {
    return this.options.precisionMs;
  }

  /** A time cut to its tick. */
  floor(timeMs: number): number {
    return this.wheel.floor(timeMs);
  }

  /** Whether no timer was ever put: then nothing can be due. */
  get isEmpty(): boolean {
    return this.log.isEmpty;
  }

  /** Lets the wheel's time follow the clock, but never back. */
  moveWriteTime(nowMs: number): void {
    this.writeTimeMs = Math.max(this.writeTimeMs, this.wheel.floor(nowMs));
    if (this.log.isEmpty) this.readTimeMs = this.writeTimeMs;
  }

  /** Messages in the slot of a time, less those taken back. */
  waitingAt(timeMs: number): number {
    return this.wheel.countAt(timeMs);
  }

  /**
   * Puts a record into the slot of its time, or into an earlier one that rolls it on; on disk after `write`.
   * Throws DiskError when there is no room; then nothing has happened.
   */
  enqueue(
    outMs: number,
    physicalOffset: number,
    recordBytes: number,
    isDelete: boolean,
    topicHash: number,
  ): void {
    if (!this.hasCheck) this.makeCheck();
    const { slot, unit, writeTimeMs } = this;
    const slotMs = this.slotOf(outMs);
    this.wheel.get(slotMs, slot);
    unit.previous = slot.last;
    unit.magic = UNIT_PLAIN | (slotMs === outMs ? 0 : UNIT_ROLLS) | (isDelete ? UNIT_DELETES : 0);
    unit.writeTimeMs = writeTimeMs;
    unit.delayMs = slotMs - writeTimeMs;
    unit.physicalOffset = physicalOffset;
    unit.recordBytes = recordBytes;
    unit.topicHash = topicHash;
    const position = this.log.append(unit);
    if (slot.first === NO_POSITION) slot.first = position;
    slot.last = position;
    slot.count += isDelete ? -1 : 1;
    this.wheel.put(slotMs, slot);
    this.hasChanged = true;
  }

  /** The slot that a time waits in: half a window or a whole one ahead when it is beyond (Java: doEnqueue). */
  private slotOf(outMs: number): number {
    const { rollWindowMs, rollWindowSlots, writeTimeMs } = this;
    const beyondMs = outMs - writeTimeMs - rollWindowMs;
    if (beyondMs < 0) return outMs;
    const { precisionMs } = this.options;
    const isNear = beyondMs < Math.floor(rollWindowSlots / 3) * precisionMs;
    return writeTimeMs + (isNear ? Math.floor(rollWindowSlots / 2) * precisionMs : rollWindowMs);
  }

  /** Writes what was enqueued; survives the process being killed. Throws DiskError. */
  write(): void {
    this.log.write();
  }

  /**
   * The units of a slot, newest first; null when it is blank. Those up to a position of its chain are left out, as known.
   * Throws DiskError.
   */
  unitsOf(timeMs: number, known = NO_POSITION): SlotUnits | null {
    if (!this.wheel.get(timeMs, this.slot)) return null;
    const { last } = this.slot;
    const units = newSlotUnits(timeMs, known === NO_POSITION ? Math.max(16, this.slot.count) : 16);
    units.lastPosition = last;
    const { unit } = this;
    for (let at = last; at !== NO_POSITION && at !== known;) {
      // A unit of another time: the chain was cut and the position used again.
      if (
        this.log.read(at, unit) !== "unit" || unit.writeTimeMs + unit.delayMs !== timeMs ||
        unit.previous >= at
      ) {
        this.options.log.warn("a slot's chain ends early", { timeMs, position: at });
        break;
      }
      if (units.count === units.magics.length) growSlotUnits(units);
      units.physicalOffsets[units.count] = unit.physicalOffset;
      units.recordBytes[units.count] = unit.recordBytes;
      units.magics[units.count] = unit.magic;
      units.writeTimesMs[units.count] = unit.writeTimeMs;
      units.count++;
      at = unit.previous;
    }
    return units;
  }

  /** The slot at the read time is delivered. */
  moveReadTime(): void {
    this.readTimeMs += this.options.precisionMs;
  }

  /** Tells the disk how far queue and slots are done; survives the process being killed. Throws DiskError. */
  writeCheck(nowMs: number): void {
    const { check } = this;
    if (check.lastReadTimeMs !== this.readTimeMs || check.queueOffset !== this.queueOffset) {
      check.counter++;
      check.timestampMs = nowMs;
    }
    check.lastReadTimeMs = this.readTimeMs;
    check.queueOffset = check.masterQueueOffset = this.queueOffset;
    this.checkFile.write(check);
    this.hasChanged = true;
  }

  /** What a slave would be told. */
  get checkState(): Readonly<TimerCheck> {
    return this.check;
  }

  /** The wheel has many unwritten pages: a flush is due before its time. */
  get isFlushUrgent(): boolean {
    return this.wheel.isCrowded;
  }

  /** Before the last flush of a clean stop: blank slots that were passed over are told too. */
  noteStop(nowMs: number): void {
    if (!this.log.isEmpty) this.writeCheck(nowMs);
  }

  /** Resolves when log, wheel and check are durable, in this order. Rejects with DiskError. A second call waits. */
  flush(nowMs: number): Promise<void> {
    this.flushing ??= this.flushNow(nowMs).finally(() => {
      this.flushing = null;
    });
    return this.flushing;
  }

  private async flushNow(nowMs: number): Promise<void> {
    if (!this.hasChanged || this.log.isEmpty) return;
    if (!this.hasCheck) this.makeCheck();
    this.hasChanged = false;
    this.log.write();
    const end = this.log.end;
    // The wheel as it is now knows units up to here: they are made durable before it is.
    const changes = this.wheel.beginWrite();
    try {
      await this.log.sync();
    } catch (error) {
      this.wheel.giveBack(changes);
      this.hasChanged = true;
      throw error;
    }
    this.wheel.finishWrite(changes);
    await this.wheel.sync();
    this.check.logFlushPosition = end;
    this.writeCheck(nowMs);
    this.hasChanged = this.log.end !== end;
    await this.checkFile.sync();
  }

  /**
   * After the last flush of a clean stop: notes what the files hold, for the next start to see whether anything else changed
   * them. Rejects with DiskError.
   */
  async noteSums(): Promise<void> {
    const { check, log, wheel } = this;
    if (this.hasChanged || !this.hasCheck || log.isEmpty || !wheel.exists()) return;
    const { page, pages } = wheel.pagesOf(this.readTimeMs, this.writeTimeMs + this.rollWindowMs);
    const start = Math.max(log.start, log.end - SUMMED_LOG_BYTES_MAX);
    await this.sums.write({
      check: crc32(encodeTimerCheck(check)),
      wheel: { page, pages, crc: wheel.sum(page, pages) },
      log: { start, end: log.end, crc: log.sum(start, log.end) },
    });
  }

  /** Deletes files whose messages are all gone from the commit log. */
  deleteBefore(physicalOffset: number): Promise<number> {
    return this.log.deleteBefore(physicalOffset, newTimerUnit());
  }

  async close(): Promise<void> {
    await this.log.close();
    await this.wheel.close();
    await this.checkFile.close();
  }
}

/** The window in slots: Apache's bounds, and a delay that fits the unit's 32 bits. */
function rollWindowOf(slots: number, precisionMs: number): number {
  const widest = WEEK_SLOTS - BLANK_SLOTS;
  const window = slots > widest || slots < 2 ? widest : slots;
  return Math.max(2, Math.min(window, Math.floor(INT_MAX / precisionMs)));
}

function recovered(
  { commitLogEnd, log: logger, logFileBytes }: TimerStoreOptions,
  files: TimerFiles,
  check: TimerCheck | null,
): TimerRecovery {
  return recoverTimer({ ...files, check, fileBytes: logFileBytes, commitLogEnd, logger });
}

function flawOf(
  { logFileBytes, nowMs }: TimerStoreOptions,
  files: TimerFiles,
  check: TimerCheck | null,
  lastUnit: TimerUnit | null,
): string | null {
  const readTimeMs = files.wheel.floor(knownReadTimeMs(check, lastUnit, nowMs));
  return findTimerFlaw({ ...files, fileBytes: logFileBytes, readTimeMs });
}

/** The time before which slots are delivered. Without a check those shortly before the last write are delivered again. */
function knownReadTimeMs(
  check: TimerCheck | null,
  lastUnit: TimerUnit | null,
  writeTimeMs: number,
): number {
  if (check !== null && check.lastReadTimeMs > 0) return check.lastReadTimeMs;
  return lastUnit === null ? writeTimeMs : lastUnit.writeTimeMs - UNKNOWN_READ_MARGIN_MS;
}
