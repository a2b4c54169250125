// What an index is opened with: where it stands, its files' shape, and how the store ended.
import type { Disk } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";

export interface KeyIndexOptions {
  disk: Disk;
  clock: Clock;
  log: Logger;
  /** The index folder itself (…/index); made with the first file. */
  path: string;
  /** maxHashSlotNum. */
  slotCount: number;
  /** maxIndexNum: usable items are one fewer, since counting starts at 1. */
  itemCount: number;
  /**
   * Called when a full file is complete and synced, with its last store time for the checkpoint; and with an earlier time
   * when truncation took such a file away.
   */
  onFileComplete?: (endTimestampMs: number) => void;
  /** Called for each file that can't be used, to move it away; without it such a file is refused. */
  setAside?: (path: string, problem: string) => void;
}

/** How the store ended, by its abort marker and checkpoint. */
export interface IndexStart {
  lastExitClean: boolean;
  /** The checkpoint's indexMsgTimestamp: files that end later may be incomplete after a crash. */
  completeUntilMs: number;
}
