// Reading the log hot, near and cold: the same bytes each way, and views that stay whole while they may be in use.
import { expect, test } from "bun:test";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import type { PutResult } from "../message_store.ts";
import { FileMessageStore } from "../message_store_impl.ts";
import { newMemoryDisk, openTestStore, testMessage, viewBytes } from "../testing_store.ts";
import { HotTail } from "./hot_tail.ts";
import { Turns } from "./turns.ts";

const MIB = 1024 * 1024;

/** A store with 24 MiB of messages: more than the hot tail and more than what counts as near the end. */
async function largeStore(): Promise<{ store: FileMessageStore; results: PutResult[] }> {
  const store = await openTestStore(newMemoryDisk(), {
    commitLogFileBytes: 4 * MIB,
    consumeQueueFileBytes: 6000,
  });
  const results: PutResult[] = [];
  for (let index = 0; index < 240; index++) {
    results.push(...await store.put([testMessage(1000 + index, { bodyBytes: 100 * 1024 })]));
  }
  return { store, results };
}

test("hot, near and cold reads give the same record", async () => {
  const { store, results } = await largeStore();
  for (const index of [0, 60, 120, 200, 238, 239]) {
    const { physicalOffset, size } = results[index]!;
    const bySize = viewBytes(await store.read(physicalOffset, size));
    expect(bySize.length).toBe(size);
    expect(bySize.includes(`message ${1000 + index} `)).toBe(true);
    expect(viewBytes(await store.read(physicalOffset))).toEqual(bySize);
    const hot = store.readHot(physicalOffset, size);
    if (hot !== null) expect(viewBytes(hot)).toEqual(bySize);
    expect(await store.storeTimestamp("TestTopic", index % 2, Math.floor(index / 2)))
      .toBe(results[index]!.storeTimestampMs);
  }
  const cold = results[0]!;
  expect(store.readHot(cold.physicalOffset, cold.size)).toBeNull();
  const near = results[150]!;
  expect(store.readHot(near.physicalOffset, near.size)).not.toBeNull();
  await store[Symbol.asyncDispose]();
});

test("an offset at which no record begins gives nothing", async () => {
  const { store, results } = await largeStore();
  for (
    const physicalOffset of [-1, 1, results[3]!.physicalOffset + 8, store.maxPhysicalOffset, 1e15]
  ) {
    expect(await store.read(physicalOffset)).toBeNull();
    expect(await store.read(physicalOffset, 500)).toBeNull();
    expect(store.readHot(physicalOffset, 500 * MIB)).toBeNull();
  }
  await store[Symbol.asyncDispose]();
});

test("a stretch ends at its length, its file or the confirm offset", async () => {
  const { store, results } = await largeStore();
  const view = (await store.readRange(results[5]!.physicalOffset, MIB))!;
  expect(view.size).toBe(MIB);
  expect(viewBytes(view).subarray(0, results[5]!.size))
    .toEqual(viewBytes(await store.read(results[5]!.physicalOffset)));
  expect((await store.readRange(4 * MIB - 100, MIB))!.size).toBe(100);
  expect((await store.readRange(store.confirmOffset - 50, MIB))!.size).toBe(50);
  expect(await store.readRange(store.confirmOffset, MIB)).toBeNull();
  await store[Symbol.asyncDispose]();
});

test("a view that was handed out keeps its bytes while the ring goes round in the same turn", async () => {
  const clock = new VirtualClock();
  const hot = new HotTail(new Turns(clock), { chunkBytes: 64, chunkCount: 3 });
  const first = hot.advance(0, 0);
  first.buffer.fill(1, 0, 64);
  first.written = 64;
  const view = hot.find(10, 20)!;
  for (let round = 1; round < 6; round++) {
    const chunk = hot.advance(round * 64, 0);
    chunk.buffer.fill(round + 1);
    chunk.written = 64;
  }
  expect(viewBytes(view).every((byte) => byte === 1)).toBe(true);
  expect(hot.find(10, 20)).toBeNull();
  expect(viewBytes(hot.find(5 * 64, 64)).every((byte) => byte === 6)).toBe(true);
  expect(hot.find(4 * 64 + 60, 10)).toBeNull();
  await clock.advance(1);
});

test("once nobody can be looking, a chunk's buffer is used again, and a large one is not kept", async () => {
  const clock = new VirtualClock();
  const hot = new HotTail(new Turns(clock), { chunkBytes: 64, chunkCount: 2 });
  const buffers = new Set();
  for (let round = 0; round < 10; round++) {
    const chunk = hot.advance(round * 64, 0);
    chunk.written = 64;
    hot.find(round * 64, 8);
    buffers.add(chunk.buffer);
    await clock.advance(1);
  }
  expect(buffers.size).toBe(2);
  expect(hot.advance(1000, 500).buffer.length).toBe(500);
  hot.advance(2000, 0);
  expect(hot.advance(3000, 0).buffer.length).toBe(64);
});
