// Mends what an inspection found: damaged derived files are taken away and made again from the log, a torn tail is cut, a
// backup takes a torn file's place. Everything that is taken away is kept aside. Never touches a record.
import { basename } from "node:path";
import type { Disk } from "../../core/disk/disk.ts";
import type { FileLocks } from "../../core/disk/file_lock.ts";
import type { Logger } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";
import { FILE_MESSAGE_STORE_DEFAULTS } from "../file_message_store_options.ts";
import { MetadataFile } from "../file/metadata_file.ts";
import { KeptAside } from "../kept_aside.ts";
import { StoreLock } from "../lock.ts";
import { FileMessageStore } from "../message_store_impl.ts";
import type { RecoverySummary } from "../recovery_report.ts";
import type { DelayLevels } from "../schedule/delay_levels.ts";
import { readTopics, topicFilter } from "./config_check.ts";
import type { Fault, RepairStep } from "./fault.ts";
import { queueFolders, type StoreShape } from "./store_shape.ts";

/** What is to be done about the faults of one inspection; one step however many faults ask for it. */
export class RepairPlan {
  private readonly byKey = new Map<string, RepairStep>();
  /** Faults that nothing can be done about. */
  left = 0;
  /** The log's files themselves keep the store from opening. */
  isLogClosed = false;

  add({ kind, repair }: Fault): void {
    if (kind === "log_file") this.isLogClosed = true;
    // A suspect record is served as it is: nothing is wrong with the store.
    if (repair === null) {
      this.left++;
      return;
    }
    this.byKey.set(keyOf(repair), repair);
  }

  get steps(): RepairStep[] {
    return [...this.byKey.values()];
  }
}

function keyOf(step: RepairStep): string {
  switch (step.step) {
    case "rebuild_queue":
      return `queue ${step.topic}/${step.queueId}`;
    case "restore_config":
    case "set_aside":
      return `file ${step.path}`;
    default:
      return step.step;
  }
}

/** A step in words. */
export function describeStep(step: RepairStep): string {
  switch (step.step) {
    case "rebuild_queue":
      return `make queue ${step.topic}/${step.queueId} again from the log; its files are kept aside`;
    case "rebuild_index":
      return "make the index again from the log; its files are kept aside";
    case "cut_log":
      return `cut the log at ${step.offset}; what stands behind is kept aside`;
    case "restore_config":
      return `put ${step.path}.bak in the place of ${step.path}, which is kept aside`;
    case "set_aside":
      return `keep ${step.path} aside; the next start makes it again`;
    case "drop_checkpoint":
      return "take the checkpoint away, so that the whole log is read; it is kept aside";
  }
}

export interface RepairOptions {
  disk: Disk;
  clock: Clock;
  log: Logger;
  locks: FileLocks;
  shape: StoreShape;
  /** messageDelayLevel of the broker: the delay queues' due times follow from it. */
  delayLevels: DelayLevels;
}

/**
 * Does what the plan says and leaves the store as a clean stop does. Throws OperationError when a broker has it open or
 * the log doesn't open, DiskError when the disk refuses; doing it again goes on from there.
 */
export async function applyRepair(
  plan: RepairPlan,
  options: RepairOptions,
): Promise<RecoverySummary> {
  const { disk, locks, log, shape } = options;
  const { storePath } = shape;
  const keptAside = new KeptAside(disk, storePath);
  const topics = readTopics(disk, storePath);
  // Asked before their files are taken away.
  const batchTopics = new Set(batchTopicsOf(disk, storePath));
  const lock = StoreLock.take({ disk, locks, storePath });
  try {
    for (const step of plan.steps) {
      const keptAs = takeAway(step, options, keptAside);
      if (keptAs !== null) log.info("kept aside", { path: keptAs });
    }
    await keptAside.sync();
  } finally {
    lock.release(false);
  }
  const isBatch = (topic: string) => topics?.get(topic)?.isBatch || batchTopics.has(topic);
  const store = await FileMessageStore.open({
    ...FILE_MESSAGE_STORE_DEFAULTS,
    storePath,
    commitLogPath: shape.commitLogPath,
    commitLogFileBytes: shape.commitLogFileBytes,
    consumeQueueFileBytes: shape.consumeQueueFileBytes,
    batchConsumeQueueFileBytes: shape.batchConsumeQueueFileBytes,
    consumeQueueExtFileBytes: shape.consumeQueueExtFileBytes,
    indexEnabled: shape.isIndexEnabled,
    indexSlotCount: shape.index.slotCount,
    indexItemCount: shape.index.itemCount,
    delayLevels: options.delayLevels,
    queueKindOf: (topic) => isBatch(topic) ? "batch" : "simple",
    hasTopic: topicFilter(topics),
    rebuildQueues: true,
  }, options);
  const summary = store.stats().recovery;
  await store[Symbol.asyncDispose]();
  return summary;
}

function* batchTopicsOf(disk: Disk, storePath: string): Generator<string> {
  const root = `${storePath}/batchconsumequeue`;
  for (const folder of queueFolders(disk, root)) {
    yield folder.slice(root.length + 1, folder.lastIndexOf("/"));
  }
}

/** Gives where the files are now; null when there was nothing to take away. */
function takeAway(step: RepairStep, options: RepairOptions, keptAside: KeptAside): string | null {
  const { disk, shape: { storePath } } = options;
  switch (step.step) {
    case "rebuild_queue": {
      const { directory } = step;
      if (disk.listSync(directory).length === 0) return null;
      return keptAside.moveFolder(directory, directory.slice(storePath.length + 1));
    }
    case "rebuild_index":
      if (disk.listSync(`${storePath}/index`).length === 0) return null;
      return keptAside.moveFolder(`${storePath}/index`, "index");
    case "restore_config":
      return restoreConfig(step.path, options, keptAside);
    case "set_aside":
      return keptAside.move(step.path, step.path.slice(storePath.length + 1));
    case "drop_checkpoint":
      return keptAside.move(`${storePath}/checkpoint`, "checkpoint");
    case "cut_log":
      // Opening the store does it.
      return null;
  }
}

function restoreConfig(
  path: string,
  { disk, log }: RepairOptions,
  keptAside: KeptAside,
): string | null {
  const name = `config-${basename(path)}`;
  const keptAs = disk.statSync(path) === null ? null : keptAside.move(path, name);
  const file = new MetadataFile({ disk, log, path });
  const text = file.load();
  if (text !== null) file.save(text);
  return keptAs;
}
