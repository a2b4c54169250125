// Topics and groups whose files are lost or damaged are made again from what else the store says, those too that came after
// the backup which stands in: queues tell the topics, offsets the groups. What was damaged is kept aside. Of their
// permissions and attributes nothing is known any more: they get the defaults, and the log says so. Tables of which a store
// tells nothing begin empty where no message is lost or skipped for want of them; offsets never do.
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
import type { TopicTable } from "./topics/topic_table.ts";

export interface LosableFile extends TableFile {
  /** Whether entries may be missing: there was nothing to load, as in a new store, or only a backup. */
  readonly isIncomplete: boolean;
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
  let isIncomplete = false;
  let isDamaged = false;
  const keptAside = new KeptAside(disk, storePath);
  const keepAside = (...paths: string[]) =>
    paths.filter((each) => disk.statSync(each) !== null)
      .map((each) => keptAside.move(each, each.slice(storePath.length + 1))).join(", ");
  return {
    get isIncomplete() {
      return isIncomplete;
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
        const keptAs = keepAside(path, `${path}.bak`);
        isDamaged = true;
        const then = lost === undefined ? "it is made again" : "it begins empty";
        log.error(`a table is damaged, and its backup can't replace it: ${then}`, {
          path,
          keptAs,
          lost,
        });
      }
      if (file.isBackupUsed) keepAside(path);
      // A table that doesn't change isn't saved again by itself.
      if (text !== null && file.isAbsent) {
        file.saveInBackground(text).catch((error: unknown) =>
          log.warn("a table can't be put in place of its backup yet", { path, error })
        );
      }
      isIncomplete = text === null || file.isBackupUsed;
      return text;
    },
    saveInBackground: (text) => file.saveInBackground(text),
  };
}

/** Topics get as many queues as hold messages, and of those that exist as many can be read. */
export function restoreTopics(
  topics: TopicTable,
  store: Pick<MessageStore, "queueTopics">,
  log: Logger,
): void {
  const counts = new Map<string, number>();
  for (const { topic, queueId } of store.queueTopics()) {
    if (!isLmq(topic)) counts.set(topic, Math.max(counts.get(topic) ?? 0, queueId + 1));
  }
  const restored = topics.restore(counts);
  if (restored === 0) return;
  log.error("topics that topics.json lacks are made again from their queues, all else is default", {
    topics: restored,
  });
}

/** Groups that have offsets exist again. */
export function restoreGroups(groups: GroupTable, offsets: OffsetTable, log: Logger): void {
  const restored = groups.restore(offsets.groups());
  if (restored === 0) return;
  log.error(
    "groups that subscriptionGroup.json lacks are made again for their offsets, by default",
    { groups: restored },
  );
}
