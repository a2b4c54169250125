// An exclusive lock on a file between processes, of the kind that Java's FileChannel.tryLock takes (POSIX record locks).
// Node has no call for it: file_lock_bun.ts makes a foreign one; elsewhere only this process is kept out.
import process from "node:process";

export interface FileLock {
  /** False where the runtime can't keep other processes out: the caller must look for them itself. */
  readonly excludesOthers: boolean;
  release(): void;
}

export interface FileLocks {
  /**
   * Locks the first byte of an existing file, or says who has it. While it is locked nobody in this process may open
   * and close the file: that would release a record lock.
   */
  tryLock(path: string): FileLock | "held_by_other" | "held_here";
}

/** For a disk that only one store can see, such as one in memory: nobody else is to be looked for. */
export const soleOwner: FileLocks = {
  tryLock: () => ({ excludesOthers: true, release() {} }),
};

/** Where the runtime has no locks: others are looked for by the process that a store names. */
export const noFileLocks: FileLocks = {
  tryLock: () => ({ excludesOthers: false, release() {} }),
};

/** Record locks don't exclude within a process, so what is locked here is remembered. */
const lockedHere = new Set<string>();

/** The locks of this runtime. */
export async function systemFileLocks(): Promise<FileLocks> {
  const others = process.versions["bun"] === undefined
    ? noFileLocks
    : (await import("./file_lock_bun.ts")).openBunFileLocks();
  return {
    tryLock(path) {
      if (lockedHere.has(path)) return "held_here";
      const lock = others.tryLock(path);
      if (typeof lock === "string") return lock;
      lockedHere.add(path);
      return {
        excludesOthers: lock.excludesOthers,
        release() {
          lockedHere.delete(path);
          lock.release();
        },
      };
    },
  };
}
