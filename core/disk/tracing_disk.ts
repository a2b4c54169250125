// A disk that passes everything on and remembers the order of writes, syncs and name changes, so that a test can ask
// whether bytes were durable at a moment. Used by tests alone; changes nothing.
import { dirname } from "node:path";
import type { Disk, DiskFile, DiskUsage, FileStat } from "./disk.ts";

interface Write {
  start: number;
  end: number;
  at: number;
}

/** A sync covers what happened before it began, once it has ended. */
interface Sync {
  beganAt: number;
  endedAt: number;
}

interface FileTrace {
  writes: Write[];
  syncs: Sync[];
  /** When the file got its name; −1 when it had it before. */
  namedAt: number;
}

export class TracingDisk implements Disk {
  private now = 0;
  /** By path; a rename takes a file's trace along. */
  private readonly files = new Map<string, FileTrace>();
  private readonly folderSyncs = new Map<string, Sync[]>();

  constructor(private readonly inner: Disk) {}

  /**
   * Why the bytes of a file might be lost in a power cut now; null when they can't: each write to them, and the
   * file's name, came before a sync that has ended.
   */
  whyNotDurable(path: string, start: number, end: number): string | null {
    const { writes, syncs, namedAt } = this.trace(path);
    const touching = writes.filter((write) => write.start < end && write.end > start);
    if (touching.length === 0) return "never written";
    const lastAt = Math.max(...touching.map(({ at }) => at));
    if (!isCovered(lastAt, syncs)) return "written after the last sync that has ended began";
    return isCovered(namedAt, this.syncsOf(dirname(path))) ? null : "its name isn't synced";
  }

  openSync(path: string, mode: "read" | "write" | "create"): DiskFile {
    const isNew = mode === "create" && this.inner.statSync(path) === null;
    const file = this.inner.openSync(path, mode);
    if (isNew) this.files.set(path, { writes: [], syncs: [], namedAt: this.now++ });
    return this.traced(file, this.trace(path));
  }

  renameSync(from: string, to: string): void {
    this.inner.renameSync(from, to);
    const trace = this.trace(from);
    trace.namedAt = this.now++;
    this.files.set(to, trace);
    this.files.delete(from);
  }

  syncDirectorySync(path: string): void {
    const sync = this.begin(this.syncsOf(path));
    this.inner.syncDirectorySync(path);
    sync.endedAt = this.now++;
  }

  async syncDirectory(path: string): Promise<void> {
    const sync = this.begin(this.syncsOf(path));
    await this.inner.syncDirectory(path);
    sync.endedAt = this.now++;
  }

  private traced(file: DiskFile, trace: FileTrace): DiskFile {
    const wrote = (start: number, length: number) =>
      void trace.writes.push({ start, end: start + length, at: this.now++ });
    return {
      path: file.path,
      sizeSync: () => file.sizeSync(),
      readSync: (target, start, length, position) => file.readSync(target, start, length, position),
      read: (target, start, length, position) => file.read(target, start, length, position),
      writeSync: (source, start, length, position) => {
        file.writeSync(source, start, length, position);
        wrote(position, length);
      },
      write: async (source, start, length, position) => {
        await file.write(source, start, length, position);
        wrote(position, length);
      },
      truncateSync: (sizeBytes) => file.truncateSync(sizeBytes),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      hasNameSync: () => file.hasNameSync(),
      datasync: async () => {
        const sync = this.begin(trace.syncs);
        await file.datasync();
        sync.endedAt = this.now++;
      },
      datasyncSync: () => {
        const sync = this.begin(trace.syncs);
        file.datasyncSync();
        sync.endedAt = this.now++;
      },
      close: () => file.close(),
    };
  }

  private begin(syncs: Sync[]): Sync {
    const sync = { beganAt: this.now++, endedAt: Infinity };
    syncs.push(sync);
    return sync;
  }

  private trace(path: string): FileTrace {
    let trace = this.files.get(path);
    if (trace === undefined) this.files.set(path, trace = { writes: [], syncs: [], namedAt: -1 });
    return trace;
  }

  private syncsOf(folder: string): Sync[] {
    let syncs = this.folderSyncs.get(folder);
    if (syncs === undefined) this.folderSyncs.set(folder, syncs = []);
    return syncs;
  }

  statSync(path: string): FileStat | null {
    return this.inner.statSync(path);
  }

  listSync(path: string): string[] {
    return this.inner.listSync(path);
  }

  makeDirectorySync(path: string): void {
    this.inner.makeDirectorySync(path);
  }

  unlinkSync(path: string): void {
    this.inner.unlinkSync(path);
    this.files.delete(path);
  }

  async unlink(path: string): Promise<void> {
    await this.inner.unlink(path);
    this.files.delete(path);
  }

  removeDirectorySync(path: string): void {
    this.inner.removeDirectorySync(path);
  }

  touchSync(path: string, modifiedMs: number): void {
    this.inner.touchSync(path, modifiedMs);
  }

  usageSync(path: string): DiskUsage {
    return this.inner.usageSync(path);
  }
}

function isCovered(at: number, syncs: Sync[]): boolean {
  return at < 0 || syncs.some(({ beganAt, endedAt }) => beganAt > at && endedAt !== Infinity);
}
