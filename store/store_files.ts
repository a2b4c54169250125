// The parts of a store that stand on disk, opened together and closed together. Data, and the order of closing.
import { DiskError } from "../core/disk/disk.ts";
import type { Logger } from "../core/log.ts";
import type { ApacheCheckpoint, CheckpointFile } from "./checkpoint.ts";
import type { IndexProgress } from "./checkpointer.ts";
import type { CommitLog } from "./commit_log/commit_log.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { QueueEndsFiles } from "./consume_queue/queue_ends.ts";
import type { KeyIndex } from "./index/key_index.ts";
import type { StoreLock } from "./lock.ts";
import type { RecoveryResult } from "./recovery.ts";

/** What is open on disk, level and ready to be appended to. */
export interface StoreFiles {
  lock: StoreLock;
  checkpoint: CheckpointFile;
  /** What it said when the store was opened. */
  saved: ApacheCheckpoint;
  log: CommitLog;
  queues: ConsumeQueues;
  queueEnds: QueueEndsFiles;
  index: KeyIndex | null;
  indexProgress: IndexProgress;
  recovered: RecoveryResult;
}

/** Closes queues, index, checkpoint and log, whatever the disk says meanwhile; false when something couldn't be written. */
export async function closeStoreFiles(files: StoreFiles, logger: Logger): Promise<boolean> {
  const { checkpoint, index, log, queues } = files;
  const steps = [
    () => queues[Symbol.asyncDispose](),
    () => index?.[Symbol.asyncDispose](),
    () => checkpoint.close(),
    () => log.close(),
  ];
  let isWritten = true;
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      isWritten = false;
      logger.error("a part of the store can't be written at its closing", { error });
    }
  }
  return isWritten;
}
