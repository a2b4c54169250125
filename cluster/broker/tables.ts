// The tables that a broker keeps in config/: opened before its store, which asks them for kinds of queues and delays, and
// saved at the end of a clean stop.
import type { BrokerConfig } from "../../core/config/tables.ts";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import { parseLenientJson } from "../../core/json/lenient_reader.ts";
import type { Logger } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { FileMessageStore } from "../../store/message_store_impl.ts";
import { REVIVE_TOPIC_PREFIX } from "../../core/message/topic_names.ts";
import { MetadataFile } from "../../store/file/metadata_file.ts";
import { DelayLevels } from "../../store/schedule/delay_levels.ts";
import { DelayOffsets } from "../../store/schedule/delay_offsets.ts";
import { Expressions } from "./filters/expressions.ts";
import { FilterTable } from "./filters/filter_table.ts";
import { PullFilters } from "./filters/pull_filters.ts";
import { GroupTable } from "./groups/group_table.ts";
import { losable, restoreGroups, restoreTopics } from "./lost_tables.ts";
import { QueueLocks } from "./locks/queue_locks.ts";
import { OffsetTable } from "./offsets/offset_table.ts";
import { OrderTable } from "./pop/order_table.ts";
import { RequestModes } from "./pop/request_modes.ts";
import { clampDelayOffsets, saveDelayOffsets } from "./schedule/delay_offset_saving.ts";
import { TopicTable } from "./topics/topic_table.ts";

export interface Tables {
  topics: TopicTable;
  groups: GroupTable;
  offsets: OffsetTable;
  filters: PullFilters;
  locks: QueueLocks;
  orders: OrderTable;
  requestModes: RequestModes;
  delayOffsets: DelayOffsets;
  delayLevels: DelayLevels;
  /** Whether topics may be missing that have messages: until what was lost is made again. */
  lacksTopics: () => boolean;
  /** Makes what was lost again as far as the store tells it. */
  restoreLost: (store: Pick<MessageStore, "queueTopics">) => void;
  saveDelayOffsets: (store: Pick<FileMessageStore, "flush">) => Promise<void>;
}

export interface TableParts {
  settings: BrokerConfig;
  clock: Clock;
  disk: Disk;
  log: Logger;
}

/** What goes with tables that begin empty when they are damaged. */
const LOST = {
  filters: "SQL92 filters of groups, until their consumers register again",
  locks:
    "who holds the queues of orderly groups: nobody gets one until they trust their locks no more",
  orders: "which messages orderly pops gave out: they come again at once",
  modes: "which groups were set to pop, by setMessageRequestMode",
};

/** Throws OperationError for damaged offsets, UsageError for delay levels that can't be read. */
export function openTables(parts: TableParts): Tables {
  const { settings, clock, disk, log } = parts;
  syncNames(`${settings.storePathRootDir}/config`, disk, log);
  const pathOf = (name: string) => `${settings.storePathRootDir}/config/${name}.json`;
  const fileOf = (name: string) => new MetadataFile({ disk, log, path: pathOf(name) });
  const delayFile = fileOf("delayOffset");
  const delayOffsets = new DelayOffsets(clock.nowMs(), settings.delayOffsetUpdateVersionStep);
  const delayText = delayFile.load();
  if (delayText !== null) delayOffsets.decode(delayText);
  const expressions = new Expressions();
  // A store that gets light queues takes its offsets along, where Apache begins anew.
  const plainOffsets = fileOf("consumerOffset");
  const lightOffsets = fileOf("lmqConsumerOffset");
  const offsetFile = !settings.enableLmq ? plainOffsets : {
    load: () => lightOffsets.load() ?? plainOffsets.load(),
    saveInBackground: (text: string) => lightOffsets.saveInBackground(text),
  };
  const losableOf = (name: string, lost?: string) => {
    const storePath = settings.storePathRootDir;
    const parts = { disk, log, path: pathOf(name), storePath };
    return losable(fileOf(name), lost === undefined ? parts : { ...parts, lost });
  };
  const filterFile = losableOf("consumerFilter", LOST.filters);
  const filterTable = new FilterTable({ ...parts, file: filterFile, expressions });
  const topicFile = losableOf("topics");
  const groupFile = losableOf("subscriptionGroup");
  let isRestored = false;
  const topics = new TopicTable({ ...parts, file: topicFile });
  const groups = new GroupTable({ ...parts, file: groupFile });
  const offsets = new OffsetTable({ ...parts, file: offsetFile, parse: parseLenientJson });
  return {
    topics,
    groups,
    offsets,
    filters: new PullFilters(expressions, filterTable, settings),
    locks: new QueueLocks({ clock, log, file: losableOf("queueLocks", LOST.locks) }),
    orders: new OrderTable({
      file: losableOf("consumerOrderInfo", LOST.orders),
      clock,
      queueCountOf: (topic) => topics.get(topic)?.readQueueNums ?? 0,
      hasGroup: (group) => groups.has(group),
    }),
    requestModes: new RequestModes({ file: losableOf("messageRequestMode", LOST.modes), log }),
    delayOffsets,
    delayLevels: DelayLevels.parse(settings.messageDelayLevel),
    lacksTopics: () => topicFile.isIncomplete && !isRestored,
    restoreLost: (store) => {
      if (topicFile.isIncomplete) restoreTopics(topics, store, log);
      if (groupFile.isIncomplete) restoreGroups(groups, offsets, log);
      isRestored = true;
    },
    saveDelayOffsets: (store) => saveDelayOffsets(delayOffsets, delayFile, store),
  };
}

/** A killed process may have put files in place whose names aren't durable: what is read now must not change back later. */
function syncNames(folder: string, disk: Disk, log: Logger): void {
  const stat = disk.statSync(folder);
  if (stat?.isDirectory === false) throw new OperationError(`${folder} isn't a folder`);
  try {
    if (stat !== null) disk.syncDirectorySync(folder);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    log.warn("the folder of the tables can't be synced", { error });
  }
}

/** Saves what a clean stop must not lose, each by itself; the offsets last, since others may still move them. */
export function saveAtTheEnd(
  tables: Tables,
  store: Pick<FileMessageStore, "flush">,
  stack: AsyncDisposableStack,
): void {
  stack.defer(() => tables.offsets.saveWhenDirty());
  stack.defer(() => tables.orders.saveWhenChanged());
  stack.defer(() => tables.saveDelayOffsets(store));
  stack.defer(() => tables.filters.table.saveWhenChanged());
  stack.defer(() => tables.groups.save());
  stack.defer(() => tables.topics.save());
}

/**
 * Offsets of groups and delay levels that a power cut left beyond the ends of their queues go back to them; saved before
 * anybody is served, since a queue that has grown past them can't be told from one that never was shorter.
 */
export async function clampOffsets(
  { topics, offsets, delayOffsets, saveDelayOffsets }: Tables,
  store: Pick<FileMessageStore, "queueBounds" | "flush">,
  { clock, log }: Pick<TableParts, "clock" | "log">,
): Promise<void> {
  const corrected = offsets.clamp((topic, queueId) => {
    if (!topics.has(topic)) return Infinity;
    const end = store.queueBounds(topic, queueId)?.maxOffset ?? 0;
    // Of the revive topic the last record that is dealt with is noted, not the next one.
    return topic.startsWith(REVIVE_TOPIC_PREFIX) ? end - 1 : end;
  });
  if (corrected > 0) {
    log.warn("offsets beyond the ends of their queues are taken back", { corrected });
    await savedOrTold(() => offsets.saveWhenDirty(), log);
  }
  if (clampDelayOffsets(delayOffsets, store, clock, log) > 0) {
    await savedOrTold(() => saveDelayOffsets(store), log);
  }
}

async function savedOrTold(save: () => Promise<void>, log: Logger): Promise<void> {
  try {
    await save();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    log.error("offsets can't be saved", { error });
  }
}
