// Copies the records of a selection into an answer: from the log's hot tail, from cold blocks that are in memory, or
// after reading those or single records. Knows no frames and no queues.
import type { Buffer } from "node:buffer";
import { readI32, readI64 } from "../../../core/bytes/big_endian.ts";
import type { Logger } from "../../../core/log.ts";
import { emptyParts, locateParts } from "../../../core/message/record.ts";
import { hasTrueBody } from "../../../core/message/record_check.ts";
import { PHYSICAL_OFFSET_AT, RECORD_BYTES_MIN } from "../../../core/message/record_layout.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { type ColdBlock, ColdBlocks, SPARSE_RECORD_DISTANCE_BYTES } from "./cold_blocks.ts";
import type { Selection } from "./selection.ts";

export type RecordSource = Pick<
  MessageStore,
  "readHot" | "read" | "readInto" | "confirmOffset" | "minPhysicalOffset"
>;

export class RecordBytes {
  private readonly blocks: ColdBlocks;

  /** What stands before it was stored by an earlier run: nobody has seen its bodies since. */
  private readonly startOffset: number;

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
    const { physicalOffsets, sizes, recordCount } = selection;
    let next = at;
    for (let index = 0; index < recordCount; index++) {
      const size = sizes[index]!;
      const view = this.store.readHot(physicalOffsets[index]!, size);
      if (view === null || !this.isRecord(view.buffer, view.start, size, physicalOffsets[index]!)) {
        return false;
      }
      (view.buffer as Buffer).copy(target, next, view.start, view.start + size);
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
    const held: ColdBlock[] = [];
    for (let position = start; position < end;) {
      const block = this.blocks.hold(position, end);
      held.push(block);
      position = block.base + block.buffer.length;
    }
    this.blocks.readAhead(held[held.length - 1]!, end);
    return held;
  }

  /** A record whose bytes are in cold blocks that are in memory; null when they aren't. Valid in this turn. */
  loaded(physicalOffset: number, size: number): { buffer: Buffer; start: number } | null {
    return this.blocks.loaded(physicalOffset, size);
  }

  /** Reads the blocks that a record lies in. They stay in memory until the function that it gives is called. */
  async load(physicalOffset: number, size: number): Promise<() => void> {
    const held: ColdBlock[] = [];
    const end = physicalOffset + size;
    for (let position = physicalOffset; position < end;) {
      const block = this.blocks.hold(position, end);
      held.push(block);
      position = block.base + block.buffer.length;
    }
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
    const { physicalOffsets, sizes, recordCount } = selection;
    let next = at;
    let block = 0;
    for (let index = 0; index < recordCount; index++) {
      const offset = physicalOffsets[index]!;
      const size = sizes[index]!;
      while (held[block]!.base + held[block]!.buffer.length <= offset) block++;
      let copied = ColdBlocks.copy(held[block]!, offset, size, target, next);
      for (let after = block + 1; copied < size && after < held.length; after++) {
        copied += ColdBlocks.copy(held[after]!, offset, size, target, next);
      }
      if (copied < size || !this.isRecord(target, next, size, offset)) return false;
      next += size;
    }
    return true;
  }

  /**
   * Reads and copies the records one by one. Those that have left the log meanwhile, or whose head is damaged, are dropped
   * from the selection: a client can't step over bytes that are no record. When none is left it says that messages are
   * being removed.
   */
  async copyOneByOne(selection: Selection, target: Buffer, at: number): Promise<void> {
    const { physicalOffsets, sizes, recordCount } = selection;
    let next = at;
    let kept = 0;
    for (let index = 0; index < recordCount; index++) {
      const size = sizes[index]!;
      const view = await this.store.read(physicalOffsets[index]!, size);
      if (
        view === null || view.size < size ||
        !this.isRecord(view.buffer, view.start, size, physicalOffsets[index]!)
      ) {
        this.sayLeftOut(selection, index);
        continue;
      }
      target.set(view.buffer.subarray(view.start, view.start + size), next);
      next += size;
      physicalOffsets[kept] = physicalOffsets[index]!;
      sizes[kept] = size;
      selection.queueOffsets[kept] = selection.queueOffsets[index]!;
      kept++;
    }
    selection.messageCount -= recordCount - kept;
    selection.recordCount = kept;
    selection.totalBytes = next - at;
    if (kept === 0) selection.status = "MESSAGE_WAS_REMOVING";
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
    return size >= RECORD_BYTES_MIN && readI32(buffer, start) === size &&
      readI64(buffer, start + PHYSICAL_OFFSET_AT) === physicalOffset &&
      locateParts(buffer, start, start + size, parts) === null &&
      (physicalOffset >= this.startOffset || hasTrueBody(buffer, start, parts));
  }

  /** Only what has left the log goes without a word. */
  private sayLeftOut(
    { physicalOffsets, queueId, queueOffsets, sizes, topic }: Selection,
    index: number,
  ): void {
    const physicalOffset = physicalOffsets[index]!;
    const size = sizes[index]!;
    if (size > 0 && physicalOffset < this.store.minPhysicalOffset) return;
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

const parts = emptyParts();
