// Compares the consume queues with the log: both are in the order of the log, so each queue is walked once beside it.
// Holds a small block a queue. Read-only.
import { readI32, readI64, readU16 } from "../../core/bytes/big_endian.ts";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import { SCHEDULE_TOPIC } from "../../core/message/topic_names.ts";
import { isExtAddress } from "../consume_queue/consume_queue_ext.ts";
import type { QueueKind } from "../consume_queue/stored_queue.ts";
import {
  BASE_OFFSET_AT,
  BATCH_COUNT_AT,
  BATCH_UNIT_BYTES,
  BLANK_SIZE,
  queueFileBase,
  SIZE_AT,
  TAGS_CODE_AT,
  UNIT_BYTES,
} from "../consume_queue/unit.ts";
import type { FaultKind, Findings } from "./fault.ts";
import { SequenceReader, type UnitFile } from "./sequence_reader.ts";
import { queueFolders, type StoreShape } from "./store_shape.ts";

export interface QueueCheckOptions {
  disk: Disk;
  shape: StoreShape;
  findings: Findings;
  /** Where the log begins: entries that point before it are left over from retention. */
  logStart: number;
  /** Whether the next start will enter a record anyway: the store wasn't closed cleanly. */
  isPending: (physicalOffset: number, storeTimestampMs: number) => boolean;
  hasTopic: (topic: string) => boolean;
  /** Due times of the delay topic can be told (the levels are known). */
  knowsDelays: boolean;
}

/** What of a record its queue entry must say. */
export interface ExpectedEntry {
  topic: string;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  size: number;
  tagsCode: number;
  storeTimestampMs: number;
  batchCount: number;
  /** It looks damaged: what its queue has of it isn't judged. */
  isSuspect: boolean;
}

/** Adjacent entries with the same fault. */
interface Run {
  kind: FaultKind;
  from: number;
  to: number;
  offset: number;
  detail: string;
}

interface WalkedQueue {
  topic: string;
  queueId: number;
  kind: QueueKind;
  directory: string;
  reader: SequenceReader | null;
  /** Its files were reported already: nothing more is said of it. */
  isReported: boolean;
  hasMatched: boolean;
  run: Run | null;
}

const KINDS: readonly [QueueKind, string][] = [
  ["simple", "consumequeue"],
  ["batch", "batchconsumequeue"],
];

export class QueueCheck {
  private readonly queues = new Map<string, WalkedQueue>();
  private pending = 0;
  private ofDeletedTopics = 0;
  private ofEarlierLives = 0;

  constructor(private readonly options: QueueCheckOptions) {
    for (const [kind, folder] of KINDS) this.load(kind, folder);
  }

  get count(): number {
    return this.queues.size;
  }

  private load(kind: QueueKind, folder: string): void {
    const { disk, shape } = this.options;
    const root = `${shape.storePath}/${folder}`;
    for (const directory of queueFolders(disk, root)) {
      const [topic, id] = directory.slice(root.length + 1).split("/") as [string, string];
      this.add(kind, topic, Number(id), directory, this.filesOf(kind, directory));
    }
  }

  private fileBytesOf(kind: QueueKind): number {
    const { batchConsumeQueueFileBytes, consumeQueueFileBytes } = this.options.shape;
    return kind === "simple" ? consumeQueueFileBytes : batchConsumeQueueFileBytes;
  }

  /** The files in order, or what is wrong with them. */
  private filesOf(kind: QueueKind, directory: string): UnitFile[] | string {
    const { disk } = this.options;
    const fileBytes = this.fileBytesOf(kind);
    const files: UnitFile[] = [];
    for (const name of disk.listSync(directory)) {
      const path = `${directory}/${name}`;
      const base = queueFileBase(name);
      const { isDirectory, sizeBytes = 0 } = disk.statSync(path) ?? {};
      if (base >= 0 && isDirectory) return `${name} is a folder`;
      // A file that got no length before the power went; the next start deletes it.
      if (base < 0 || sizeBytes === 0) continue;
      if (sizeBytes !== fileBytes) return `${name} has ${sizeBytes} bytes, others ${fileBytes}`;
      const before = files.at(-1);
      if (base % fileBytes !== 0 || (before !== undefined && base !== before.base + fileBytes)) {
        return `${name} doesn't follow the file before it`;
      }
      files.push({ path, base });
    }
    return files;
  }

  private add(
    kind: QueueKind,
    topic: string,
    queueId: number,
    directory: string,
    files: UnitFile[] | string,
  ): WalkedQueue {
    const unitBytes = kind === "simple" ? UNIT_BYTES : BATCH_UNIT_BYTES;
    const isUsable = typeof files !== "string" && files.length > 0;
    const reader = isUsable
      ? new SequenceReader(this.options.disk, files, this.fileBytesOf(kind), unitBytes)
      : null;
    const queue: WalkedQueue = {
      topic,
      queueId,
      kind,
      directory,
      reader,
      isReported: false,
      hasMatched: false,
      run: null,
    };
    this.queues.set(`${topic}/${queueId}`, queue);
    if (typeof files === "string") this.giveUp(queue, files);
    return queue;
  }

  /** Files that can't be walked at all. */
  private giveUp(queue: WalkedQueue, detail: string): void {
    this.report(queue, "queue_file", detail, -1);
    queue.isReported = true;
    queue.reader = null;
  }

  /** Each record that consumers may see, in the order of the log. */
  record(expected: ExpectedEntry): void {
    const { hasTopic, shape } = this.options;
    const { queueId, topic } = expected;
    let queue = this.queues.get(`${topic}/${queueId}`);
    if (queue === undefined) {
      if (expected.isSuspect) return;
      if (!hasTopic(topic)) {
        this.ofDeletedTopics++;
        return;
      }
      const kind: QueueKind = expected.batchCount > 1 ? "batch" : "simple";
      const folder = KINDS.find(([each]) => each === kind)![1];
      queue = this.add(
        kind,
        topic,
        queueId,
        `${shape.storePath}/${folder}/${topic}/${queueId}`,
        [],
      );
    }
    if (queue.isReported) return;
    try {
      this.compare(queue, expected);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.giveUp(queue, `can't be read: ${error.code}`);
    }
  }

  private compare(queue: WalkedQueue, expected: ExpectedEntry): void {
    const { physicalOffset, queueOffset } = expected;
    const found = this.passUntil(queue, physicalOffset);
    if (found === physicalOffset) {
      const problem = this.problemOf(queue, expected);
      if (problem === null || expected.isSuspect) this.endRun(queue);
      else this.extendRun(queue, "queue_wrong", queueOffset, physicalOffset, problem);
      queue.hasMatched = true;
      queue.reader!.advance();
      return;
    }
    if (expected.isSuspect) return;
    if (this.options.isPending(physicalOffset, expected.storeTimestampMs)) this.pending++;
    // The queue begins at its first number behind this record: it was deleted and made again.
    else if (found > 0 && !queue.hasMatched && queue.reader!.position === 0) this.ofEarlierLives++;
    else {
      this.extendRun(
        queue,
        "queue_missing",
        queueOffset,
        physicalOffset,
        "the log has records that the queue lacks",
      );
    }
  }

  /** The physical offset of the first entry that isn't before `physicalOffset`; −1 at the queue's end. */
  private passUntil(queue: WalkedQueue, physicalOffset: number): number {
    const { reader } = queue;
    if (reader === null) return -1;
    for (; reader.load(); reader.advance()) {
      const size = readI32(reader.bytes, reader.at + SIZE_AT);
      if (size === BLANK_SIZE) continue;
      if (size <= 0) return -1;
      const found = readI64(reader.bytes, reader.at);
      if (found >= physicalOffset) return found;
      if (found < this.options.logStart) continue;
      const offset = this.offsetAt(queue, reader);
      this.extendRun(queue, "queue_wrong", offset, found, "names no record of this queue");
    }
    return -1;
  }

  private offsetAt({ kind }: WalkedQueue, { at, bytes, position }: SequenceReader): number {
    return kind === "simple" ? position / UNIT_BYTES : readI64(bytes, at + BASE_OFFSET_AT);
  }

  private problemOf(queue: WalkedQueue, expected: ExpectedEntry): string | null {
    const reader = queue.reader!;
    const { at, bytes } = reader;
    const size = readI32(bytes, at + SIZE_AT);
    if (size !== expected.size) return `the size is ${size}, the record's ${expected.size}`;
    const offset = this.offsetAt(queue, reader);
    if (offset !== expected.queueOffset) {
      return `the record says that it is number ${expected.queueOffset}`;
    }
    if (queue.kind === "batch") {
      const count = readU16(bytes, at + BATCH_COUNT_AT);
      return count === expected.batchCount ? null : `counts ${count} of ${expected.batchCount}`;
    }
    const isUnknown = isExtAddress(bytes, at + TAGS_CODE_AT) ||
      (expected.topic === SCHEDULE_TOPIC && !this.options.knowsDelays);
    const tagsCode = readI64(bytes, at + TAGS_CODE_AT);
    if (isUnknown || tagsCode === expected.tagsCode) return null;
    return `the tags code is ${tagsCode}, the record's ${expected.tagsCode}`;
  }

  /** After the last record: what is left in the queues names none. */
  finish(logEnd: number): void {
    for (const queue of this.queues.values()) {
      if (!queue.isReported) this.finishQueue(queue, logEnd);
      this.endRun(queue);
    }
    const { findings } = this.options;
    if (this.pending > 0) {
      findings.note(`${this.pending} queue entries will be made by the next start's recovery`);
    }
    if (this.ofDeletedTopics > 0) {
      findings.note(`${this.ofDeletedTopics} records are of topics that no longer exist`);
    }
    if (this.ofEarlierLives > 0) {
      findings.note(
        `${this.ofEarlierLives} records are of topics that were deleted and made again`,
      );
    }
  }

  private finishQueue(queue: WalkedQueue, logEnd: number): void {
    const { reader } = queue;
    if (reader === null) return;
    try {
      while (this.passUntil(queue, logEnd) >= 0) {
        const found = readI64(reader.bytes, reader.at);
        const offset = this.offsetAt(queue, reader);
        this.extendRun(queue, "queue_stale", offset, found, "points behind the log's end");
        reader.advance();
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.giveUp(queue, `can't be read: ${error.code}`);
    }
  }

  private extendRun(
    queue: WalkedQueue,
    kind: FaultKind,
    queueOffset: number,
    offset: number,
    detail: string,
  ): void {
    const { run } = queue;
    if (run !== null && run.kind === kind && queueOffset > run.to) {
      run.to = queueOffset;
      return;
    }
    this.endRun(queue);
    queue.run = { kind, from: queueOffset, to: queueOffset, offset, detail };
  }

  private endRun(queue: WalkedQueue): void {
    const { run } = queue;
    if (run === null) return;
    queue.run = null;
    const entries = run.from === run.to ? `entry ${run.from}` : `entries ${run.from} to ${run.to}`;
    this.report(queue, run.kind, `${entries}: ${run.detail}`, run.offset);
  }

  private report(queue: WalkedQueue, kind: FaultKind, detail: string, offset: number): void {
    const { directory, queueId, topic } = queue;
    this.options.findings.fault({
      kind,
      place: `${topic}/${queueId}`,
      detail,
      offset,
      repair: { step: "rebuild_queue", topic, queueId, directory },
    });
  }
}
