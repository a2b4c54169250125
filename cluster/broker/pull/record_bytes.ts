// Copies the records of a selection into an answer: from the log's hot tail, from cold blocks that are in memory, or
// after reading those or single records. Knows no frames and no queues.
import { Buffer } from "node:buffer";
import type { Logger } from "../../../core/log.ts";
import { emptyParts, locateParts } from "../../../core/message/record.ts";
import { hasTrueBody, isNumbered, isRecordAt } from "../../../core/message/record_check.ts";
import { isLmq } from "../../../core/message/topic_names.ts";
import type { EntryVerdict, MessageStore, QueueEntry } from "../../../store/message_store.ts";
import { type ColdBlock, ColdBlocks, SPARSE_RECORD_DISTANCE_BYTES } from "./cold_blocks.ts";
import type { Selection } from "./selection.ts";

export type RecordSource = Pick<
  MessageStore,
  "readHot" | "read" | "readInto" | "confirmOffset" | "minPhysicalOffset" | "entries"
>;

export class RecordBytes {
  private readonly blocks: ColdBlocks;

  /** What stands before it was stored by an earlier run: nobody has seen its bodies since. */
  private readonly startOffset: number;

  /** The topic that was compared last, and its bytes. */
  private topic = "";
  private topicBytes = Buffer.alloc(0);

  constructor(private readonly store: RecordSource, private readonly log: Logger) {
    this.blocks = new ColdBlocks(store);
    this.startOffset = store.confirmOffset;
  }

  /** True when the selection's first record is near the log's end; the ones after it are nearer. */
  isHot(selection: Selection): boolean {
    return this.store.readHot(selection.physicalOffsets[0]!, selection.sizes[0]!) !== null;
  }

  /** Copies all records of a hot selection, one after the other from `at` on; false when one isn't there any more. */
  copyHot(selection: Selection, target: Buffer, at: number): boolean {
    const { physicalOffsets, queueId, queueOffsets, recordCount, sizes, topic } = selection;
    let next = at;
    for (let index = 0; index < recordCount; index++) {
      const offset = physicalOffsets[index]!;
      const size = sizes[index]!;
      const view = this.store.readHot(offset, size);
      if (view === null) return false;
      const { buffer, start } = view;
      if (!this.isRecord(buffer, start, size, offset)) return false;
      if (!this.isIn(topic, queueId, queueOffsets[index]!, offset, buffer, start)) return false;
      (buffer as Buffer).copy(target, next, start, start + size);
      next += size;
    }
    return true;
  }

  /**
   * The blocks that a cold selection's records lie in, held until `release`: all in order and without a gap. Null when
   * the records lie too far apart for that, or aren't in the log's order, as of damaged entries.
   */
  hold(selection: Selection): ColdBlock[] | null {
    const { physicalOffsets, sizes, recordCount } = selection;
    const start = physicalOffsets[0]!;
    const end = physicalOffsets[recordCount - 1]! + sizes[recordCount - 1]!;
    if ((end - start) / recordCount > SPARSE_RECORD_DISTANCE_BYTES) return null;
    if (!isInOrder(selection)) return null;
    const held = this.blocks.holdAll(start, end);
    this.blocks.readAhead(held[held.length - 1]!, end);
    return held;
  }

  /** A record whose bytes are in cold blocks that are in memory; null when they aren't. Valid in this turn. */
  loaded(physicalOffset: number, size: number): { buffer: Buffer; start: number } | null {
    return this.blocks.loaded(physicalOffset, size);
  }

  /** Reads the blocks that a record lies in. They stay in memory until the function that it gives is called. */
  async load(physicalOffset: number, size: number): Promise<() => void> {
    const held = this.blocks.holdAll(physicalOffset, physicalOffset + size);
    try {
      await Promise.all(held.map((block) => block.loading));
    } catch (error) {
      this.release(held);
      throw error;
    }
    return () => this.release(held);
  }

  release(held: readonly ColdBlock[]): void {
    for (const block of held) this.blocks.release(block);
  }

  /** Copies all records from held blocks that are loaded; false when bytes are missing. */
  copyHeld(
    selection: Selection,
    held: readonly ColdBlock[],
    target: Buffer,
    at: number,
  ): boolean {
    const { physicalOffsets, queueId, queueOffsets, recordCount, sizes, topic } = selection;
    let next = at;
    let block = 0;
    for (let index = 0; index < recordCount;) {
      const after = runEnd(selection, index);
      const start = physicalOffsets[index]!;
      const bytes = physicalOffsets[after - 1]! + sizes[after - 1]! - start;
      while (held[block]!.end <= start) block++;
      let copied = ColdBlocks.copy(held[block]!, start, bytes, target, next);
      for (let later = block + 1; copied < bytes && later < held.length; later++) {
        copied += ColdBlocks.copy(held[later]!, start, bytes, target, next);
      }
      if (copied < bytes) return false;
      for (; index < after; index++) {
        const offset = physicalOffsets[index]!;
        if (!this.isRecord(target, next, sizes[index]!, offset)) return false;
        if (!this.isIn(topic, queueId, queueOffsets[index]!, offset, target, next)) return false;
        next += sizes[index]!;
      }
    }
    return true;
  }

  /**
   * Reads and copies the records one by one. Those that have left the log meanwhile, or whose head is damaged, are dropped
   * from the selection: a client can't step over bytes that are no record. It ends before an entry that was found damaged
   * and is mended by now. When none is left it says that messages are being removed.
   */
  async copyOneByOne(selection: Selection, target: Buffer, at: number): Promise<void> {
    const { physicalOffsets, queueOffsets, recordCount, sizes } = selection;
    let next = at;
    let kept = 0;
    for (let index = 0; index < recordCount; index++) {
      const size = sizes[index]!;
      const found = await this.copyOne(selection, index, target, next);
      if (found !== "meant") {
        const verdict = await this.judge(selection, index);
        if (verdict === "mended") {
          selection.nextOffset = queueOffsets[index]!;
          break;
        }
        if (found === "none" || verdict === "gone") {
          this.sayLeftOut(selection, index);
          continue;
        }
      }
      next += size;
      physicalOffsets[kept] = physicalOffsets[index]!;
      sizes[kept] = size;
      queueOffsets[kept] = queueOffsets[index]!;
      kept++;
    }
    selection.messageCount -= recordCount - kept;
    selection.recordCount = kept;
    selection.totalBytes = next - at;
    if (kept === 0) selection.status = "MESSAGE_WAS_REMOVING";
  }

  /** "none": the entry names no sound record; "other": it names one of another place in another queue. */
  private async copyOne(
    selection: Selection,
    index: number,
    target: Buffer,
    at: number,
  ): Promise<"meant" | "other" | "none"> {
    const size = selection.sizes[index]!;
    const physicalOffset = selection.physicalOffsets[index]!;
    const view = await this.store.read(physicalOffset, size);
    if (view === null || view.size < size) return "none";
    const { buffer, start } = view;
    if (!this.isRecord(buffer, start, size, physicalOffset)) return "none";
    target.set(buffer.subarray(start, start + size), at);
    const { queueId, queueOffsets, topic } = selection;
    const isMeant = this.isIn(topic, queueId, queueOffsets[index]!, physicalOffset, buffer, start);
    return isMeant ? "meant" : "other";
  }

  private judge(selection: Selection, index: number): Promise<EntryVerdict> | EntryVerdict {
    const { queueId, queueOffsets, sizes, topic } = selection;
    const physicalOffset = selection.physicalOffsets[index]!;
    if (this.hasLeft(selection, index)) return "kept";
    const queueOffset = queueOffsets[index]!;
    return this.store.entries.judge(topic, queueId, {
      queueOffset,
      physicalOffset,
      size: sizes[index]!,
    });
  }

  /** Whether bytes are the record that an entry of a queue means, as far as its head tells. */
  isRecordOf(
    topic: string,
    queueId: number,
    { physicalOffset, queueOffset, size }: QueueEntry,
    buffer: Uint8Array,
    start: number,
  ): boolean {
    return isRecordAt(buffer, start, size, physicalOffset) &&
      locateParts(buffer, start, start + size, parts) === null &&
      this.isIn(topic, queueId, queueOffset, physicalOffset, buffer, start);
  }

  /**
   * Whether the record whose parts were just found says that it stands in a queue under a number. A light queue's entries
   * name records of other queues. What this run stored has no damaged entry, so that its number is enough.
   */
  private isIn(
    topic: string,
    queueId: number,
    queueOffset: number,
    physicalOffset: number,
    buffer: Uint8Array,
    start: number,
  ): boolean {
    if (!isNumbered(buffer, start, queueId, queueOffset)) return isLmq(topic);
    return physicalOffset >= this.startOffset || isLmq(topic) || this.hasTopic(buffer, topic);
  }

  private hasTopic(buffer: Uint8Array, topic: string): boolean {
    if (topic !== this.topic) {
      this.topic = topic;
      this.topicBytes = Buffer.from(topic);
    }
    const { topicBytes } = this;
    const { topicEnd, topicStart } = parts;
    if (topicEnd - topicStart !== topicBytes.length) return false;
    for (let at = 0; at < topicBytes.length; at++) {
      if (buffer[topicStart + at] !== topicBytes[at]) return false;
    }
    return true;
  }

  /**
   * Whether bytes are the record that a queue's entry means, with lengths that fit, and with its body when an earlier run
   * stored it: a damaged entry may point anywhere, a device may have changed what it kept. About 30 ns without the body.
   */
  private isRecord(
    buffer: Uint8Array,
    start: number,
    size: number,
    physicalOffset: number,
  ): boolean {
    return isRecordAt(buffer, start, size, physicalOffset) &&
      locateParts(buffer, start, start + size, parts) === null &&
      (physicalOffset >= this.startOffset || hasTrueBody(buffer, start, parts));
  }

  private hasLeft({ physicalOffsets, sizes }: Selection, index: number): boolean {
    return sizes[index]! > 0 && physicalOffsets[index]! < this.store.minPhysicalOffset;
  }

  /** Only what has left the log goes without a word. */
  private sayLeftOut(selection: Selection, index: number): void {
    if (this.hasLeft(selection, index)) return;
    const { queueId, queueOffsets, topic } = selection;
    const physicalOffset = selection.physicalOffsets[index]!;
    const size = selection.sizes[index]!;
    this.log.error(
      "a queue's entry names no sound record and is left out: 'store check' tells what is damaged",
      { topic, queueId, queueOffset: queueOffsets[index]!, physicalOffset, size },
    );
  }
}

function isInOrder({ physicalOffsets, recordCount, sizes }: Selection): boolean {
  let end = 0;
  for (let index = 0; index < recordCount; index++) {
    if (physicalOffsets[index]! < end || sizes[index]! <= 0) return false;
    end = physicalOffsets[index]! + sizes[index]!;
  }
  return true;
}

/** The index behind the last of the records that follow one another in the log without a gap, from `first` on. */
function runEnd({ physicalOffsets, recordCount, sizes }: Selection, first: number): number {
  let index = first;
  for (let end = physicalOffsets[first]!; index < recordCount; index++) {
    if (physicalOffsets[index] !== end) break;
    end += sizes[index]!;
  }
  return index;
}

const parts = emptyParts();
