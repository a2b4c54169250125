// Keeps two brokers, Apache's or ours, from opening one store: the record lock on `lock` that Apache takes, and the
// process named in `abort` where there is no such lock. Also keeps the abort marker, which says how the last run ended.
import { Buffer } from "node:buffer";
import process from "node:process";
import { type Disk, DiskError } from "../core/disk/disk.ts";
import type { FileLock, FileLocks } from "../core/disk/file_lock.ts";
import { OperationError } from "../core/errors.ts";
import { refuseFolder } from "./file/folder_in_place.ts";

/** What Apache writes into the lock file. */
const LOCK_TEXT = Buffer.from("lock", "latin1");
const PROC = "/proc";
/** Field 22 of /proc/PID/stat, counted from the one after the name. */
const START_FIELD_AFTER_NAME = 19;
const MS_PER_TICK = 10;
/** /proc counts in ticks since a boot time that is rounded to seconds. */
const CLOCK_SLACK_MS = 2000;
const TEXT_BYTES_MAX = 64 * 1024;

export interface StoreLockOptions {
  disk: Disk;
  locks: FileLocks;
  /** storePathRootDir. */
  storePath: string;
  /** Says whether a process exists; process.kill(pid, 0) unless a test says otherwise. */
  isAlive?: (pid: number) => boolean;
}

export class StoreLock {
  private constructor(
    private readonly options: StoreLockOptions,
    private readonly lock: FileLock,
    /** The last run stopped cleanly: there was no abort marker. */
    readonly isClean: boolean,
  ) {}

  /** Throws OperationError naming the holder when somebody else has the store open; also for a folder in a file's place. */
  static take(options: StoreLockOptions): StoreLock {
    const { disk, storePath, locks } = options;
    disk.makeDirectorySync(storePath);
    for (const name of ["lock", "abort"]) refuseFolder(disk, `${storePath}/${name}`);
    makeLockFile(disk, `${storePath}/lock`);
    const pid = readAbort(disk, storePath);
    const lock = locks.tryLock(`${storePath}/lock`);
    if (lock === "held_here") throw inUse(storePath, "this process");
    if (lock === "held_by_other") throw inUse(storePath, describe(disk, pid));
    if (!lock.excludesOthers && pid > 0 && isHolder(options, pid)) {
      lock.release();
      throw inUse(storePath, describe(disk, pid));
    }
    return new StoreLock(options, lock, pid < 0);
  }

  /** Marks the store as open: found at the next start, it means that this run ended in a crash. */
  markOpen(): void {
    const { disk, storePath } = this.options;
    const file = disk.openSync(`${storePath}/abort`, "create");
    const text = Buffer.from(String(process.pid), "latin1");
    file.truncateSync(0);
    file.writeSync(text, 0, text.length, 0);
    file.datasyncSync();
    void file.close();
    disk.syncDirectorySync(storePath);
  }

  /** Gives the store up; `isClean` removes the mark. */
  release(isClean: boolean): void {
    const { disk, storePath } = this.options;
    if (isClean) {
      disk.unlinkSync(`${storePath}/abort`);
      disk.syncDirectorySync(storePath);
    }
    this.lock.release();
  }
}

/** Who has a store open, by its abort marker; null when nobody seems to. Takes no lock. */
export function findHolder(options: Omit<StoreLockOptions, "locks">): string | null {
  const { disk, storePath } = options;
  const pid = readAbort(disk, storePath);
  return pid > 0 && isHolder(options, pid) ? describe(disk, pid) : null;
}

function makeLockFile(disk: Disk, path: string): void {
  if (disk.statSync(path) !== null) return;
  const file = disk.openSync(path, "create");
  file.writeSync(LOCK_TEXT, 0, LOCK_TEXT.length, 0);
  void file.close();
}

/** The process in the abort marker: 0 when it names none, −1 when there is no marker. */
function readAbort(disk: Disk, storePath: string): number {
  const path = `${storePath}/abort`;
  if (disk.statSync(path) === null) return -1;
  const pid = Number(readText(disk, path));
  return Number.isSafeInteger(pid) && pid > 0 ? pid : 0;
}

/** A live process of that number is the holder, unless it began after the marker was written. */
function isHolder(options: Omit<StoreLockOptions, "locks">, pid: number): boolean {
  const isAlive = options.isAlive ?? isProcessAlive;
  if (pid === process.pid || !isAlive(pid)) return false;
  const marked = options.disk.statSync(`${options.storePath}/abort`)?.modifiedMs ?? Infinity;
  return startedMs(options.disk, pid) <= marked + CLOCK_SLACK_MS;
}

/** When a process began, by /proc; 0 where that can't be told. */
function startedMs(disk: Disk, pid: number): number {
  const stat = readText(disk, `${PROC}/${pid}/stat`);
  // The command's name, in brackets, may hold blanks.
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[START_FIELD_AFTER_NAME]);
  const bootSeconds = Number(/^btime (\d+)$/m.exec(readText(disk, `${PROC}/stat`))?.[1]);
  return Number.isNaN(ticks + bootSeconds) ? 0 : bootSeconds * 1000 + ticks * MS_PER_TICK;
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
  }
}

function describe(disk: Disk, pid: number): string {
  if (pid <= 0) return "another process";
  const command = readText(disk, `${PROC}/${pid}/comm`);
  return command === "" ? `process ${pid}` : `process ${pid} (${command})`;
}

function readText(disk: Disk, path: string): string {
  const bytes = Buffer.alloc(TEXT_BYTES_MAX);
  try {
    const file = disk.openSync(path, "read");
    const count = file.readSync(bytes, 0, bytes.length, 0);
    void file.close();
    return bytes.toString("utf8", 0, count).trim();
  } catch (error) {
    if (error instanceof DiskError) return "";
    throw error;
  }
}

function inUse(storePath: string, holder: string): OperationError {
  return new OperationError(`the store ${storePath} is in use by ${holder}`);
}
