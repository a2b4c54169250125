// Opens what a store has on disk, in the order that a crash at any point allows: lock, checkpoint, log, queues, index,
// then recovery. On failure everything opened is closed again.
import { basename } from "node:path";
import { DiskError } from "../core/disk/disk.ts";
import { firstFailure } from "../core/errors.ts";
import { CheckpointFile } from "./checkpoint.ts";
import type { IndexProgress } from "./checkpointer.ts";
import { CommitLog } from "./commit_log/commit_log.ts";
import { ConsumeQueues, type ConsumeQueuesOptions } from "./consume_queue/consume_queues.ts";
import { QUEUE_ENDS_NAMES, QueueEndsFiles } from "./consume_queue/queue_ends.ts";
import type {
  FileMessageStoreConfig,
  FileMessageStoreParts,
} from "./file_message_store_options.ts";
import { keepFolderAside } from "./file/folder_in_place.ts";
import { KeyIndex } from "./index/key_index.ts";
import { KeptAside } from "./kept_aside.ts";
import { StoreLock } from "./lock.ts";
import { mendLogLengths } from "./log_lengths.ts";
import type { StoreFiles } from "./store_files.ts";
import { recoverStore } from "./recovery.ts";

/** Throws what failed first, though closing what was open may fail for the same reason. */
export async function openStoreFiles(
  config: FileMessageStoreConfig,
  parts: FileMessageStoreParts,
): Promise<StoreFiles> {
  const queueEnds = new QueueEndsFiles(parts.disk, config.storePath);
  let isTold = false;
  try {
    return await openAll(config, parts, queueEnds, () => isTold = true);
  } catch (error) {
    if (!isTold || !(error instanceof DiskError)) throw firstFailure(error);
    // Files that the ends count on may be gone.
    parts.log.warn("the store can't be opened by its queues' ends: all queues are looked at", {
      error,
    });
  }
  try {
    queueEnds.discard();
    return await openAll(config, parts, queueEnds, () => {});
  } catch (error) {
    throw firstFailure(error);
  }
}

async function openAll(
  config: FileMessageStoreConfig,
  parts: FileMessageStoreParts,
  queueEnds: QueueEndsFiles,
  onTold: () => void,
): Promise<StoreFiles> {
  const { disk, locks } = parts;
  const { storePath } = config;
  await using undo = new AsyncDisposableStack();
  const lock = StoreLock.take({ disk, locks, storePath });
  // The marker of an earlier crash stays until a recovery has succeeded and the store is closed.
  undo.defer(() => lock.release(false));
  for (const name of ["checkpoint", ...QUEUE_ENDS_NAMES]) {
    keepFolderAside({ disk, log: parts.log, storePath }, `${storePath}/${name}`);
  }
  const checkpoint = undo.adopt(new CheckpointFile(disk, `${storePath}/checkpoint`), close);
  const log = undo.adopt(openLog(config, parts), close);
  const keptAside = new KeptAside(disk, storePath);
  const { fileSizeBytes, path } = log;
  log.files.contentEnd = await mendLogLengths({
    disk,
    log: parts.log,
    keptAside,
    path,
    fileSizeBytes,
  });
  log.files.load();
  const saved = checkpoint.read();
  const ends = config.rebuildQueues || saved.replay === null ? null : queueEnds.read(saved.replay);
  const told = ends?.minPhysicalOffset === log.minOffset ? ends : null;
  if (told !== null) onTold();
  const queues = undo.use(
    await openQueues(config, parts, {
      keptAside,
      ends: told,
      onEndsUntrue: () => queueEnds.discard(),
      ...(saved.replay !== null && { replayFrom: saved.replay.replayFrom }),
    }),
  );
  const indexProgress: IndexProgress = { completeUntilMs: saved.apache.indexMsgTimestampMs };
  let isIndexCut = false;
  const setAside = (path: string, problem: string) => {
    isIndexCut = true;
    const keptAs = keptAside.move(path, `index-${basename(path)}`);
    parts.log.warn("index files are damaged: they are made again from the log", {
      problem,
      keptAs,
    });
  };
  const index = config.indexEnabled
    ? undo.use(await openIndex(config, parts, lock.isClean, indexProgress, setAside))
    : null;
  const recovered = await recoverStore({
    disk,
    log,
    queues,
    index,
    keptAside,
    checkpoint: saved,
    writeCheckpoint: (meanwhile) => checkpoint.write(meanwhile),
    isClean: lock.isClean,
    isIndexSafe: config.indexSafe,
    isIndexCut,
    checkCrc: config.checkCrcOnRecover,
    requirePropertyCrc: config.requirePropertyCrc,
    syncFlush: config.syncFlush,
    delayLevels: config.delayLevels,
    kindOf: config.queueKindOf,
    lightQueues: config.lightQueues,
    hasTopic: config.hasTopic,
    rebuildQueues: config.rebuildQueues,
    clock: parts.clock,
    logger: parts.log,
  });
  undo.move();
  return {
    lock,
    checkpoint,
    saved: saved.apache,
    log,
    queues,
    queueEnds,
    index,
    indexProgress,
    recovered,
  };
}

function close(opened: { close(): Promise<void> }): Promise<void> {
  return opened.close();
}

function openLog(config: FileMessageStoreConfig, parts: FileMessageStoreParts): CommitLog {
  return new CommitLog({
    disk: parts.disk,
    log: parts.log,
    path: config.commitLogPath ?? `${config.storePath}/commitlog`,
    fileSizeBytes: config.commitLogFileBytes,
    fillAhead: config.syncFlush,
  });
}

function openQueues(
  config: FileMessageStoreConfig,
  parts: FileMessageStoreParts,
  more: Pick<ConsumeQueuesOptions, "ends" | "keptAside" | "onEndsUntrue" | "replayFrom">,
): Promise<ConsumeQueues> {
  return ConsumeQueues.open({
    disk: parts.disk,
    clock: parts.clock,
    log: parts.log,
    storePath: config.storePath,
    fileBytes: config.consumeQueueFileBytes,
    batchFileBytes: config.batchConsumeQueueFileBytes,
    extFileBytes: config.consumeQueueExtFileBytes,
    writesExt: config.consumeQueueExtEnabled,
    endsMin: config.queueEndsMin,
    ...more,
  });
}

function openIndex(
  config: FileMessageStoreConfig,
  parts: FileMessageStoreParts,
  isClean: boolean,
  progress: IndexProgress,
  setAside: (path: string, problem: string) => void,
): Promise<KeyIndex> {
  return KeyIndex.open({
    disk: parts.disk,
    clock: parts.clock,
    log: parts.log,
    path: `${config.storePath}/index`,
    slotCount: config.indexSlotCount,
    itemCount: config.indexItemCount,
    onFileComplete: (endTimestampMs) => progress.completeUntilMs = endTimestampMs,
    setAside,
  }, { lastExitClean: isClean, completeUntilMs: progress.completeUntilMs });
}
