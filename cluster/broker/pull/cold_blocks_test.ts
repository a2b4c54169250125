// How many blocks of the log backlog pulls keep in memory: no more than the limit, however many pulled at once before.
import { expect, test } from "bun:test";
import type { Buffer } from "node:buffer";
import { type ColdBlock, ColdBlocks } from "./cold_blocks.ts";

const BLOCK_BYTES = 1024;
const BLOCKS_MAX = 4;
const LOG_BYTES = 100 * BLOCK_BYTES;

/** A log whose bytes say which block they are of. */
function blocksOfLog() {
  let reads = 0;
  const store = {
    minPhysicalOffset: 0,
    confirmOffset: LOG_BYTES,
    readInto: async (target: Buffer, start: number, length: number, physicalOffset: number) => {
      reads++;
      await Promise.resolve();
      target.fill(physicalOffset / BLOCK_BYTES, start, start + length);
      return length;
    },
  };
  return { blocks: new ColdBlocks(store, BLOCK_BYTES, BLOCKS_MAX), reads: () => reads };
}

/** Holds a block as a pull does that reads its end. */
function pull(blocks: ColdBlocks, number: number): ColdBlock {
  const end = (number + 1) * BLOCK_BYTES;
  const block = blocks.hold(end - 10, end);
  blocks.readAhead(block, end);
  return block;
}

const loaded = (held: readonly ColdBlock[]) => Promise.all(held.map(({ loading }) => loading));

test("pulls from many places at once have their blocks, and leave no more than are kept", async () => {
  const { blocks } = blocksOfLog();
  const held = Array.from({ length: 40 }, (_, n) => pull(blocks, 2 * n));
  await loaded(held);
  held.forEach(({ buffer }, n) => expect(buffer[0]).toBe(2 * n));
  for (const block of held) blocks.release(block);
  expect(blocks.count).toBeLessThanOrEqual(BLOCKS_MAX);
});

test("blocks that wait for their turn need no memory: pulls answered as theirs come share a few buffers", async () => {
  const { blocks } = blocksOfLog();
  let most = 0;
  await Promise.all(Array.from({ length: 40 }, async (_, n) => {
    const block = pull(blocks, 2 * n);
    await block.loading;
    most = Math.max(most, blocks.count);
    expect(block.buffer[0]).toBe(2 * n);
    blocks.release(block);
  }));
  expect(most).toBeLessThanOrEqual(BLOCKS_MAX + 1);
  expect(blocks.count).toBeLessThanOrEqual(BLOCKS_MAX);
});

test("a block that can't be read fails its pulls, and no other's", async () => {
  let fails = true;
  const blocks = new ColdBlocks(
    {
      minPhysicalOffset: 0,
      confirmOffset: LOG_BYTES,
      readInto: (_target, _start, length) => {
        if (!fails) return Promise.resolve(length);
        fails = false;
        return Promise.reject(new Error("EIO"));
      },
    },
    BLOCK_BYTES,
    BLOCKS_MAX,
  );
  const [first, second] = [pull(blocks, 0), pull(blocks, 5)];
  await expect(first.loading).rejects.toThrow("EIO");
  await second.loading;
  expect(second.length).toBe(BLOCK_BYTES);
  blocks.release(first);
  const again = pull(blocks, 0);
  await again.loading;
  expect(again.length).toBe(BLOCK_BYTES);
});

test("a block that is kept is read once, and the one behind it ahead", async () => {
  const { blocks, reads } = blocksOfLog();
  const first = pull(blocks, 0);
  await loaded([first]);
  blocks.release(first);
  expect(reads()).toBe(2);
  const second = pull(blocks, 1);
  await loaded([second]);
  expect([second.buffer[0], reads()]).toEqual([1, 3]);
  const again = pull(blocks, 0);
  expect([again.loading, reads()]).toEqual([null, 3]);
});
