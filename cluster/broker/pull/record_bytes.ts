// Copies the records of a selection into an answer: from the log's hot tail at once, else from cold blocks or single
// reads. Knows no frames and no queues.
import type { Buffer } from "node:buffer";
import type { MessageStore } from "../../../store/message_store.ts";
import { type ColdBlock, ColdBlocks, SPARSE_RECORD_DISTANCE_BYTES } from "./cold_blocks.ts";
import type { Selection } from "./selection.ts";

export type RecordSource = Pick<
  MessageStore,
  "readHot" | "read" | "readRange" | "confirmOffset" | "minPhysicalOffset"
>;

export class RecordBytes {
  private readonly blocks: ColdBlocks;

  constructor(private readonly store: RecordSource) {
    this.blocks = new ColdBlocks(store);
  }

  /**
   * Copies all records of the selection one after the other from `at` on, when they are all hot. Otherwise gives the
   * number of the first one that isn't; those before it were copied.
   */
  copyHot(selection: Selection, target: Buffer, at: number): number {
    const { physicalOffsets, sizes, recordCount } = selection;
    let next = at;
    for (let index = 0; index < recordCount; index++) {
      const size = sizes[index]!;
      const view = this.store.readHot(physicalOffsets[index]!, size);
      if (view === null) return index;
      (view.buffer as Buffer).copy(target, next, view.start, view.start + size);
      next += size;
    }
    return recordCount;
  }

  /** True when the selection's last record is hot; then the ones before it mostly are too. */
  isHot(selection: Selection): boolean {
    const { physicalOffsets, sizes } = selection;
    return this.store.readHot(physicalOffsets[0]!, sizes[0]!) !== null;
  }

  /**
   * Copies the records of the selection from `at` on. Those that have left the log meanwhile are dropped from it; when
   * none is left it says that messages are being removed.
   */
  async copyCold(selection: Selection, target: Buffer, at: number): Promise<void> {
    const { physicalOffsets, recordCount } = selection;
    const span = physicalOffsets[recordCount - 1]! - physicalOffsets[0]!;
    const isDense = span / recordCount <= SPARSE_RECORD_DISTANCE_BYTES;
    if (isDense && await this.copyFromBlocks(selection, target, at)) return;
    await this.copyOneByOne(selection, target, at);
  }

  private async copyFromBlocks(
    selection: Selection,
    target: Buffer,
    at: number,
  ): Promise<boolean> {
    const held = this.holdBlocks(selection);
    try {
      for (const block of held) if (block.loading !== null) await block.loading;
      return this.copyHeld(selection, held, target, at);
    } finally {
      for (const block of held) this.blocks.release(block);
    }
  }

  /** The blocks under the selection, in order and without a gap between them. */
  private holdBlocks(selection: Selection): ColdBlock[] {
    const { physicalOffsets, sizes, recordCount } = selection;
    const end = physicalOffsets[recordCount - 1]! + sizes[recordCount - 1]!;
    const held: ColdBlock[] = [];
    for (let position = physicalOffsets[0]!; position < end;) {
      const block = this.blocks.hold(position, end);
      held.push(block);
      position = block.base + block.buffer.length;
    }
    this.blocks.readAhead(held[held.length - 1]!, end);
    return held;
  }

  private copyHeld(
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
      if (copied < size) return false;
      next += size;
    }
    return true;
  }

  private async copyOneByOne(selection: Selection, target: Buffer, at: number): Promise<void> {
    const { physicalOffsets, sizes, recordCount } = selection;
    let next = at;
    let kept = 0;
    for (let index = 0; index < recordCount; index++) {
      const size = sizes[index]!;
      const view = await this.store.read(physicalOffsets[index]!, size);
      if (view === null || view.size < size) continue;
      target.set(view.buffer.subarray(view.start, view.start + size), next);
      next += size;
      kept++;
    }
    selection.messageCount -= recordCount - kept;
    selection.recordCount = kept;
    selection.totalBytes = next - at;
    if (kept === 0) selection.status = "MESSAGE_WAS_REMOVING";
  }
}
