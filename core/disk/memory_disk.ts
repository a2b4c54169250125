// A disk in memory that fails on purpose: it loses and tears what wasn't synced, forgets names whose directory wasn't
// synced, fills up, and refuses operations. For tests and simulations; made directories are durable at once.
import { basename, dirname } from "node:path";
import { type Random, randomBelow } from "../random.ts";
import { type Disk, DiskError, type DiskFile, type FileStat } from "./disk.ts";
import { MemoryInode, PAGE_BYTES } from "./memory_inode.ts";

export type FaultOperation =
  | "open"
  | "read"
  | "write"
  | "truncate"
  | "datasync"
  | "rename"
  | "unlink"
  | "sync_directory";

/** Operations that will fail. */
export interface DiskFault {
  operation: FaultOperation;
  code: string;
  /** Only paths that contain this. */
  path?: string;
  /** How many such operations still succeed first. Default 0. */
  after?: number;
  /** How many fail then. Default: all. */
  times?: number;
  /** Bytes that a failing write leaves. Default 0. */
  partialBytes?: number;
}

/** A change of a directory that isn't durable yet. */
interface NameChange {
  directory: string;
  apply: (names: Map<string, MemoryInode>) => void;
}

export class MemoryDisk implements Disk {
  private readonly directories = new Set<string>(["/"]);
  private names = new Map<string, MemoryInode>();
  private durableNames = new Map<string, MemoryInode>();
  private changes: NameChange[] = [];
  private faults: (DiskFault & { after: number; times: number })[] = [];
  private life = 0;
  private syncsHeld: (() => void)[] | null = null;
  /** Time stamped on writes. */
  nowMs = 1_700_000_000_000;
  totalBytes = 64 * 1024 * 1024 * 1024;
  /** Space for new pages, in bytes. */
  freeBytes = this.totalBytes;
  /** Operations tried, by kind and path. */
  private readonly counts = new Map<FaultOperation, Map<string, number>>();

  constructor(private readonly random: Random) {}

  inject(fault: DiskFault): void {
    this.faults.push({ after: 0, times: Infinity, ...fault });
  }

  clearFaults(): void {
    this.faults = [];
  }

  /** Syncs that begin from now on don't end before `releaseSyncs`. */
  holdSyncs(): void {
    this.syncsHeld ??= [];
  }

  releaseSyncs(): void {
    const held = this.syncsHeld ?? [];
    this.syncsHeld = null;
    for (const release of held) release();
  }

  /**
   * The process that used the disk is gone: its open files fail from now on. "process": all it wrote is there.
   * "power": what wasn't synced is there or not, sector by sector, name by name.
   */
  crash(kind: "process" | "power"): void {
    this.life++;
    this.syncsHeld = null;
    this.faults = [];
    if (kind === "process") return;
    // A journal keeps the order of name changes: a prefix of them survives.
    const kept = randomBelow(this.random, this.changes.length + 1);
    for (const change of this.changes.slice(0, kept)) change.apply(this.durableNames);
    this.changes = [];
    this.names = new Map(this.durableNames);
    for (const inode of new Set(this.names.values())) inode.losePower(this.random);
  }

  /** How many operations of a kind were tried on paths that contain `path`. */
  count(operation: FaultOperation, path = ""): number {
    let total = 0;
    for (const [each, count] of this.counts.get(operation) ?? []) {
      if (each.includes(path)) total += count;
    }
    return total;
  }

  flipBit(path: string, position: number, bit: number): void {
    this.find(path, "flip").flipBit(position, bit);
  }

  /** The whole of a file, for assertions. */
  contents(path: string): Uint8Array {
    const inode = this.find(path, "read");
    const bytes = new Uint8Array(inode.sizeBytes);
    inode.read(bytes, 0, bytes.length, 0);
    return bytes;
  }

  /** Makes a file with these bytes, durable at once. */
  place(path: string, bytes: Uint8Array): void {
    this.makeDirectorySync(dirname(path));
    const file = this.openSync(path, "create");
    file.truncateSync(bytes.length);
    file.writeSync(bytes, 0, bytes.length, 0);
    file.datasyncSync();
    this.syncDirectorySync(dirname(path));
  }

  openSync(path: string, mode: "read" | "write" | "create"): DiskFile {
    this.check("open", path);
    let inode = this.names.get(path);
    if (inode === undefined) {
      if (mode !== "create" || !this.directories.has(dirname(path))) {
        throw new DiskError("ENOENT", "open", path);
      }
      const made = new MemoryInode();
      made.modifiedMs = this.nowMs;
      inode = made;
      this.change(path, (names) => void names.set(path, made));
    }
    return new MemoryFile(this, path, inode, this.life);
  }

  statSync(path: string): FileStat | null {
    if (this.directories.has(path)) return { sizeBytes: 0, modifiedMs: 0, isDirectory: true };
    const inode = this.names.get(path);
    if (inode === undefined) return null;
    const { modifiedMs, pageCount, sizeBytes } = inode;
    return { sizeBytes, modifiedMs, isDirectory: false, allocatedBytes: pageCount * PAGE_BYTES };
  }

  listSync(path: string): string[] {
    const found = new Set<string>();
    for (const name of [...this.names.keys(), ...this.directories]) {
      if (name !== "/" && dirname(name) === path) found.add(basename(name));
    }
    return [...found].sort();
  }

  makeDirectorySync(path: string): void {
    for (let at = path; at !== "/"; at = dirname(at)) this.directories.add(at);
  }

  renameSync(from: string, to: string): void {
    this.check("rename", from);
    const inode = this.find(from, "rename");
    if (!this.directories.has(dirname(to))) throw new DiskError("ENOENT", "rename", from);
    this.change(to, (names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  unlinkSync(path: string): void {
    this.check("unlink", path);
    const inode = this.find(path, "unlink");
    this.freeBytes += inode.pageCount * PAGE_BYTES;
    this.change(path, (names) => void names.delete(path));
  }

  unlink(path: string): Promise<void> {
    return this.later(() => this.unlinkSync(path));
  }

  removeDirectorySync(path: string): void {
    if (!this.directories.has(path)) throw new DiskError("ENOENT", "rmdir", path);
    if (this.listSync(path).length > 0) throw new DiskError("ENOTEMPTY", "rmdir", path);
    this.directories.delete(path);
  }

  syncDirectorySync(path: string): void {
    this.check("sync_directory", path);
    // The journal is one: what came before a synced change is durable with it.
    let count = 0;
    this.changes.forEach((change, index) => {
      if (change.directory === path) count = index + 1;
    });
    for (const change of this.changes.splice(0, count)) change.apply(this.durableNames);
  }

  syncDirectory(path: string): Promise<void> {
    return this.later(() => this.syncDirectorySync(path));
  }

  touchSync(path: string, modifiedMs: number): void {
    this.find(path, "utimes").modifiedMs = modifiedMs;
  }

  usageSync(_path: string): { totalBytes: number; freeBytes: number } {
    return { totalBytes: this.totalBytes, freeBytes: this.freeBytes };
  }

  /** Counts an operation and throws when it is to fail; for MemoryFile. */
  check(operation: FaultOperation, path: string): void {
    const fault = this.takeFault(operation, path);
    if (fault !== null) throw new DiskError(fault.code, operation, path);
  }

  takeFault(operation: FaultOperation, path: string): DiskFault | null {
    const byPath = this.counts.get(operation) ?? new Map<string, number>();
    byPath.set(path, (byPath.get(path) ?? 0) + 1);
    this.counts.set(operation, byPath);
    for (const fault of this.faults) {
      if (fault.operation !== operation || !path.includes(fault.path ?? "")) continue;
      if (fault.after > 0) {
        fault.after--;
      } else if (fault.times > 0) {
        fault.times--;
        return fault;
      }
    }
    return null;
  }

  hasName(inode: MemoryInode): boolean {
    return [...this.names.values()].includes(inode);
  }

  isAlive(life: number): boolean {
    return life === this.life;
  }

  /** Resolves when a sync may end; never in a life that is over. */
  async syncTurn(life: number): Promise<void> {
    if (this.syncsHeld !== null) {
      await new Promise<void>((resolve) => this.syncsHeld?.push(resolve));
    }
    await Promise.resolve();
    if (!this.isAlive(life)) await new Promise<never>(() => {});
  }

  private async later(call: () => void): Promise<void> {
    await Promise.resolve();
    call();
  }

  private find(path: string, operation: string): MemoryInode {
    const inode = this.names.get(path);
    if (inode === undefined) throw new DiskError("ENOENT", operation, path);
    return inode;
  }

  private change(path: string, apply: (names: Map<string, MemoryInode>) => void): void {
    apply(this.names);
    this.changes.push({ directory: dirname(path), apply });
  }
}

class MemoryFile implements DiskFile {
  private closed = false;

  constructor(
    private readonly disk: MemoryDisk,
    readonly path: string,
    private readonly inode: MemoryInode,
    private readonly life: number,
  ) {}

  sizeSync(): number {
    this.use("fstat");
    return this.inode.sizeBytes;
  }

  readSync(target: Uint8Array, start: number, length: number, position: number): number {
    this.use("read");
    this.disk.check("read", this.path);
    return this.inode.read(target, start, length, position);
  }

  async read(target: Uint8Array, start: number, length: number, position: number): Promise<number> {
    await Promise.resolve();
    return this.readSync(target, start, length, position);
  }

  writeSync(source: Uint8Array, start: number, length: number, position: number): void {
    this.use("write");
    const fault = this.disk.takeFault("write", this.path);
    const done = fault === null ? length : Math.min(length, fault.partialBytes ?? 0);
    this.writePieces(source, start, done, position);
    if (fault !== null) throw new DiskError(fault.code, "write", this.path);
  }

  async write(source: Uint8Array, start: number, length: number, position: number): Promise<void> {
    await Promise.resolve();
    this.writeSync(source, start, length, position);
  }

  truncateSync(sizeBytes: number): void {
    this.use("ftruncate");
    this.disk.check("truncate", this.path);
    const before = this.inode.pageCount;
    this.inode.truncate(sizeBytes);
    // What has no name has given its space back.
    if (this.hasNameSync()) this.disk.freeBytes += (before - this.inode.pageCount) * PAGE_BYTES;
  }

  async truncate(sizeBytes: number): Promise<void> {
    await Promise.resolve();
    this.truncateSync(sizeBytes);
  }

  hasNameSync(): boolean {
    this.use("fstat");
    return this.disk.hasName(this.inode);
  }

  async datasync(): Promise<void> {
    this.use("fdatasync");
    this.disk.check("datasync", this.path);
    const covered = this.inode.beginSync();
    await this.disk.syncTurn(this.life);
    this.inode.endSync(covered);
  }

  datasyncSync(): void {
    this.use("fdatasync");
    this.disk.check("datasync", this.path);
    this.inode.endSync(this.inode.beginSync());
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private writePieces(source: Uint8Array, start: number, length: number, position: number): void {
    this.inode.modifiedMs = this.disk.nowMs;
    for (let done = 0; done < length;) {
      const at = position + done;
      const piece = Math.min(PAGE_BYTES - at % PAGE_BYTES, length - done);
      if (!this.inode.hasPage(Math.floor(at / PAGE_BYTES))) {
        if (this.disk.freeBytes < PAGE_BYTES) throw new DiskError("ENOSPC", "write", this.path);
        this.disk.freeBytes -= PAGE_BYTES;
      }
      this.inode.writePiece(source.subarray(start + done, start + done + piece), at);
      done += piece;
    }
  }

  private use(operation: string): void {
    if (!this.disk.isAlive(this.life)) throw new DiskError("ESTALE", operation, this.path);
    if (this.closed) throw new DiskError("EBADF", operation, this.path);
  }
}
