// The disk as the rest of Roquet sees it: positional I/O, explicit syncs, directories that must be synced too.
// disk_node.ts is the machine's; memory_disk.ts loses, tears and refuses on purpose. Paths are absolute, "/"-separated.

/** A disk operation that failed; `code` is the system's ("ENOSPC", "EIO", "ENOENT" …). */
export class DiskError extends Error {
  override readonly name = "DiskError";
  constructor(
    readonly code: string,
    readonly operation: string,
    readonly path: string,
    options?: ErrorOptions,
  ) {
    super(`${operation} ${path}: ${code}`, options);
  }
}

export interface DiskFile {
  readonly path: string;
  sizeSync(): number;
  /** Reads up to `length` bytes to `target[start…]`; fewer only at the end of the file. Returns the count. */
  readSync(target: Uint8Array, start: number, length: number, position: number): number;
  read(target: Uint8Array, start: number, length: number, position: number): Promise<number>;
  /**
   * As `read`, past the page cache where the system allows it for this stretch: it costs a fraction of the CPU time, and
   * nobody finds the bytes in memory afterwards. Writers of the same file may wait for it. Absent where it never can.
   */
  readUncached?(
    target: Uint8Array,
    start: number,
    length: number,
    position: number,
  ): Promise<number>;
  /** Writes all of the bytes or throws DiskError; part of them may then be on disk. */
  writeSync(source: Uint8Array, start: number, length: number, position: number): void;
  write(source: Uint8Array, start: number, length: number, position: number): Promise<void>;
  /** Cuts or extends (with a hole of zeros). */
  truncateSync(sizeBytes: number): void;
  /** As `truncateSync`, on the thread pool. */
  truncate(sizeBytes: number): Promise<void>;
  /** Whether a name stands for the file still: its own, or another one (a hard link, as a backup makes). */
  hasNameSync(): boolean;
  /** fdatasync on the thread pool. Bytes written before the call are durable when it resolves. */
  datasync(): Promise<void>;
  datasyncSync(): void;
  /** Closes; waits for operations in flight, so it is always safe to call. */
  close(): Promise<void>;
}

export interface FileStat {
  sizeBytes: number;
  modifiedMs: number;
  isDirectory: boolean;
  /** What the file takes of the device, holes left out; absent where that can't be told. */
  allocatedBytes?: number;
}

export interface DiskUsage {
  totalBytes: number;
  /** What may still be written. */
  freeBytes: number;
  /** Free too, but kept for the superuser. Default: none. */
  reservedBytes?: number;
}

/** The used share of what may be used, 0 … 1: what df shows, and Apache's disk ratios go by. */
export function usedRatioOf({ totalBytes, freeBytes, reservedBytes = 0 }: DiskUsage): number {
  const usedBytes = totalBytes - freeBytes - reservedBytes;
  return usedBytes <= 0 ? 0 : usedBytes / (usedBytes + freeBytes);
}

export interface Disk {
  /** "read": must exist. "write": read and write, must exist. "create": read and write, made if absent. */
  openSync(path: string, mode: "read" | "write" | "create"): DiskFile;
  /** Null when absent. */
  statSync(path: string): FileStat | null;
  /** Names in a directory, sorted; empty when the directory is absent. */
  listSync(path: string): string[];
  /** Makes the directory and its parents. */
  makeDirectorySync(path: string): void;
  renameSync(from: string, to: string): void;
  unlinkSync(path: string): void;
  /** Removes a file without blocking the event loop (a large file's blocks take long to free). */
  unlink(path: string): Promise<void>;
  /** Removes an empty directory. */
  removeDirectorySync(path: string): void;
  /** Makes creations, renames and removals in the directory durable. */
  syncDirectorySync(path: string): void;
  syncDirectory(path: string): Promise<void>;
  /**
   * Makes all that was written to the file system that holds `path` durable, at once: for very many files. False where the
   * machine can't, or didn't; absent where it never can.
   */
  syncFileSystem?(path: string): Promise<boolean>;
  /**
   * Bytes that this process has had read from devices so far, those that the system reads ahead among them; absent where
   * that can't be told.
   */
  deviceReadBytes?(): number;
  /** Sets a file's modification time (retention goes by it). */
  touchSync(path: string, modifiedMs: number): void;
  /** Size and free space of the file system that holds `path` (or its nearest existing parent). */
  usageSync(path: string): DiskUsage;
}
