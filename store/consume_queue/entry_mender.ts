// Mends entries of queues that were damaged while nobody watched: the record of that number lies in the log between those
// of the sound entries around it, and is looked for there. One mend at a time, of bounded length; readers wait before the
// entry meanwhile. An entry whose record isn't found stays as it is.
import { Buffer } from "node:buffer";
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import type { Logger } from "../../core/log.ts";
import { QUEUE_ID_AT, QUEUE_OFFSET_AT } from "../../core/message/record_layout.ts";
import { isLmq, SCHEDULE_TOPIC } from "../../core/message/topic_names.ts";
import { scanLog } from "../commit_log/log_scan.ts";
import type { RecordFacts } from "../commit_log/record_facts.ts";
import type { SegmentFiles } from "../file/segment_files.ts";
import type { EntryVerdict, RecordView } from "../message_store.ts";
import { isExtAddress } from "./consume_queue_ext.ts";
import { MEND_RUN_ENTRIES_MAX, MEND_SCAN_BYTES_MAX, MENDS_REMEMBERED_MAX } from "./limits.ts";
import type { FoundRecord, MendableQueue, WrongRun } from "./mendable_queue.ts";
import { BLANK_SIZE, SIZE_AT, TAGS_CODE_AT } from "./unit.ts";

/** Read at a time: what is looked through between two turns of the event loop. */
const PIECE_BYTES = 256 * 1024;

export interface EntryMenderParts {
  files: SegmentFiles;
  read: (physicalOffset: number, size: number) => Promise<RecordView | null>;
  /** Up to where consumers may see. */
  confirmOffset: () => number;
  /** Its own. */
  facts: RecordFacts;
  log: Logger;
  /** Readers who stood before an entry may go on, mended or not. */
  onDone: (topic: string, queueId: number, queueOffset: number) => void;
}

type Mends = Map<number, Promise<EntryVerdict>>;

export class EntryMender implements AsyncDisposable {
  private readonly underWay = new Map<MendableQueue, Mends>();
  /** What became of entries that weren't changed: nobody looks for their records again. */
  private readonly looked = new WeakMap<MendableQueue, Map<number, EntryVerdict>>();
  private lookedCount = 0;
  private last: Promise<unknown> = Promise.resolve();
  private isStopped = false;

  constructor(private readonly parts: EntryMenderParts) {}

  /** For a cursor before an entry that can't be true: whether it must wait for what becomes of it. */
  holds(queue: MendableQueue, position: number): boolean {
    if (this.isSettled(queue, position)) return false;
    void this.mend(queue, position);
    return true;
  }

  /** The same before an entry whose tags no record of the queue was seen to have yet. */
  holdsForTags(queue: MendableQueue, position: number, tagsCode: number): boolean {
    if (this.isSettled(queue, position)) return false;
    void this.mend(queue, position, tagsCode);
    return true;
  }

  /** What became of an entry that names another record than its own. */
  judge(queue: MendableQueue, queueOffset: number): Promise<EntryVerdict> {
    const position = queue.positionOf(queueOffset);
    const known = this.looked.get(queue)?.get(position);
    if (known !== undefined) return Promise.resolve(known);
    if (this.isSettled(queue, position)) return Promise.resolve("kept");
    return this.mend(queue, position);
  }

  /** Resolves when the mends of the queue that are under way are over; null when there is none. */
  ofQueue(queue: MendableQueue): Promise<unknown> | null {
    const mends = this.underWay.get(queue);
    return mends === undefined ? null : Promise.all(mends.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true;
    await this.last;
  }

  private isSettled(queue: MendableQueue, position: number): boolean {
    return this.isStopped || this.lookedCount >= MENDS_REMEMBERED_MAX ||
      this.looked.get(queue)?.has(position) === true;
  }

  /** `tagsCode`: what is doubted of the entry; without it, everything. */
  private mend(queue: MendableQueue, position: number, tagsCode?: number): Promise<EntryVerdict> {
    const mends: Mends = this.underWay.get(queue) ?? new Map();
    const known = mends.get(position);
    if (known !== undefined) return known;
    const mending = this.last.then(() => this.tryMend(queue, position, tagsCode));
    this.last = mending;
    mends.set(position, mending);
    this.underWay.set(queue, mends);
    return mending;
  }

  /** Never rejects: a mend that fails is no reason for a broker to end, whatever stands in its files. */
  private async tryMend(
    queue: MendableQueue,
    position: number,
    tagsCode: number | undefined,
  ): Promise<EntryVerdict> {
    let verdict: EntryVerdict = "kept";
    let isSound = false;
    try {
      if (!this.isStopped) {
        isSound = tagsCode !== undefined && await this.endOf(queue, position) !== WRONG;
        if (!isSound) verdict = await this.mendNow(queue, position);
      }
    } catch (error) {
      this.failed(queue, error);
    }
    if (isSound) queue.knowTags(tagsCode!);
    // Mended or not: it is as good as it gets, and readers must never come to wait for it again.
    else if (verdict === "kept" || !this.looked.get(queue)?.has(position)) {
      this.remember(queue, position, verdict);
    }
    const mends = this.underWay.get(queue);
    mends?.delete(position);
    if (mends?.size === 0) this.underWay.delete(queue);
    if (!this.isStopped) this.tell(queue, position);
    return verdict;
  }

  private tell(queue: MendableQueue, position: number): void {
    const { queueId, topic } = queue;
    try {
      this.parts.onDone(topic, queueId, queue.offsetAt(position));
    } catch (error) {
      this.failed(queue, error);
    }
  }

  private failed(queue: MendableQueue, error: unknown): void {
    this.parts.log.error("a queue's damaged entries can't be mended", { ...nameOf(queue), error });
  }

  private remember(queue: MendableQueue, position: number, verdict: EntryVerdict): void {
    const looked = this.looked.get(queue) ?? new Map<number, EntryVerdict>();
    if (!looked.has(position) && ++this.lookedCount === MENDS_REMEMBERED_MAX) {
      this.parts.log.error(
        "too many queue entries are damaged: no more are mended in this run, " +
          "'store repair' makes the queues again",
      );
    }
    looked.set(position, verdict);
    this.looked.set(queue, looked);
  }

  private async mendNow(queue: MendableQueue, position: number): Promise<EntryVerdict> {
    const wrong = await this.wrongAround(queue, position);
    if (wrong < 0) return "kept";
    // Of very many wrong ones, or of records far from each other, one stretch after the other.
    for (let before = -1, to = 0; to > before && to <= wrong && !this.isStopped;) {
      before = to;
      to = await this.mendRun(queue, await this.runAround(queue, wrong));
    }
    return this.looked.get(queue)?.get(position) ??
      (await this.endOf(queue, position) === WRONG ? "kept" : "mended");
  }

  /** Gives the position behind the last entry that is settled. */
  private async mendRun(queue: MendableQueue, run: WrongRun): Promise<number> {
    const records = run.low < run.high ? await this.find(queue, run) : [];
    const found = queue.placesOf(run, records);
    if (queue.isDeleted) return run.to;
    const { unitBytes } = queue;
    if (run.isOpen && found.size > 0) run.to = Math.max(...found.keys()) + unitBytes;
    let mended = 0;
    for (let at = run.from; at < run.to; at += unitBytes) {
      const record = found.get(at);
      if (record === undefined) {
        this.remember(queue, at, this.liesWithin(queue, at, run) ? "kept" : "gone");
        continue;
      }
      queue.correct(at, record);
      mended++;
    }
    // Beside one that stays wrong, sound ones look odd.
    if (mended < (run.to - run.from) / unitBytes) {
      this.remember(queue, run.from - unitBytes, "kept");
      this.remember(queue, run.to, "kept");
    }
    this.say(queue, run, mended);
    return run.to;
  }

  private say(queue: MendableQueue, { from, high, low, to }: WrongRun, mended: number): void {
    const entries = (to - from) / queue.unitBytes;
    const fields = { ...nameOf(queue), queueOffset: queue.offsetAt(from), entries };
    if (mended > 0) {
      this.parts.log.warn("damaged entries of a queue are mended from the log", {
        ...fields,
        mended,
        lookedThroughBytes: high - low,
      });
    }
    if (mended < entries) {
      this.parts.log.error(
        "entries of a queue name no record of it, nor is one found in the log where it should be: " +
          "'store check' tells what is damaged",
        { ...fields, lost: entries - mended, logFrom: low, logTo: high },
      );
    }
  }

  /** The entry that doesn't name its record: this one or one beside it; −1 when all do. */
  private async wrongAround(queue: MendableQueue, position: number): Promise<number> {
    const { endByte, mendableFrom, unitBytes } = queue;
    for (const each of [position, position + unitBytes, position - unitBytes]) {
      if (each < mendableFrom || each >= endByte) continue;
      if (await this.endOf(queue, each) === WRONG) return each;
    }
    return -1;
  }

  private async runAround(queue: MendableQueue, position: number): Promise<WrongRun> {
    const { files } = this.parts;
    const { mendableFrom: first, unitBytes } = queue;
    const longest = MEND_RUN_ENTRIES_MAX * unitBytes;
    let from = position;
    let low = WRONG;
    while (from > first && low === WRONG && position - from < longest) {
      low = await this.endOf(queue, from - unitBytes);
      if (low === WRONG) from -= unitBytes;
    }
    let to = position + unitBytes;
    let high = WRONG;
    while (to < queue.endByte && high === WRONG && to - position < longest) {
      const end = await this.endOf(queue, to);
      if (end === WRONG) to += unitBytes;
      else high = readI64(queue.bytesAt(to), queue.at);
    }
    const isEndKnown = high !== WRONG || to >= queue.endByte;
    if (high === WRONG) high = this.parts.confirmOffset();
    if (low === WRONG && from > first) {
      const sound = await this.soundBefore(queue, from);
      if (!queue.isNumbered) return await this.runAround(queue, await this.wrongFrom(queue, sound));
      low = sound < 0 ? WRONG : await this.endOf(queue, sound);
    }
    if (low === WRONG) low = isEndKnown ? high - MEND_SCAN_BYTES_MAX : 0;
    low = Math.max(low, files.startOffset);
    const limit = low + MEND_SCAN_BYTES_MAX;
    return { from, to, low, high: Math.min(high, limit), isOpen: !isEndKnown || high > limit };
  }

  /** A sound entry far before a position; −1 when none is found. */
  private async soundBefore(queue: MendableQueue, position: number): Promise<number> {
    const { mendableFrom: first, unitBytes } = queue;
    for (let distance = MEND_RUN_ENTRIES_MAX * unitBytes;; distance *= 2) {
      const at = Math.max(first, position - distance);
      if (await this.endOf(queue, at) !== WRONG) return at;
      if (at === first) return -1;
    }
  }

  /** The first wrong entry behind a sound one, or the queue's first. */
  private async wrongFrom(queue: MendableQueue, sound: number): Promise<number> {
    let at = sound < 0 ? queue.mendableFrom : sound;
    while (await this.endOf(queue, at) !== WRONG) at += queue.unitBytes;
    return at;
  }

  /** Where the record of an entry ends that names the right one, or one that has left the log; otherwise WRONG. */
  private async endOf(queue: MendableQueue, position: number): Promise<number> {
    const bytes = queue.bytesAt(position);
    const { at } = queue;
    const physicalOffset = readI64(bytes, at);
    const size = readI32(bytes, at + SIZE_AT);
    const isTagKnown = !isExtAddress(bytes, at + TAGS_CODE_AT) && queue.topic !== SCHEDULE_TOPIC;
    const tagsCode = readI64(bytes, at + TAGS_CODE_AT);
    if (size === BLANK_SIZE && physicalOffset === 0) return 0;
    const view = await this.parts.read(physicalOffset, size);
    if (view === null || view.size !== size) return WRONG;
    const { facts } = this.parts;
    if (!facts.read(view.buffer as Buffer, view.start, view.start + size)) return WRONG;
    const isRight = queue.isOf(position, numberIn(queue, facts), facts) &&
      (!isTagKnown || facts.tagsCode === tagsCode);
    return isRight ? physicalOffset + size : WRONG;
  }

  /** The records of a run that the log has, in its order. */
  private async find(queue: MendableQueue, run: WrongRun): Promise<FoundRecord[]> {
    const { facts, files } = this.parts;
    const found: FoundRecord[] = [];
    const [first, end] = queue.numbersOf(run);
    const isLight = isLmq(queue.topic);
    const count = (run.to - run.from) / queue.unitBytes;
    let reached = run.low;
    await scanLog({
      files,
      from: run.low,
      checkCrc: false,
      requirePropertyCrc: false,
      knownEnd: run.high,
      buffer: Buffer.allocUnsafeSlow(PIECE_BYTES),
      onRecord: (buffer, start, parts, offset) => {
        reached = offset + parts.size;
        if (offset >= run.high) return;
        if (!isLight && !isNumberedWithin(buffer, start, queue.queueId, first, end)) return;
        facts.readParts(buffer, start, parts);
        const queueOffset = facts.isHidden ? -1 : numberIn(queue, facts);
        if (queueOffset < first || queueOffset >= end) return;
        // Of two with the same number, the first.
        if (queueOffset <= (found.at(-1)?.queueOffset ?? -1)) return;
        const { batchCount, storeTimestampMs, tagsCode } = facts;
        const { size } = parts;
        found.push({
          queueOffset,
          physicalOffset: offset,
          size,
          tagsCode,
          storeTimestampMs,
          batchCount,
        });
      },
      isDone: () =>
        reached >= run.high || this.isStopped || queue.isDeleted ||
        run.isOpen && found.length >= count,
    });
    if (run.isOpen) run.high = Math.min(run.high, reached);
    return found;
  }

  /** Whether an entry points into the stretch that its record must lie in: then it may be the record that is damaged. */
  private liesWithin(queue: MendableQueue, position: number, { high, low }: WrongRun): boolean {
    const physicalOffset = readI64(queue.bytesAt(position), queue.at);
    return physicalOffset >= low && physicalOffset < high;
  }
}

const WRONG = -1;

function nameOf({ queueId, topic }: MendableQueue) {
  return { topic, queueId };
}

/** The number of a record in a queue; −1 when it doesn't stand there. */
function numberIn({ queueId, topic }: MendableQueue, facts: RecordFacts): number {
  if (facts.topic === topic && facts.queueId === queueId) return facts.queueOffset;
  return facts.lightEntries.find((entry) => entry.topic === topic)?.queueOffset ?? -1;
}

/** A look at the head, which is all that most records need. */
function isNumberedWithin(
  buffer: Uint8Array,
  start: number,
  queueId: number,
  first: number,
  end: number,
): boolean {
  if (readI32(buffer, start + QUEUE_ID_AT) !== queueId) return false;
  const queueOffset = readI64(buffer, start + QUEUE_OFFSET_AT);
  return queueOffset >= first && queueOffset < end;
}
