// The machine's disk through node:fs, the same under Bun and Deno. The only file that touches a real file system.
// Short reads and writes are continued; every failure is a DiskError with the system's code.
import fs from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { type Disk, DiskError, type DiskFile, type DiskUsage, type FileStat } from "./disk.ts";

/** What st_blocks and Linux's ru_inblock count in, whatever the file system. */
const BLOCK_BYTES = 512;

/** What reads past the page cache begin and end at, in the file and in memory: the page, which suits every device. */
const UNCACHED_ALIGNMENT_BYTES = 4096;
/** Linux alone has a second way to open the file that a descriptor stands for, whatever became of its name. */
const CAN_READ_UNCACHED = process.platform === "linux" && fs.constants.O_DIRECT !== undefined;

function failure(error: unknown, operation: string, path: string): DiskError {
  const code = (error as { code?: unknown }).code;
  return new DiskError(typeof code === "string" ? code : "EIO", operation, path, { cause: error });
}

/** Runs a synchronous call, turning what it throws into a DiskError. */
function attempt<T>(operation: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw failure(error, operation, path);
  }
}

/** Runs a call on the thread pool. */
function later(
  operation: string,
  path: string,
  call: (done: (error: Error | null) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => error ? reject(failure(error, operation, path)) : resolve());
  });
}

class NodeFile implements DiskFile {
  private inFlight = 0;
  private closing: Promise<void> | null = null;
  private onIdle: (() => void) | null = null;
  /** Of the same file, for reads past the page cache. */
  private uncachedDescriptor: number | "refused" | null = null;
  /** What refused one such read isn't asked again. */
  private refusesUncached = false;

  constructor(readonly path: string, private readonly descriptor: number) {}

  sizeSync(): number {
    return attempt("fstat", this.path, () => fs.fstatSync(this.open()).size);
  }

  readSync(target: Uint8Array, start: number, length: number, position: number): number {
    const descriptor = this.open();
    let done = 0;
    try {
      while (done < length) {
        const count = fs.readSync(descriptor, target, start + done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw failure(error, "read", this.path);
    }
    return done;
  }

  read(target: Uint8Array, start: number, length: number, position: number): Promise<number> {
    return this.transfer("read", target, start, length, position);
  }

  async readUncached(
    target: Uint8Array,
    start: number,
    length: number,
    position: number,
  ): Promise<number> {
    this.begin();
    try {
      if (isUncachedAligned(target.byteOffset + start, length, position)) {
        const count = await this.tryUncached(target, start, length, position);
        if (count === length) return count;
      }
      return await this.transfer("read", target, start, length, position);
    } finally {
      this.end();
    }
  }

  writeSync(source: Uint8Array, start: number, length: number, position: number): void {
    const descriptor = this.open();
    let done = 0;
    try {
      // A write may be short before it fails with ENOSPC.
      while (done < length) {
        done += fs.writeSync(descriptor, source, start + done, length - done, position + done);
      }
    } catch (error) {
      throw failure(error, "write", this.path);
    }
  }

  async write(source: Uint8Array, start: number, length: number, position: number): Promise<void> {
    await this.transfer("write", source, start, length, position);
  }

  truncateSync(sizeBytes: number): void {
    attempt("ftruncate", this.path, () => fs.ftruncateSync(this.open(), sizeBytes));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.onPool(
      "ftruncate",
      (descriptor, done) => fs.ftruncate(descriptor, sizeBytes, done),
    );
  }

  hasNameSync(): boolean {
    return attempt("fstat", this.path, () => fs.fstatSync(this.open()).nlink > 0);
  }

  datasync(): Promise<void> {
    return this.onPool("fdatasync", (descriptor, done) => fs.fdatasync(descriptor, done));
  }

  datasyncSync(): void {
    attempt("fdatasync", this.path, () => fs.fdatasyncSync(this.open()));
  }

  close(): Promise<void> {
    this.closing ??= this.closeWhenIdle();
    return this.closing;
  }

  private async closeWhenIdle(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.onIdle = resolve);
    const { uncachedDescriptor } = this;
    if (typeof uncachedDescriptor === "number") {
      attempt("close", this.path, () => fs.closeSync(uncachedDescriptor));
    }
    attempt("close", this.path, () => fs.closeSync(this.descriptor));
  }

  /** The descriptor, for use in this turn. */
  private open(): number {
    if (this.closing !== null) throw new DiskError("EBADF", "use after close", this.path);
    return this.descriptor;
  }

  private begin(): number {
    const descriptor = this.open();
    this.inFlight++;
    return descriptor;
  }

  private end(): void {
    this.inFlight--;
    if (this.inFlight === 0) this.onIdle?.();
  }

  /** Runs a call on the thread pool; the file stays open meanwhile. */
  private async onPool(
    operation: string,
    call: (descriptor: number, done: (error: Error | null) => void) => void,
  ): Promise<void> {
    const descriptor = this.begin();
    try {
      await later(operation, this.path, (done) => call(descriptor, done));
    } finally {
      this.end();
    }
  }

  /** What one such read gives; 0 when the file system or the device refuses it. */
  private tryUncached(
    target: Uint8Array,
    start: number,
    length: number,
    position: number,
  ): Promise<number> {
    this.uncachedDescriptor ??= openUncached(this.descriptor);
    const descriptor = this.uncachedDescriptor;
    if (descriptor === "refused" || this.refusesUncached) return Promise.resolve(0);
    return new Promise((resolve) =>
      fs.read(descriptor, target, start, length, position, (error, count) => {
        if (error) this.refusesUncached = true;
        resolve(error ? 0 : count);
      })
    );
  }

  /** Reads or writes until all is done or the file ends; the file stays open meanwhile. */
  private async transfer(
    operation: "read" | "write",
    bytes: Uint8Array,
    start: number,
    length: number,
    position: number,
  ): Promise<number> {
    const descriptor = this.begin();
    try {
      let done = 0;
      while (done < length) {
        const count = await new Promise<number>((resolve, reject) => {
          const settle = (error: Error | null, count: number) =>
            error ? reject(failure(error, operation, this.path)) : resolve(count);
          const left = length - done;
          if (operation === "read") {
            fs.read(descriptor, bytes, start + done, left, position + done, settle);
          } else fs.write(descriptor, bytes, start + done, left, position + done, settle);
        });
        if (count === 0) break;
        done += count;
      }
      return done;
    } finally {
      this.end();
    }
  }
}

function isUncachedAligned(...positions: number[]): boolean {
  return positions.every((position) => position % UNCACHED_ALIGNMENT_BYTES === 0);
}

/** Another descriptor of an open file. */
function openUncached(descriptor: number): number | "refused" {
  if (!CAN_READ_UNCACHED) return "refused";
  try {
    const { O_RDONLY, O_DIRECT } = fs.constants;
    return fs.openSync(`/proc/self/fd/${descriptor}`, O_RDONLY | O_DIRECT);
  } catch {
    return "refused";
  }
}

const OPEN_FLAGS = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
} as const;

function openSync(path: string, mode: "read" | "write" | "create"): DiskFile {
  return new NodeFile(
    path,
    attempt("open", path, () => fs.openSync(path, OPEN_FLAGS[mode], 0o644)),
  );
}

function statSync(path: string): FileStat | null {
  let stat: fs.Stats | undefined;
  try {
    stat = fs.statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // A file stands where a folder of the path would be.
    if ((error as { code?: unknown }).code === "ENOTDIR") return null;
    throw failure(error, "stat", path);
  }
  if (stat === undefined) return null;
  return {
    sizeBytes: stat.size,
    modifiedMs: stat.mtimeMs,
    isDirectory: stat.isDirectory(),
    allocatedBytes: stat.blocks * BLOCK_BYTES,
  };
}

function listSync(path: string): string[] {
  try {
    return fs.readdirSync(path).sort();
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return [];
    throw failure(error, "list", path);
  }
}

function syncDirectorySync(path: string): void {
  attempt("fsync", path, () => {
    const descriptor = fs.openSync(path, fs.constants.O_RDONLY);
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  });
}

async function syncDirectory(path: string): Promise<void> {
  const descriptor = attempt("open", path, () => fs.openSync(path, fs.constants.O_RDONLY));
  try {
    await later("fsync", path, (done) => fs.fsync(descriptor, done));
  } finally {
    fs.closeSync(descriptor);
  }
}

/** The file system that holds `path`, or its nearest existing parent. */
function usageSync(path: string): DiskUsage {
  let existing = path;
  while (existing !== "/" && statSync(existing) === null) {
    existing = dirname(existing);
  }
  const stat = attempt("statfs", existing, () => fs.statfsSync(existing));
  return {
    totalBytes: stat.blocks * stat.bsize,
    freeBytes: stat.bavail * stat.bsize,
    reservedBytes: (stat.bfree - stat.bavail) * stat.bsize,
  };
}

function deviceReadBytes(): number {
  return process.resourceUsage().fsRead * BLOCK_BYTES;
}

/** The real disk; stateless, so one serves the whole process. */
export const nodeDisk: Disk = {
  openSync,
  statSync,
  listSync,
  makeDirectorySync: (path) =>
    attempt("mkdir", path, () => void fs.mkdirSync(path, { recursive: true })),
  renameSync: (from, to) => attempt("rename", from, () => fs.renameSync(from, to)),
  unlinkSync: (path) => attempt("unlink", path, () => fs.unlinkSync(path)),
  unlink: (path) => later("unlink", path, (done) => fs.unlink(path, done)),
  removeDirectorySync: (path) => attempt("rmdir", path, () => fs.rmdirSync(path)),
  syncDirectorySync,
  syncDirectory,
  touchSync: (path, modifiedMs) =>
    attempt("utimes", path, () => fs.utimesSync(path, modifiedMs / 1000, modifiedMs / 1000)),
  usageSync,
  // Elsewhere ru_inblock counts operations.
  ...(process.platform === "linux" ? { deviceReadBytes } : {}),
};
