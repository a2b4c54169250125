// From queue entries to records for those who can't do without the right one: an entry that names another record, or none,
// is mended from the log first. Who walks a queue sees its cursor stop before an entry that is being mended.
import type { Logger } from "../core/log.ts";
import { isNumbered, isRecordAt } from "../core/message/record_check.ts";
import { isLmq } from "../core/message/topic_names.ts";
import type { CommitLog } from "./commit_log/commit_log.ts";
import { RecordFacts } from "./commit_log/record_facts.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import { EntryMender } from "./consume_queue/entry_mender.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { FileMessageStoreConfig } from "./file_message_store_options.ts";
import { LightEntryReader } from "./light_queues.ts";
import type {
  EntryReader,
  EntryVerdict,
  MessageStore,
  QueueCursor,
  QueueEntry,
  RecordView,
} from "./message_store.ts";

export interface EntryReadsParts {
  config: Pick<FileMessageStoreConfig, "delayLevels" | "lightQueues">;
  files: { log: Pick<CommitLog, "files">; queues: ConsumeQueues };
  store: Pick<MessageStore, "confirmOffset" | "openCursor" | "read" | "readHot">;
  log: Logger;
  /** Wakes a queue's readers when they may go on. */
  dispatcher: Pick<Dispatcher, "announce">;
}

export class EntryReads implements EntryReader, AsyncDisposable {
  private readonly mender: EntryMender;

  constructor(private readonly parts: EntryReadsParts) {
    const { config: { delayLevels, lightQueues }, dispatcher, files, log, store } = parts;
    this.mender = new EntryMender({
      files: files.log.files,
      read: (physicalOffset, size) => store.read(physicalOffset, size),
      confirmOffset: () => store.confirmOffset,
      facts: new RecordFacts(delayLevels, lightQueues ? new LightEntryReader() : null),
      log,
      onDone: (...entry) => dispatcher.announce(...entry),
    });
  }

  /** From now on cursors look at what they pass. */
  start(): void {
    this.parts.files.queues.mendWith(this.mender);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.mender[Symbol.asyncDispose]();
  }

  async judge(topic: string, queueId: number, entry: QueueEntry): Promise<EntryVerdict> {
    const { log, queues } = this.parts.files;
    const queue = queues.findMendable(topic, queueId);
    const hasLeftLog = entry.size > 0 && entry.physicalOffset < log.files.startOffset;
    if (queue === null || hasLeftLog) return "kept";
    if (await this.mender.judge(queue, entry.queueOffset) === "gone") return "gone";
    // Whoever it was mended for: a reader of the entry beside it may have come first.
    return this.mended(topic, queueId, entry) === null ? "kept" : "mended";
  }

  mends(topic: string, queueId: number): Promise<unknown> | null {
    const queue = this.parts.files.queues.findMendable(topic, queueId);
    return queue === null ? null : this.mender.ofQueue(queue);
  }

  async next(topic: string, queueId: number, cursor: QueueCursor): Promise<boolean> {
    while (!cursor.next()) {
      const mends = this.mends(topic, queueId);
      if (mends === null) return false;
      await mends;
    }
    return true;
  }

  async read(topic: string, queueId: number, entry: QueueEntry): Promise<RecordView | null> {
    const { store } = this.parts;
    const { physicalOffset, size } = entry;
    const view = store.readHot(physicalOffset, size) ?? await store.read(physicalOffset, size);
    if (view !== null && isRecordOf(view, topic, queueId, entry)) return view;
    const verdict = await this.judge(topic, queueId, entry);
    if (verdict === "gone") return null;
    const right = this.mended(topic, queueId, entry) ?? entry;
    return await store.read(right.physicalOffset, right.size);
  }

  /** What an entry says now; null when that is what it said before. */
  private mended(topic: string, queueId: number, entry: QueueEntry): QueueCursor | null {
    const { physicalOffset, queueOffset, size } = entry;
    const cursor = this.parts.store.openCursor(topic, queueId, queueOffset);
    if (cursor === null || !cursor.next() || cursor.queueOffset !== queueOffset) return null;
    const isSame = cursor.physicalOffset === physicalOffset && cursor.size === size;
    return isSame ? null : cursor;
  }
}

/** Whether a view is the record that an entry means. A light queue's entries name records of other queues. */
export function isRecordOf(
  { buffer, size, start }: RecordView,
  topic: string,
  queueId: number,
  entry: QueueEntry,
): boolean {
  return size === entry.size && isRecordAt(buffer, start, size, entry.physicalOffset) &&
    (isNumbered(buffer, start, queueId, entry.queueOffset) || isLmq(topic));
}
