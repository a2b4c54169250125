// The store of one broker on files: opens and recovers log, queues and index, composes what appends, flushes, reads and
// dispatches, and closes it all in reverse order. Every decision is in the parts; nothing here touches bytes.
import type { Buffer } from "node:buffer";
import { DiskError } from "../core/disk/disk.ts";
import type { Logger } from "../core/log.ts";
import { runInBackground } from "../core/time/background.ts";
import type { Clock } from "../core/time/clock.ts";
import { Checkpointer } from "./checkpointer.ts";
import { Appender } from "./commit_log/appender.ts";
import { Flusher } from "./commit_log/flusher.ts";
import { HotTail } from "./commit_log/hot_tail.ts";
import { LogReader } from "./commit_log/log_reader.ts";
import { Settlement } from "./commit_log/settlement.ts";
import { Turns } from "./commit_log/turns.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { StoredQueue } from "./consume_queue/stored_queue.ts";
import { DiskUsage } from "./disk_usage.ts";
import { type BitMapOf, Dispatcher } from "./dispatch.ts";
import { EntryReads } from "./entry_reads.ts";
import type {
  FileMessageStoreConfig,
  FileMessageStoreParts,
} from "./file_message_store_options.ts";
import type {
  ArrivalListener,
  IndexLookup,
  MessageStore,
  MessageToStore,
  PutResult,
  PutStatus,
  QueueBounds,
  QueueCursor,
  RecordView,
  StoreStats,
  TimestampBoundary,
} from "./message_store.ts";
import { MessageWriter } from "./message_writer.ts";
import { openStoreFiles } from "./open_store.ts";
import { closeStoreFiles, type StoreFiles } from "./store_files.ts";
import { Retention, type RetentionControl } from "./retention/retention.ts";
import { StoreTimes } from "./store_times.ts";

export class FileMessageStore implements MessageStore, RetentionControl {
  /** For the send path: stages records in place. Everything else goes through `put`. */
  readonly appender: Appender;
  readonly queues: ConsumeQueues;
  readonly entries: EntryReads;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly reader: LogReader;
  private readonly times: StoreTimes;
  private readonly settlement: Settlement;
  private readonly flusher: Flusher;
  private readonly dispatcher: Dispatcher;
  private readonly writer: MessageWriter;
  private readonly checkpointer: Checkpointer;
  private readonly retention: Retention;
  private readonly diskUsage: DiskUsage;
  private readonly background = new AsyncDisposableStack();
  private getFound = 0;
  private getMissed = 0;
  private closing: Promise<void> | null = null;
  private isBroken = false;

  /**
   * Opens the store, recovering it as far as needed. Throws OperationError when it is in use, or its files aren't of
   * this configuration.
   */
  static async open(
    config: FileMessageStoreConfig,
    parts: FileMessageStoreParts,
  ): Promise<FileMessageStore> {
    const files = await openStoreFiles(config, parts);
    const store = new FileMessageStore(config, parts, files);
    await store.start();
    return store;
  }

  private constructor(
    private readonly config: FileMessageStoreConfig,
    private readonly parts: FileMessageStoreParts,
    private readonly files: StoreFiles,
  ) {
    const { clock, log } = parts;
    const { end, lastRecord, lastStoreTimestampMs, syncedEnd } = files.recovered;
    this.clock = clock;
    this.diskUsage = new DiskUsage(parts.disk, config.storePath, clock);
    this.log = log;
    this.queues = files.queues;
    const turns = new Turns(clock);
    const hot = new HotTail(turns);
    this.dispatcher = new Dispatcher(files.index);
    this.settlement = new Settlement(
      this.dispatcher,
      clock,
      config,
      end,
      () => this.flusher.request(),
    );
    this.settlement.noteLastRecord(lastRecord, lastStoreTimestampMs);
    this.flusher = this.makeFlusher(syncedEnd);
    this.appender = new Appender(files.log, hot, this.settlement, clock, end);
    this.appender.onWriteState = (error) => {
      if (error === null) log.info("the log can be written again");
      else log.error("the log can't be written: sends are refused meanwhile", { error });
    };
    const writtenEnd = () => this.settlement.end;
    this.reader = new LogReader(files.log, hot, turns, writtenEnd, parts.disk, clock);
    const { dispatcher, queues, reader } = this;
    this.times = new StoreTimes({ queues, reader, confirmOffset: () => this.confirmOffset });
    this.writer = new MessageWriter(this.appender, files.queues, clock, config);
    this.checkpointer = new Checkpointer({
      file: files.checkpoint,
      saved: files.saved,
      clock,
      log,
      queues: files.queues,
      queueEnds: files.queueEnds,
      index: files.index,
      indexProgress: files.indexProgress,
      flusher: this.flusher,
      settlement: this.settlement,
    });
    this.retention = this.makeRetention();
    this.entries = new EntryReads({ config, files, store: this, log, dispatcher });
  }

  private makeRetention(): Retention {
    return new Retention({
      ...this.parts,
      settings: this.config.retention,
      files: this.files.log.files,
      logPath: this.files.log.path,
      queuesPath: `${this.config.storePath}/consumequeue`,
      queues: this.files.queues,
      index: this.files.index,
      settledEnd: () => this.checkpointer.durableEnd,
      checkpoint: () => this.checkpointer.write(),
      refuse: (refusal) => this.setWriteRefusal(refusal),
    });
  }

  private makeFlusher(syncedEnd: number): Flusher {
    const { clock, log } = this.parts;
    const { quickSyncsMin, syncFlush } = this.config;
    const onLoop = {
      quickSyncsMin,
      syncNow: (from: number, to: number) => this.files.log.syncNow(from, to),
      waiting: () => this.settlement.untold,
    };
    return new Flusher({
      clock,
      log,
      writtenEnd: () => this.settlement.end,
      sync: (from, to) => this.reader.duringSync(this.files.log.sync(from, to)),
      ...(syncFlush && { onLoop }),
      onFlushed: (to) => this.settlement.flushed(to),
      onFailed: (error) => this.breakDown(error),
    }, syncedEnd);
  }

  private async start(): Promise<void> {
    const { clock, log } = this.parts;
    this.files.lock.markOpen();
    const written = this.checkpointer.write();
    // What a recovery left to be synced may be much: nobody waits for it, and the checkpoint that it used still holds.
    if (this.files.recovered.summary.isClean) await written;
    else written.catch((error) => log.error("the first checkpoint failed", { error }));
    if (!this.config.syncFlush) {
      this.background.use(runInBackground(this.flusher.task(this.config), clock, log));
    }
    this.background.use(runInBackground(this.checkpointer.task(), clock, log));
    this.background.use(this.retention).start();
    if (this.queues.trust.untriedCount > 0) {
      const settling = this.queues.trust.settling(this.config.hasTopic);
      this.background.use(runInBackground(settling, clock, log));
    }
    this.background.use(this.entries).start();
  }

  /** What is on the device is unknown: nothing more is taken, and nothing is said to be safe. */
  private breakDown(error: unknown): void {
    const cause = error instanceof DiskError ? error.code : String(error);
    const detail = `the log can't be made durable: ${cause}`;
    this.isBroken = true;
    this.retention.stop();
    this.appender.refusal = { status: "not_writeable", detail };
    this.settlement.giveUp(detail);
  }

  put(messages: readonly MessageToStore[]): Promise<PutResult[]> {
    return this.writer.put(messages);
  }

  /** For the send path: the queue's handle, made when absent. */
  queue(topic: string, queueId: number): StoredQueue {
    return this.queues.findOrCreate(topic, queueId, this.config.queueKindOf(topic));
  }

  queueBounds(topic: string, queueId: number): QueueBounds | null {
    const queue = this.queues.find(topic, queueId);
    return queue === null ? null : { minOffset: queue.minOffset, maxOffset: queue.maxOffset };
  }

  emptyMinOffset(topic: string): number {
    return this.config.queueKindOf(topic) === "batch" ? -1 : 0;
  }

  openCursor(topic: string, queueId: number, queueOffset: number): QueueCursor | null {
    return this.queues.find(topic, queueId)?.openCursor(queueOffset, this.confirmOffset) ?? null;
  }

  readHot(physicalOffset: number, size: number): RecordView | null {
    const view = this.reader.readHot(physicalOffset, size);
    if (view !== null) this.getFound++;
    return view;
  }

  async read(physicalOffset: number, size?: number): Promise<RecordView | null> {
    const view = await this.reader.read(physicalOffset, size);
    if (view === null) this.getMissed++;
    else this.getFound++;
    return view;
  }

  readRange(physicalOffset: number, length: number): Promise<RecordView | null> {
    return this.reader.readRange(physicalOffset, length, this.confirmOffset);
  }

  readInto(
    target: Buffer,
    start: number,
    length: number,
    physicalOffset: number,
  ): Promise<number> {
    return this.reader.readInto(target, start, length, physicalOffset, this.confirmOffset);
  }

  readIntoNow(target: Buffer, start: number, length: number, physicalOffset: number): number {
    return this.reader.readIntoNow(target, start, length, physicalOffset, this.confirmOffset);
  }

  offsetByTimestamp(
    topic: string,
    queueId: number,
    timestampMs: number,
    boundary: TimestampBoundary,
  ): Promise<number> {
    return this.times.offsetByTimestamp(topic, queueId, timestampMs, boundary);
  }

  storeTimestamp(topic: string, queueId: number, queueOffset: number): Promise<number> {
    return this.times.ofEntry(topic, queueId, queueOffset);
  }

  async earliestStoreTimestamp(topic?: string, queueId = 0): Promise<number> {
    if (topic !== undefined) return await this.times.earliest(topic, queueId);
    return await this.times.of(this.minPhysicalOffset, 0);
  }

  async queryIndex(
    topic: string,
    key: string,
    maxCount: number,
    beginMs: number,
    endMs: number,
  ): Promise<IndexLookup> {
    const found = await this.files.index?.query(topic, key, maxCount, beginMs, endMs);
    return {
      offsets: found?.offsets ?? [],
      indexLastUpdateTimestampMs: found?.lastUpdateTimestampMs ?? 0,
      indexLastUpdateOffset: found?.lastUpdatePhysicalOffset ?? 0,
      disprove: (offset) => found?.disprove(offset),
    };
  }

  /** Which filters each record passes, noted in its extended queue unit. */
  setBitMaps(bitMapOf: BitMapOf): void {
    this.dispatcher.bitMapOf = bitMapOf;
  }

  onArrival(listener: ArrivalListener): void {
    this.dispatcher.onArrival(listener);
  }

  /** Resolves when a crash would not bring the queues back: the checkpoint no longer counts them. */
  async deleteTopic(topic: string): Promise<void> {
    await this.queues.deleteTopic(topic);
    await this.checkpointer.write();
  }

  deleteExpiredFiles(): void {
    this.retention.deleteExpiredFiles();
  }

  deleteExpiredQueueFiles(): Promise<void> {
    return this.retention.deleteExpiredQueueFiles();
  }

  queueTopics(): { topic: string; queueId: number }[] {
    const found: { topic: string; queueId: number }[] = [];
    for (const { topic, queueId } of this.queues.all()) found.push({ topic, queueId });
    return found;
  }

  get minPhysicalOffset(): number {
    return this.files.log.minOffset;
  }

  get maxPhysicalOffset(): number {
    return this.settlement.end;
  }

  get confirmOffset(): number {
    return this.settlement.confirmOffset;
  }

  get flushedOffset(): number {
    return this.flusher.flushedEnd;
  }

  /** Resolves when all that is written by now is on the device; false when it can't be. */
  flush(): Promise<boolean> {
    return this.flusher.flush();
  }

  get writeRefusal(): { status: PutStatus; detail: string } | null {
    return this.appender.refusal;
  }

  /** Takes writes or refuses them, for a cause from outside (a full disk's watermark, a change of role). */
  setWriteRefusal(refusal: { status: PutStatus; detail: string } | null): void {
    if (this.isBroken || this.closing !== null) return;
    this.appender.refusal = refusal;
  }

  stats(): StoreStats {
    const { meter } = this.appender;
    return {
      putTotal: meter.records,
      putBytesTotal: meter.bytes,
      putFailedTotal: meter.failed,
      putLatencyMsMaxRecent: meter.takeLatencyMsMax(),
      getFoundTotal: this.getFound,
      getMissTotal: this.getMissed,
      getTransferredTotal: this.getFound,
      dispatchBehindBytes: this.settlement.end - this.settlement.dispatchedEnd,
      diskUsedRatio: this.diskUsage.usedRatio,
      recovery: this.files.recovered.summary,
    };
  }

  /** Writes and syncs everything; the next start finds a clean stop. A second call waits for the first. */
  [Symbol.asyncDispose](): Promise<void> {
    this.closing ??= this.close();
    return this.closing;
  }

  private async close(): Promise<void> {
    this.appender.commit();
    if (!this.isBroken) {
      this.appender.refusal = { status: "shutting_down", detail: "the store is being closed" };
    }
    await this.background.disposeAsync();
    // What a crash left behind queues that nobody looked at yet is another start's business, and so it must be told.
    const { isClean: wasClean } = this.files.recovered.summary;
    let isClean = wasClean || this.queues.trust.untriedCount === 0;
    isClean = await this.flusher.flush() && isClean;
    isClean = await this.checkpointer.write() && isClean;
    this.settlement.close();
    isClean = await closeStoreFiles(this.files, this.log) && isClean;
    this.files.lock.release(isClean && !this.isBroken);
    if (!isClean) this.log.error("the store was not closed cleanly: the next start recovers it");
  }
}
