// Topics and groups whose files are lost, or damaged with their backups, are made again from what else the store says:
// queues tell the topics, offsets the groups. What was damaged is kept aside. Of permissions and attributes nothing is
// known any more: they get the defaults, and the log says so. Tables of which a store tells nothing begin empty where no
// message is lost or skipped for want of them; offsets never do.
import type { Disk } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { isLmq } from "../../core/message/topic_names.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { MetadataFile } from "../../store/file/metadata_file.ts";
import { keepFolderAside } from "../../store/file/folder_in_place.ts";
import { KeptAside } from "../../store/kept_aside.ts";
import type { GroupTable } from "./groups/group_table.ts";
import type { OffsetTable } from "./offsets/offset_table.ts";
import type { TableFile } from "./table_file.ts";
import { newTopicConfig } from "./topics/topic_config.ts";
import type { TopicTable } from "./topics/topic_table.ts";

export interface LosableFile extends TableFile {
  /** Whether there was nothing to load: a new store, or a lost file. */
  readonly isLost: boolean;
  /** Whether there was something, which is kept aside now. */
  readonly isDamaged: boolean;
}

export interface LosableParts {
  disk: Disk;
  log: Logger;
  path: string;
  storePath: string;
  /** What is lost with a table that begins empty then; without it the table is made again. */
  lost?: string;
}

/** A file that a start can do without: damaged beyond its backup, it goes aside and counts as lost. Loading throws DiskError. */
export function losable(
  file: MetadataFile,
  { disk, log, lost, path, storePath }: LosableParts,
): LosableFile {
  let isLost = false;
  let isDamaged = false;
  return {
    get isLost() {
      return isLost;
    },
    get isDamaged() {
      return isDamaged;
    },
    load() {
      let text: string | null = null;
      for (const each of [path, `${path}.bak`]) keepFolderAside({ disk, log, storePath }, each);
      try {
        text = file.load();
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        const keptAside = new KeptAside(disk, storePath);
        const kept = [path, `${path}.bak`].filter((each) => disk.statSync(each) !== null)
          .map((each) => keptAside.move(each, each.slice(storePath.length + 1)));
        isDamaged = true;
        const then = lost === undefined ? "it is made again" : "it begins empty";
        log.error(`a table is damaged, and its backup can't replace it: ${then}`, {
          path,
          keptAs: kept.join(", "),
          lost,
        });
      }
      isLost = text === null;
      return text;
    },
    saveInBackground: (text) => file.saveInBackground(text),
  };
}

/** Topics get as many queues as hold messages. */
export function restoreTopics(
  topics: TopicTable,
  store: Pick<MessageStore, "queueTopics">,
  log: Logger,
): void {
  const counts = new Map<string, number>();
  for (const { topic, queueId } of store.queueTopics()) {
    if (isLmq(topic) || topics.has(topic)) continue;
    counts.set(topic, Math.max(counts.get(topic) ?? 0, queueId + 1));
  }
  if (counts.size === 0) return;
  for (const [topic, count] of counts) {
    topics.createIfAbsent(newTopicConfig(topic, { readQueueNums: count, writeQueueNums: count }));
  }
  log.error("topics.json was lost: topics are made again from their queues, all else is default", {
    topics: counts.size,
  });
}

/** Groups that have offsets exist again. */
export function restoreGroups(groups: GroupTable, offsets: OffsetTable, log: Logger): void {
  const restored = groups.restore(offsets.groups());
  if (restored === 0) return;
  log.error(
    "subscriptionGroup.json was lost: groups that have offsets are made again, by default",
    {
      groups: restored,
    },
  );
}
