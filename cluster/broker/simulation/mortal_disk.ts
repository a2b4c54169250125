// The disk as one process has it that dies in the middle of an operation: counts what changes the disk, ends the life at
// a chosen count, and knows what a power cut can't take back any more. For simulations; the losing is the memory disk's.
import { dirname } from "node:path";
import { javaHash } from "../../../core/bytes/java_hash.ts";
import {
  type Disk,
  DiskError,
  type DiskFile,
  type DiskUsage,
  type FileStat,
} from "../../../core/disk/disk.ts";
import type { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { type Random, randomBelow } from "../../../core/random.ts";
import { LOG_PATH, logPathOf } from "./paths.ts";

const LOG_FILES = `${LOG_PATH}/0`;
/** What the kernel writes of a file at a time. */
const PAGE_BYTES = 4096;

export type CrashKind = "power" | "process";

/** What is known of one file across lives, in effects counted over the whole history. */
interface FileFacts {
  namedAt: number;
  writtenAt: number;
  /** When the sync began that ended last. */
  syncedSince: number;
}

/** The disk of a history: outlives its processes. */
export class DiskHistory {
  effects = 0;
  /** Of all that was done so far and where: two runs of one seed have the same. */
  digest = 0;
  private files = new Map<string, FileFacts>();
  private folderSyncs = new Map<string, number>();

  constructor(readonly memory: MemoryDisk) {}

  /**
   * Whether a record that was in the log at effect `at` survives a power cut now: its file was synced since, and so was
   * all that came before it, since the log is cut at its first hole.
   */
  isLogDurable(physicalOffset: number, at: number): boolean {
    const own = logPathOf(physicalOffset);
    if (!this.isDurable(own, at)) return false;
    for (const [path, { writtenAt }] of this.files) {
      const isBefore = path.startsWith(LOG_FILES) && path < own;
      if (isBefore && this.memory.statSync(path) !== null && !this.isDurable(path, writtenAt)) {
        return false;
      }
    }
    return true;
  }

  private isDurable(path: string, at: number): boolean {
    const facts = this.files.get(path);
    if (facts === undefined) return true;
    return facts.syncedSince >= at && (this.folderSyncs.get(dirname(path)) ?? -1) >= facts.namedAt;
  }

  noteEffect(path: string): void {
    this.effects++;
    this.digest = (Math.imul(this.digest, 31) + javaHash(path)) | 0;
  }

  /** Nothing is pending after a power cut: what is there is there for good. */
  forget(): void {
    this.files = new Map();
    this.folderSyncs = new Map();
  }

  facts(path: string): FileFacts {
    let facts = this.files.get(path);
    if (facts === undefined) {
      this.files.set(path, facts = { namedAt: -1, writtenAt: -1, syncedSince: -1 });
    }
    return facts;
  }

  named(path: string): void {
    this.facts(path).namedAt = this.effects;
  }

  renamed(from: string, to: string): void {
    const facts = this.facts(from);
    facts.namedAt = this.effects;
    this.files.delete(from);
    this.files.set(to, facts);
  }

  folderSynced(path: string, since: number): void {
    this.folderSyncs.set(path, since);
  }
}

export interface Death {
  kind: CrashKind;
  /** In effects from the life's beginning. */
  after: number;
}

export class MortalDisk implements Disk {
  /** What this life did to the disk. */
  effects = 0;
  isDead = false;
  /** A sync of the log failed: nothing may be called safe any more. */
  logSyncFailed = false;
  /** Called when the process dies, before anything is lost. */
  onDeath: (kind: CrashKind) => void = () => {};
  /** Called when a file is removed on purpose. */
  onUnlink: (path: string) => void = () => {};

  constructor(
    private readonly history: DiskHistory,
    private readonly death: Death,
    private readonly random: Random,
  ) {}

  /** Dies now, between two operations. */
  die(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.onDeath(this.death.kind);
    this.history.memory.crash(this.death.kind);
    if (this.death.kind === "power") this.history.forget();
  }

  /** Counts a change to come; dies instead when its time has come. */
  private effect(path: string, beforeDeath?: () => void): void {
    this.live(path);
    this.history.noteEffect(path);
    if (++this.effects < this.death.after) return;
    beforeDeath?.();
    this.die();
    this.live(path);
  }

  private live(path: string): void {
    if (this.isDead) throw new DiskError("ESTALE", "use", path);
  }

  openSync(path: string, mode: "read" | "write" | "create"): DiskFile {
    this.live(path);
    const { memory } = this.history;
    const isNew = mode === "create" && memory.statSync(path) === null;
    if (isNew) this.effect(path);
    const file = memory.openSync(path, mode);
    if (isNew) this.history.named(path);
    return this.mortal(file);
  }

  private mortal(file: DiskFile): DiskFile {
    const { path } = file;
    const write = (source: Uint8Array, start: number, length: number, position: number) => {
      this.effect(path, () => {
        // A kill is looked for between pages: it may leave the first ones. A power cut tears what was written anyway.
        const pages = Math.floor((position % PAGE_BYTES + length) / PAGE_BYTES);
        const end = randomBelow(this.random, pages + 1) * PAGE_BYTES - position % PAGE_BYTES;
        if (end > 0) file.writeSync(source, start, Math.min(end, length), position);
      });
      this.history.facts(path).writtenAt = this.history.effects;
      file.writeSync(source, start, length, position);
    };
    const truncateSync = (sizeBytes: number) => {
      this.effect(path);
      file.truncateSync(sizeBytes);
    };
    return {
      path,
      sizeSync: () => file.sizeSync(),
      readSync: (target, start, length, position) => file.readSync(target, start, length, position),
      read: (target, start, length, position) =>
        this.whileAlive(file.read(target, start, length, position)),
      writeSync: write,
      write: async (source, start, length, position) => {
        await this.whileAlive(Promise.resolve());
        write(source, start, length, position);
      },
      truncateSync,
      truncate: async (sizeBytes) => {
        await this.whileAlive(Promise.resolve());
        truncateSync(sizeBytes);
      },
      hasNameSync: () => file.hasNameSync(),
      datasync: () => this.whileAlive(this.datasync(file)),
      datasyncSync: () => {
        this.effect(path);
        const since = this.history.effects;
        this.noteFailure(path, () => file.datasyncSync());
        this.history.facts(path).syncedSince = since;
      },
      close: () => file.close(),
    };
  }

  private async datasync(file: DiskFile): Promise<void> {
    this.effect(file.path);
    const since = this.history.effects;
    try {
      await file.datasync();
    } catch (error) {
      this.noteFailure(file.path, () => {
        throw error;
      });
    }
    const facts = this.history.facts(file.path);
    facts.syncedSince = Math.max(facts.syncedSince, since);
  }

  private noteFailure(path: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      if (path.includes("/commitlog/")) this.logSyncFailed = true;
      throw error;
    }
  }

  /** What a dead process waits for never comes. */
  private async whileAlive<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } finally {
      if (this.isDead) await new Promise<never>(() => {});
    }
  }

  statSync(path: string): FileStat | null {
    this.live(path);
    return this.history.memory.statSync(path);
  }

  listSync(path: string): string[] {
    this.live(path);
    return this.history.memory.listSync(path);
  }

  makeDirectorySync(path: string): void {
    this.live(path);
    this.history.memory.makeDirectorySync(path);
  }

  renameSync(from: string, to: string): void {
    this.effect(from);
    this.history.memory.renameSync(from, to);
    this.history.renamed(from, to);
  }

  unlinkSync(path: string): void {
    this.effect(path);
    this.history.memory.unlinkSync(path);
    this.onUnlink(path);
  }

  async unlink(path: string): Promise<void> {
    await this.whileAlive(Promise.resolve());
    this.unlinkSync(path);
  }

  removeDirectorySync(path: string): void {
    this.effect(path);
    this.history.memory.removeDirectorySync(path);
  }

  syncDirectorySync(path: string): void {
    this.effect(path);
    const since = this.history.effects;
    this.history.memory.syncDirectorySync(path);
    this.history.folderSynced(path, since);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.whileAlive(Promise.resolve());
    this.syncDirectorySync(path);
  }

  touchSync(path: string, modifiedMs: number): void {
    this.effect(path);
    this.history.memory.touchSync(path, modifiedMs);
  }

  usageSync(path: string): DiskUsage {
    this.live(path);
    return this.history.memory.usageSync(path);
  }
}
