// All consume queues of a store: look-up by topic and id, loading, background writing, retention, deletion.
// Queues are derived data: everything here can be rebuilt from the commit log.
import { dirname } from "node:path";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import { assert, OperationError, UsageError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { KeptAside } from "../kept_aside.ts";
import { BatchConsumeQueue } from "./batch_consume_queue.ts";
import { ConsumeQueue } from "./consume_queue.ts";
import { ConsumeQueueExt } from "./consume_queue_ext.ts";
import { DescriptorCache } from "./descriptor_cache.ts";
import { DESCRIPTORS_MAX, QUEUE_ENDS_MIN, READ_BLOCKS, RETENTION_SLICE_MS } from "./limits.ts";
import { LoadProgress } from "./load_progress.ts";
import type { EntryMender } from "./entry_mender.ts";
import type { MendableUnits } from "./mendable_units.ts";
import { findQueues } from "./load_queues.ts";
import { NO_FILES, type QueueContext, type QueueExtent } from "./queue_context.ts";
import type { QueueEnds } from "./queue_ends.ts";
import { NOT_CORRECTED, QueueTrust, type TakenEnds } from "./queue_trust.ts";
import { QueueWriter } from "./queue_writer.ts";
import { ReadBlock } from "./read_block.ts";
import type { LogProbe, QueueKind, StoredQueue } from "./stored_queue.ts";
import { TailPool } from "./tail_pool.ts";
import { BATCH_UNIT_BYTES, queueDirectory, roundUpToUnits } from "./unit.ts";
import type { UnitQueue } from "./unit_queue.ts";

export interface ConsumeQueuesOptions {
  disk: Disk;
  clock: Clock;
  log: Logger;
  /** The store's root; consumequeue/, batchconsumequeue/ and consumequeue_ext/ stand in it. */
  storePath: string;
  /** mappedFileSizeConsumeQueue as configured, in bytes; rounded up to whole units as Apache does. */
  fileBytes: number;
  /** mapperFileSizeBatchConsumeQueue as configured, in bytes; must be whole 46-byte units. */
  batchFileBytes: number;
  /** mappedFileSizeConsumeQueueExt, in bytes. */
  extFileBytes: number;
  /** enableConsumeQueueExt: entries point to extended units. */
  writesExt?: boolean;
  /** Where damaged files go, so that they are made again; without it they are refused. */
  keptAside?: KeptAside;
  /** Where the log will probably be replayed from: a recovery from there opens few files again. */
  replayFrom?: number;
  /** Where the queues ended at a checkpoint that holds: they are taken so, without a look at their files. */
  ends?: QueueEnds | null;
  /** From so many queues on `endsOf` gives their ends. */
  endsMin?: number;
  /** What `endsOf` gave is not true any more: files go. Throws DiskError. */
  onEndsUntrue?: () => void;
  /** Queue files held open at a time. */
  descriptorsMax?: number;
  /** Bytes of entries that a replay keeps in memory. */
  heldBytesMax?: number;
}

const KIND_FOLDERS: Record<QueueKind, string> = {
  simple: "consumequeue",
  batch: "batchconsumequeue",
};

export class ConsumeQueues implements AsyncDisposable {
  private readonly topics = new Map<string, Map<number, MendableUnits>>();
  private readonly fileBytes: number;
  private readonly context: QueueContext;
  /** Queues whose damaged files were set aside when they were loaded. */
  setAside = 0;
  readonly trust: QueueTrust;
  /** Deletions under way; closing waits for them. */
  private readonly deleting = new Set<Promise<void>>();

  private constructor(private readonly options: Omit<ConsumeQueuesOptions, "ends">) {
    const { disk, clock, log, storePath, extFileBytes, writesExt = false } = options;
    this.fileBytes = roundUpToUnits(options.fileBytes);
    const descriptors = new DescriptorCache(disk, log, options.descriptorsMax ?? DESCRIPTORS_MAX);
    const writer = new QueueWriter(disk, clock, log, storePath, options.heldBytesMax);
    const { endsMin = QUEUE_ENDS_MIN, onEndsUntrue } = options;
    this.trust = new QueueTrust({
      log,
      fileBytes: this.fileBytes,
      endsMin: writesExt ? Infinity : endsMin,
      ...(onEndsUntrue && { onUntrue: onEndsUntrue }),
    });
    this.context = {
      disk,
      log,
      descriptors,
      tails: new TailPool(),
      blocks: Array.from({ length: READ_BLOCKS }, () => new ReadBlock()),
      writer,
      ext: new ConsumeQueueExt({ disk, descriptors, writer, log }, {
        root: `${storePath}/consumequeue_ext`,
        fileBytes: extFileBytes,
        isWritten: writesExt,
      }),
      minPhysicalOffset: 0,
      replayFrom: options.replayFrom ?? -1,
      mender: null,
    };
  }

  /**
   * Loads every queue found on disk, without the log's help: see `recover`. Throws OperationError when the files on disk
   * aren't those of this configuration.
   */
  static open(options: ConsumeQueuesOptions): Promise<ConsumeQueues> {
    if (options.batchFileBytes % BATCH_UNIT_BYTES !== 0) {
      throw new UsageError(
        `mapperFileSizeBatchConsumeQueue ${options.batchFileBytes} is not a multiple of ${BATCH_UNIT_BYTES}`,
      );
    }
    // What is told of tens of thousands of queues isn't kept.
    const { ends = null, ...rest } = options;
    const queues = new ConsumeQueues(rest);
    queues.loadAll(ends);
    return Promise.resolve(queues);
  }

  private loadAll(ends: QueueEnds | null): void {
    const progress = new LoadProgress(this.options.clock, this.options.log);
    this.load("simple", progress, ends?.fileBytes === this.fileBytes ? ends : null);
    this.load("batch", progress, null);
    progress.over();
  }

  private load(kind: QueueKind, progress: LoadProgress, ends: QueueEnds | null): void {
    const { disk, log } = this.options;
    const fileBytes = this.fileBytesOf(kind);
    const { damaged, found, told } = findQueues(
      disk,
      log,
      this.rootOf(kind),
      fileBytes,
      () => progress.foundOne(),
      ends === null ? undefined : (topic, queueId) => ends.topics.get(topic)?.get(queueId),
    );
    if (ends !== null && told < ends.count) {
      log.warn("queues of the last checkpoint are gone: all are looked at", { told: ends.count });
      this.load(kind, progress, null);
      return;
    }
    if (told > 0) log.info("took the consume queues as the checkpoint has them", { queues: told });
    for (const { topic, queueId, directory, extent } of found) {
      const queue = this.add(kind, topic, queueId, directory, extent);
      if (extent.end !== undefined) this.trust.add(queue);
      else if (queue.files.exist) this.trust.lookedAt(queue, found.length);
      progress.loadedOne();
    }
    for (const { directory, problem } of damaged) this.keepAside(directory, problem);
  }

  /** Before anything is appended: looks at every queue after all. */
  loadAnew(): void {
    this.topics.clear();
    this.trust.clear();
    this.setAside = 0;
    this.loadAll(null);
  }

  /** Where all queues end now; see `QueueTrust`. */
  endsOf(replayFrom: number, queueOffsets: number): TakenEnds | null {
    return this.trust.endsOf({ replayFrom, queueOffsets }, this.topics);
  }

  private keepAside(directory: string, problem: string): void {
    const { keptAside, log, storePath } = this.options;
    if (keptAside === undefined) throw new OperationError(problem);
    const keptAs = keptAside.moveFolder(directory, directory.slice(storePath.length + 1));
    this.setAside++;
    log.warn("a queue's files are damaged: it is made again from the log", { problem, keptAs });
  }

  /** Sets a queue's files aside while the store is opened: the queue is made again from its first entry on. */
  startAnew(topic: string, queueId: number, problem: string): void {
    const queue = this.topics.get(topic)?.get(queueId);
    if (queue === undefined) return;
    this.topics.get(topic)!.delete(queueId);
    queue.files.close();
    this.keepAside(queue.files.directory, problem);
    this.context.writer.directoryChanged(queue.files.directory);
    // Nothing is left to be freed, and what it has in memory isn't written any more.
    queue.files.restartAt(0);
    void queue.delete();
  }

  /**
   * After a crash: files that were found may have been named by a process that was killed before their folders were synced,
   * and what comes first is a replay of many records.
   */
  beginReplay(): void {
    this.context.writer.hold();
    for (const { files } of this.each()) this.context.writer.directoryChanged(files.directory);
  }

  /** One past the last byte of the log that any entry covers; 0 when there is none. */
  get coveredPhysicalOffset(): number {
    let covered = 0;
    for (const queue of this.each()) covered = Math.max(covered, queue.coveredPhysicalOffset);
    return covered;
  }

  /** The maximum offsets of all queues, added up. */
  get offsetTotal(): number {
    let total = 0;
    for (const queue of this.each()) total += queue.maxOffset;
    return total;
  }

  /**
   * Once the log's own recovery is over and before anything is appended: cuts stale entries off every queue's end and
   * corrects the minimum offsets. Drops the entries of records from `replayFrom` on: they are to be appended again, and
   * then `truncate` ends it.
   */
  recover(probe: LogProbe, replayFrom = Infinity): void {
    this.context.minPhysicalOffset = probe.minPhysicalOffset;
    this.trust.corrected(probe.minPhysicalOffset);
    // Queue by queue: there may be more than can be open at a time. Those that were loaded last are still open.
    for (const queue of [...this.each()].reverse()) queue.recover(probe, replayFrom);
  }

  /** From now on damaged entries are mended; before, there is no log that could tell. */
  mendWith(mender: EntryMender): void {
    this.context.mender = mender;
  }

  find(topic: string, queueId: number): StoredQueue | null {
    return this.findMendable(topic, queueId);
  }

  findMendable(topic: string, queueId: number): MendableUnits | null {
    return this.topics.get(topic)?.get(queueId) ?? null;
  }

  /** The queue's handle, made when absent (no file before the first entry). */
  findOrCreate(topic: string, queueId: number, kind: QueueKind): StoredQueue {
    const found = this.topics.get(topic)?.get(queueId);
    if (found !== undefined) return found;
    return this.add(
      kind,
      topic,
      queueId,
      queueDirectory(this.rootOf(kind), topic, queueId),
      NO_FILES,
    );
  }

  /** Every queue, in no order. */
  all(): IterableIterator<StoredQueue & { readonly firstByte: number }> {
    return this.each();
  }

  /** Queues of one topic. */
  ofTopic(topic: string): StoredQueue[] {
    return [...this.topics.get(topic)?.values() ?? []];
  }

  /** Drops the entries of records that end past a physical offset, where the log was cut; ends a replay. */
  truncate(physicalOffset: number): void {
    for (const queue of this.each()) queue.truncate(physicalOffset);
    this.context.writer.release();
  }

  /**
   * After the log's first files were deleted: corrects minimum offsets and deletes files that only point there. Rests for
   * `pauseMs` after each queue that lost files; ends early when the signal is aborted.
   */
  async deleteExpired(
    minPhysicalOffset: number,
    pauseMs?: number,
    signal?: AbortSignal,
  ): Promise<void> {
    this.context.minPhysicalOffset = Math.max(this.context.minPhysicalOffset, minPhysicalOffset);
    this.trust.filesGo();
    this.trust.corrected(NOT_CORRECTED);
    const { clock } = this.options;
    let sliceStartMs = clock.monotonicMs();
    for (const queue of [...this.each()]) {
      if (signal?.aborted) return;
      if (queue.isDeleted) continue;
      const { firstByte } = queue;
      await queue.deleteExpired();
      const isSliceOver = clock.monotonicMs() - sliceStartMs >= RETENTION_SLICE_MS;
      const restMs = Math.max(queue.firstByte > firstByte ? pauseMs ?? 0 : 0, isSliceOver ? 1 : 0);
      if (restMs === 0 || signal?.aborted) continue;
      await clock.sleep(restMs, signal).catch(() => {});
      sliceStartMs = clock.monotonicMs();
    }
    this.trust.corrected(this.context.minPhysicalOffset);
  }

  /** Forgets a topic's queues at once and frees their files in the background. */
  deleteTopic(topic: string): Promise<void> {
    this.trust.filesGo();
    const queues = [...this.topics.get(topic)?.values() ?? []];
    this.topics.delete(topic);
    const files = queues.map((queue) => queue.delete());
    const deleting = this.freeTopic(topic, queues, files)
      .finally(() => this.deleting.delete(deleting));
    this.deleting.add(deleting);
    return deleting;
  }

  private async freeTopic(topic: string, queues: UnitQueue[], files: Promise<void>[]) {
    await Promise.all(files);
    const { disk } = this.options;
    const folders = queues.flatMap(({ files: { directory } }) => [directory, dirname(directory)]);
    // Otherwise a power cut could bring old entries back to a topic that was made again.
    for (const path of new Set(folders)) {
      if (disk.statSync(path) !== null) await disk.syncDirectory(path);
    }
    for (const queue of queues) {
      const { directory } = queue.files;
      await this.context.ext.deleteQueue(topic, queue.queueId);
      // A topic of the same name may have been made meanwhile; then the folder is in use.
      if (this.find(topic, queue.queueId) === null) this.removeDirectory(directory);
    }
    if (this.topics.has(topic)) return;
    for (const folder of ["consumequeue", "batchconsumequeue", "consumequeue_ext"]) {
      this.removeDirectory(`${this.options.storePath}/${folder}/${topic}`);
    }
  }

  private removeDirectory(path: string): void {
    try {
      if (this.options.disk.statSync(path) !== null) this.options.disk.removeDirectorySync(path);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.options.log.warn("a deleted queue's folder stays", { path, error });
    }
  }

  /** Writes all unwritten tails, then makes everything written durable (before a checkpoint says so). */
  sync(): Promise<void> {
    return this.context.writer.sync();
  }

  /** Writes and syncs everything, closes descriptors. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.context.writer.stop();
    await Promise.all(this.deleting);
    try {
      await this.context.writer.sync();
    } finally {
      await this.context.descriptors.closeAll();
    }
  }

  private *each(): Generator<UnitQueue> {
    for (const queues of this.topics.values()) yield* queues.values();
  }

  private add(
    kind: QueueKind,
    topic: string,
    queueId: number,
    directory: string,
    extent: QueueExtent,
  ): UnitQueue {
    const make = kind === "simple" ? ConsumeQueue : BatchConsumeQueue;
    const fileBytes = this.fileBytesOf(kind);
    const queue = new make(this.context, topic, queueId, directory, fileBytes, extent);
    const queues = this.topics.get(topic) ?? new Map<number, MendableUnits>();
    assert(!queues.has(queueId), "a queue exists once");
    queues.set(queueId, queue);
    this.topics.set(topic, queues);
    return queue;
  }

  private rootOf(kind: QueueKind): string {
    return `${this.options.storePath}/${KIND_FOLDERS[kind]}`;
  }

  private fileBytesOf(kind: QueueKind): number {
    return kind === "simple" ? this.fileBytes : this.options.batchFileBytes;
  }
}
