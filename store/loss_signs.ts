// Looks for files that a store lost while nobody watched: index files whose neighbours don't join, queues that lack what
// the log says they have. Cheap: a few records at each joint, and at the beginning of log files. Never changes anything.
import { Buffer } from "node:buffer";
import type { SegmentFiles } from "./file/segment_files.ts";
import { scanLog } from "./commit_log/log_scan.ts";
import type { RecordFacts } from "./commit_log/record_facts.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { StoredQueue } from "./consume_queue/stored_queue.ts";

/** Records without keys that are passed over between two index files before they are taken to join. */
const KEYLESS_RECORDS_MAX = 4096;
/** What is read at the beginning of a log file, also as a share of a small one, and of how many files at most. */
const SAMPLE_BYTES = 128 * 1024;
const SAMPLE_SHARE = 1 / 8;
const SAMPLED_FILES_MAX = 64;
/** One read: most joints are seen with it. */
const SCAN_BYTES = 64 * 1024;

export interface LossSignsParts {
  files: SegmentFiles;
  queues: ConsumeQueues;
  facts: RecordFacts;
  checkCrc: boolean;
  requirePropertyCrc: boolean;
  hasTopic: (topic: string) => boolean;
}

/** What an index file covers: offsets of its first and its last record. */
export interface IndexSpan {
  first: number;
  last: number;
}

/** The fields of a record that tell its place in its queue. */
type Place = Pick<RecordFacts, "topic" | "queueId" | "queueOffset" | "physicalOffset">;

export class LossSigns {
  private readonly buffer = Buffer.allocUnsafeSlow(SCAN_BYTES);

  constructor(private readonly parts: LossSignsParts) {}

  /**
   * Where the index must be made anew from: the end of what joins without a gap from the log's beginning up to `until`;
   * −1 when all of it does. `spans` are those of the index files, oldest first.
   */
  async indexHole(spans: readonly IndexSpan[], until: number): Promise<number> {
    const { startOffset } = this.parts.files;
    let last = -1;
    for (const span of [...spans, { first: until, last: until }]) {
      const from = Math.max(last, startOffset);
      if (await this.hasKeyedRecord(from, last, span.first)) return from;
      last = span.last;
    }
    return -1;
  }

  /** Whether a record with keys stands in [from, until), other than the one at `known`. */
  private async hasKeyedRecord(from: number, known: number, until: number): Promise<boolean> {
    const { facts } = this.parts;
    let isFound = false;
    let passed = 0;
    await this.scan(from, until, (offset) => {
      passed++;
      isFound = offset !== known && facts.plainKeyCount > 0;
      return !isFound && passed < KEYLESS_RECORDS_MAX;
    });
    return isFound;
  }

  /**
   * A queue that lacks a record of the log, in words; null when none is found. Records from `until` on are entered anyway.
   * Everywhere: a store that another broker closed has no sum of its queues. Otherwise only beginnings are compared.
   */
  async lostQueue(until: number, everywhere: boolean): Promise<string | null> {
    const { files, queues } = this.parts;
    if (files.startOffset === 0) {
      // Nothing was deleted yet, so that every queue has its first file.
      for (const { coveredPhysicalOffset, firstByte, queueId, topic } of queues.all()) {
        if (coveredPhysicalOffset > 0 && firstByte > 0) {
          return `${topic}-${queueId} has no beginning`;
        }
      }
    }
    for (const fileStart of everywhere ? this.sampledFiles(until) : [files.startOffset]) {
      const lost = await this.lostAt(fileStart, until, everywhere);
      if (lost !== null) return lost;
    }
    return null;
  }

  private sampledFiles(until: number): number[] {
    const { fileSizeBytes, startOffset } = this.parts.files;
    const count = Math.ceil((until - startOffset) / fileSizeBytes);
    const step = Math.max(1, Math.ceil(count / SAMPLED_FILES_MAX));
    const starts: number[] = [];
    for (let file = 0; file < count; file += step) starts.push(startOffset + file * fileSizeBytes);
    return starts;
  }

  private async lostAt(from: number, until: number, everywhere: boolean): Promise<string | null> {
    const { facts, files, hasTopic } = this.parts;
    let lost: string | null = null;
    const sampleBytes = Math.min(SAMPLE_BYTES, files.fileSizeBytes * SAMPLE_SHARE);
    const end = Math.min(until, from + sampleBytes);
    await this.scan(from, end, () => {
      if (facts.isHidden || !hasTopic(facts.topic)) return true;
      if (this.hasLostHead(facts) || (everywhere && this.isLacking(facts))) {
        lost = `${facts.topic}-${facts.queueId} lacks number ${facts.queueOffset}`;
      }
      return lost === null;
    });
    return lost;
  }

  /** Whether a record's queue begins behind it, though the log still has the record: its first files are gone. */
  hasLostHead({ physicalOffset, queueId, queueOffset, topic }: Place): boolean {
    const queue = this.parts.queues.find(topic, queueId);
    if (queue === null || queue.coveredPhysicalOffset === 0) return false;
    return queueOffset < queue.minOffset && physicalOffset < firstPhysicalOffset(queue);
  }

  /**
   * Whether a record's queue should have it and doesn't. Not every record in the log should be in a queue: a topic that was
   * deleted and made again begins anew, and its earlier records, which are older than every entry, are gone for good.
   */
  isLacking({ physicalOffset, queueId, queueOffset, topic }: Place): boolean {
    const { queues } = this.parts;
    if (queueOffset < (queues.find(topic, queueId)?.maxOffset ?? 0)) return false;
    const filled = queues.ofTopic(topic).filter((queue) => queue.coveredPhysicalOffset > 0);
    if (filled.length === 0) return true;
    return filled.some((queue) => firstPhysicalOffset(queue) <= physicalOffset);
  }

  /** Gives whole records of [from, until), their facts read, until there is something that isn't one, or no more wanted. */
  private async scan(
    from: number,
    until: number,
    wantsMore: (offset: number) => boolean,
  ): Promise<void> {
    const { checkCrc, facts, files, requirePropertyCrc } = this.parts;
    if (from >= until) return;
    let isDone = false;
    await scanLog({
      files,
      from,
      knownEnd: from,
      buffer: this.buffer,
      checkCrc,
      requirePropertyCrc,
      onRecord: (buffer, start, { size }, offset, suspicion) => {
        if (offset >= until) isDone = true;
        else if (suspicion === null && facts.read(buffer, start, start + size)) {
          isDone = !wantsMore(offset);
        }
      },
      isDone: () => isDone,
    });
  }
}

/** Where the record of the queue's first entry is that the log still has. */
function firstPhysicalOffset(queue: StoredQueue): number {
  const cursor = queue.openCursor(queue.minOffset, Number.MAX_SAFE_INTEGER);
  return cursor.next() ? cursor.physicalOffset : Number.MAX_SAFE_INTEGER;
}
