// Stretches of the log that backlog pulls read, kept a while: the queues of a topic lie interleaved, so one read from
// the disk serves the pulls of all of them. Reads asynchronously and ahead; never more blocks than its limit, unless
// pulls hold on to them.
import { Buffer } from "node:buffer";
import type { MessageStore } from "../../../store/message_store.ts";

export const COLD_BLOCK_BYTES = 512 * 1024;
/** Blocks kept; 8 MiB in all. */
export const COLD_BLOCKS_MAX = 16;
/** Records further apart than this on average are read one by one. */
export const SPARSE_RECORD_DISTANCE_BYTES = 32 * 1024;

export class ColdBlock {
  /** Where its valid bytes begin; past 0 when the log's first file begins inside. */
  start = 0;
  /** Where they end; before the block's end at the log's end. */
  length = 0;
  /** Pulls that are going to copy from it. */
  holders = 0;
  loading: Promise<void> | null = null;

  /** Empty until the block's turn to be read has come. */
  buffer: Buffer = NO_BYTES;

  /** The stretch of the log that it is for. */
  constructor(readonly base: number, readonly end: number) {}
}

const NO_BYTES = Buffer.alloc(0);

export class ColdBlocks {
  /** By block number, the least recently used first. */
  private readonly blocks = new Map<number, ColdBlock>();
  /** The block that was used last. */
  private newest = -1;
  /** How many blocks have a buffer. */
  private buffers = 0;
  /** Settles when the block that was asked for last has been read, or couldn't be. */
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Pick<MessageStore, "readInto" | "confirmOffset" | "minPhysicalOffset">,
    private readonly blockBytes = COLD_BLOCK_BYTES,
    private readonly blocksMax = COLD_BLOCKS_MAX,
  ) {}

  /** The block that holds a physical offset, in use until `release`; reading it may still be going on. */
  hold(physicalOffset: number, end: number): ColdBlock {
    const block = this.touch(Math.floor(physicalOffset / this.blockBytes));
    const wanted = Math.min(end, block.end) - block.base;
    if (block.loading === null && block.length < wanted) block.loading = this.load(block);
    block.holders++;
    return block;
  }

  /** The blocks that a stretch lies in, in order, each in use until `release`. */
  holdAll(physicalOffset: number, end: number): ColdBlock[] {
    const held: ColdBlock[] = [];
    for (let position = physicalOffset; position < end; position = held.at(-1)!.end) {
      held.push(this.hold(position, end));
    }
    return held;
  }

  /**
   * The bytes of a stretch when they are in memory: where they lie, or copied together when they cross blocks. Null when
   * they aren't all there.
   */
  loaded(physicalOffset: number, size: number): { buffer: Buffer; start: number } | null {
    const { blockBytes } = this;
    const number = Math.floor(physicalOffset / blockBytes);
    const first = this.blocks.get(number);
    if (first === undefined || physicalOffset < first.base + first.start) return null;
    const start = physicalOffset - first.base;
    if (start + size <= first.length) return { buffer: first.buffer, start };
    if (start + size <= blockBytes) return null;
    const joined = Buffer.allocUnsafe(size);
    let copied = ColdBlocks.copy(first, physicalOffset, size, joined, 0);
    for (let next = number + 1; copied < size; next++) {
      const block = this.blocks.get(next);
      const added = block === undefined
        ? 0
        : ColdBlocks.copy(block, physicalOffset, size, joined, 0);
      if (added === 0) return null;
      copied += added;
    }
    return { buffer: joined, start: 0 };
  }

  /** Pulls from many places at once may hold more blocks than are kept; what is one too many goes with its last pull. */
  release(block: ColdBlock): void {
    block.holders--;
    if (this.buffers > this.blocksMax && isIdle(block)) this.drop(block);
  }

  /** Copies what the block has of a stretch to a target where the stretch begins; gives the bytes copied. */
  static copy(
    block: ColdBlock,
    physicalOffset: number,
    size: number,
    target: Buffer,
    at: number,
  ): number {
    const from = Math.max(physicalOffset, block.base + block.start);
    const to = Math.min(physicalOffset + size, block.base + block.length);
    if (to <= from) return 0;
    block.buffer.copy(target, at + from - physicalOffset, from - block.base, to - block.base);
    return to - from;
  }

  /** Starts reading the block after this one, when there is one and somebody is half through this one. */
  readAhead(block: ColdBlock, physicalOffset: number): void {
    if (physicalOffset - block.base < this.blockBytes / 2) return;
    // More places are read than blocks are kept: what is read ahead would go before anybody comes to it.
    if (this.blocks.size > this.blocksMax) return;
    const number = block.end / this.blockBytes;
    if (this.blocks.has(number) || block.end >= this.store.confirmOffset) return;
    const next = this.touch(number);
    next.loading = this.load(next);
  }

  /** How many blocks are in memory. */
  get count(): number {
    return this.buffers;
  }

  private touch(number: number): ColdBlock {
    const known = this.blocks.get(number);
    // Pulls of a topic's queues come to the same block one after the other.
    if (known !== undefined && number === this.newest) return known;
    const block = known ??
      new ColdBlock(number * this.blockBytes, (number + 1) * this.blockBytes);
    this.blocks.delete(number);
    this.blocks.set(number, block);
    this.newest = number;
    return block;
  }

  /** That of the block that was used longest ago and isn't in use, or a new one. */
  private takeBuffer(): Buffer {
    if (this.buffers >= this.blocksMax) {
      for (const block of this.blocks.values()) if (isIdle(block)) return this.drop(block);
    }
    return Buffer.allocUnsafeSlow(this.blockBytes);
  }

  /** Forgets an idle block and gives its buffer. */
  private drop(block: ColdBlock): Buffer {
    const { base, buffer } = block;
    this.blocks.delete(base / this.blockBytes);
    this.buffers--;
    return buffer;
  }

  /** One block after the other: until its turn comes a block needs no memory. */
  private load(block: ColdBlock): Promise<void> {
    const loading = this.reading.then(() => this.loadNow(block));
    this.reading = loading.catch(() => {});
    return loading;
  }

  private async loadNow(block: ColdBlock): Promise<void> {
    const skipped = this.store.minPhysicalOffset - block.base;
    if (block.length === 0 && skipped > 0) block.start = block.length = skipped;
    try {
      if (block.buffer === NO_BYTES) {
        block.buffer = this.takeBuffer();
        this.buffers++;
      }
      while (block.length < this.blockBytes) {
        const { buffer, length, base } = block;
        const rest = this.blockBytes - length;
        const count = await this.store.readInto(buffer, length, rest, base + length);
        if (count === 0) return;
        block.length += count;
      }
    } finally {
      block.loading = null;
    }
  }
}

/** It has bytes, nobody is going to copy from them, and nothing is being read into it. */
function isIdle({ buffer, holders, loading }: ColdBlock): boolean {
  return buffer !== NO_BYTES && holders === 0 && loading === null;
}
