// An exclusive lock on a file between processes, of the kind that Java's FileChannel.tryLock takes (POSIX record locks).
// Node has no call for it: file_lock_bun.ts makes a foreign one; elsewhere there is none and callers must do without.
import process from "node:process";

export interface FileLock {
  release(): void;
}

export interface FileLocks {
  /**
   * Locks the first byte of an existing file. "held": another process has it. "unsupported": can't be done here.
   * While the lock is held nobody in this process may open and close the file: that would release it.
   */
  tryLock(path: string): FileLock | "held" | "unsupported";
}

/** For runtimes without the call. */
export const noFileLocks: FileLocks = { tryLock: () => "unsupported" };

/** The locks of this runtime. */
export async function systemFileLocks(): Promise<FileLocks> {
  if (process.versions["bun"] === undefined) return noFileLocks;
  const { openBunFileLocks } = await import("./file_lock_bun.ts");
  return openBunFileLocks();
}
