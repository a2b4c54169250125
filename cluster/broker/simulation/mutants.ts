// Bugs on purpose, planted between the broker and its disk: the simulation must see each of them break a promise. What
// they spoil is what the broker does, as its disk sees it; nothing of the broker knows of them.
import { type Disk, DiskError, type DiskFile } from "../../../core/disk/disk.ts";
import type { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { type Random, randomBelow } from "../../../core/random.ts";
import { LOG_PATH, STORE_PATH } from "./paths.ts";
import type { Settings, WorkloadMaker } from "./workload.ts";
import { LocksWorkload } from "./workloads/locks.ts";

export interface Mutant {
  name: string;
  settings: Settings;
  mutate(disk: Disk): Disk;
  /** What the disk must refuse for the bug to show itself soon. */
  faults?: (memory: MemoryDisk, random: Random) => void;
  /** Whose promise it breaks; default: those of messages and offsets. */
  workloads?: readonly WorkloadMaker[];
}

const SYNC_FLUSH: Settings = { flushDiskType: "SYNC_FLUSH" };
const ASYNC_FLUSH: Settings = { flushDiskType: "ASYNC_FLUSH" };

export const MUTANTS: readonly Mutant[] = [
  {
    name: "acknowledges before the sync has ended",
    settings: SYNC_FLUSH,
    mutate: (disk) =>
      withFiles(disk, isLog, (file) => ({
        datasync() {
          void file.datasync().catch(() => {});
          return Promise.resolve();
        },
      })),
  },
  {
    name: "leaves out the syncs of the log that the event loop does itself",
    settings: SYNC_FLUSH,
    mutate: (disk) => withFiles(disk, isLog, () => ({ datasyncSync() {} })),
  },
  {
    name: "skips the sync of folders",
    settings: SYNC_FLUSH,
    mutate: (disk) =>
      changed(disk, {
        syncDirectorySync() {},
        syncDirectory: () => Promise.resolve(),
      }),
  },
  {
    name: "trusts a checkpoint that vouches for queues which were never synced",
    settings: SYNC_FLUSH,
    mutate: (disk) => withFiles(disk, isQueue, () => noSync),
  },
  {
    name: "trusts a stale checkpoint: takes every start for one after a clean stop",
    settings: SYNC_FLUSH,
    mutate: (disk) =>
      changed(disk, {
        statSync: (path) => path === `${STORE_PATH}/abort` ? null : disk.statSync(path),
      }),
  },
  {
    name: "renames metadata whose bytes weren't synced",
    settings: SYNC_FLUSH,
    mutate: (disk) => withFiles(disk, (path) => path.includes("/config/"), () => noSync),
  },
  {
    name: "syncs only the newest log file",
    settings: SYNC_FLUSH,
    mutate: (disk) =>
      withFiles(disk, isLog, (file) => ({
        datasync: () => isNewest(disk, file.path) ? file.datasync() : Promise.resolve(),
      })),
  },
  {
    name: "believes in a sync that failed",
    settings: SYNC_FLUSH,
    mutate: (disk) =>
      withFiles(disk, isLog, (file) => ({
        datasync: () => file.datasync().catch(() => {}),
        datasyncSync: () => believed(() => file.datasyncSync()),
      })),
    faults: (memory, random) => {
      const after = randomBelow(random, 20);
      memory.inject({ operation: "datasync", code: "EIO", path: "/commitlog/", after, times: 3 });
    },
  },
  {
    name: "tells that a write succeeded which failed",
    settings: ASYNC_FLUSH,
    mutate: (disk) =>
      withFiles(disk, isLog, (file) => ({
        writeSync: (source, start, length, position) =>
          believed(() => file.writeSync(source, start, length, position)),
      })),
  },
  {
    name: "answers a queue's lock that no restart remembers, and gives it to a second client",
    settings: ASYNC_FLUSH,
    mutate: (disk) =>
      changed(disk, {
        renameSync(from, to) {
          if (!to.endsWith("/queueLocks.json")) disk.renameSync(from, to);
        },
      }),
    workloads: [() => new LocksWorkload()],
  },
];

const noSync: Partial<DiskFile> = { datasync: () => Promise.resolve(), datasyncSync() {} };

/** Takes what fails for done, unless the process is dead. */
function believed(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DiskError) || error.code === "ESTALE") throw error;
  }
}

function isLog(path: string): boolean {
  return path.startsWith(`${LOG_PATH}/`);
}

function isQueue(path: string): boolean {
  return path.startsWith(`${STORE_PATH}/consumequeue/`);
}

function isNewest(disk: Disk, path: string): boolean {
  return disk.listSync(LOG_PATH).filter((name) => name.startsWith("0")).at(-1) ===
    path.slice(LOG_PATH.length + 1);
}

/** The disk with some of its calls replaced. */
function changed(disk: Disk, changes: Partial<Disk>): Disk {
  return {
    openSync: (path, mode) => disk.openSync(path, mode),
    statSync: (path) => disk.statSync(path),
    listSync: (path) => disk.listSync(path),
    makeDirectorySync: (path) => disk.makeDirectorySync(path),
    renameSync: (from, to) => disk.renameSync(from, to),
    unlinkSync: (path) => disk.unlinkSync(path),
    unlink: (path) => disk.unlink(path),
    removeDirectorySync: (path) => disk.removeDirectorySync(path),
    syncDirectorySync: (path) => disk.syncDirectorySync(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    touchSync: (path, modifiedMs) => disk.touchSync(path, modifiedMs),
    usageSync: (path) => disk.usageSync(path),
    ...changes,
  };
}

/** The disk with some calls of the files that match replaced. */
function withFiles(
  disk: Disk,
  matches: (path: string) => boolean,
  changesOf: (file: DiskFile) => Partial<DiskFile>,
): Disk {
  return changed(disk, {
    openSync(path, mode) {
      const file = disk.openSync(path, mode);
      if (!matches(path)) return file;
      return {
        path,
        sizeSync: () => file.sizeSync(),
        readSync: (target, start, length, position) =>
          file.readSync(target, start, length, position),
        read: (target, start, length, position) => file.read(target, start, length, position),
        writeSync: (source, start, length, position) =>
          file.writeSync(source, start, length, position),
        write: (source, start, length, position) => file.write(source, start, length, position),
        truncateSync: (sizeBytes) => file.truncateSync(sizeBytes),
        truncate: (sizeBytes) => file.truncate(sizeBytes),
        hasNameSync: () => file.hasNameSync(),
        datasync: () => file.datasync(),
        datasyncSync: () => file.datasyncSync(),
        close: () => file.close(),
        ...changesOf(file),
      };
    },
  });
}
