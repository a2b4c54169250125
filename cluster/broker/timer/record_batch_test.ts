// Records that lie together are read by one read, and each is there whatever a read brings.
import type { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import { RecordBatch, type RecordSource } from "./record_batch.ts";

const FILE_BYTES = 100_000;

/** A log whose byte at an offset is the offset's low byte; reads end with their file, as the log's do. */
class PatternLog implements RecordSource {
  reads: [offset: number, length: number][] = [];
  /** How long each read takes. */
  tookMs = 0;
  nowMs = 0;

  constructor(private readonly endOffset: number) {}

  readHot(): null {
    return null;
  }

  readIntoNow(target: Buffer, start: number, length: number, physicalOffset: number): number {
    this.reads.push([physicalOffset, length]);
    this.nowMs += this.tookMs;
    const fileEnd = physicalOffset - physicalOffset % FILE_BYTES + FILE_BYTES;
    const count = Math.max(0, Math.min(length, Math.min(fileEnd, this.endOffset) - physicalOffset));
    for (let index = 0; index < count; index++) target[start + index] = physicalOffset + index;
    return count;
  }

  readInto(target: Buffer, start: number, length: number, physicalOffset: number) {
    return Promise.resolve(this.readIntoNow(target, start, length, physicalOffset));
  }
}

function batchOf(offsets: number[], size: number, endOffset = 10 * FILE_BYTES) {
  const log = new PatternLog(endOffset);
  const batch = new RecordBatch(log, { monotonicMs: () => log.nowMs });
  for (const offset of offsets) expect(batch.add(offset, size)).toBeTrue();
  return { batch, log };
}

/** Whether the record at an index is there, its bytes those of its place. */
function isWhole(batch: RecordBatch, index: number): boolean {
  const view = batch.view(index);
  if (view === null) return false;
  const offset = batch.physicalOffsets[index]!;
  for (let at = 0; at < view.size; at++) {
    if (view.buffer[view.start + at] !== ((offset + at) & 0xff)) return false;
  }
  return true;
}

test("neighbours are read at once, with small gaps; what lies apart or backwards is read alone", () => {
  const offsets = [1000, 1300, 2000, 20_000, 20_300, 500];
  const { batch, log } = batchOf(offsets, 300);
  expect(batch.load()).toBeNull();
  expect(log.reads).toEqual([[1000, 1300], [20_000, 600], [500, 300]]);
  expect(offsets.map((_, index) => isWhole(batch, index))).not.toContain(false);
});

test("records behind the end of a file are read there, and those behind the log's end are missing", () => {
  const offsets = [FILE_BYTES - 700, FILE_BYTES - 400, FILE_BYTES, FILE_BYTES + 300];
  const { batch } = batchOf(offsets, 300, FILE_BYTES + 400);
  batch.load();
  expect(offsets.map((_, index) => isWhole(batch, index))).toEqual([true, true, true, false]);
});

test("a run is no longer than a short read", () => {
  const offsets = Array.from({ length: 300 }, (_, index) => index * 1000);
  const { batch, log } = batchOf(offsets, 1000);
  batch.load();
  expect(Math.max(...log.reads.map(([, length]) => length))).toBeLessThan(64 * 1024);
  expect(offsets.map((_, index) => isWhole(batch, index))).not.toContain(false);
});

test("after a slow read the next ones don't hold up the others", async () => {
  const offsets = [0, 300, 50_000, FILE_BYTES - 300, FILE_BYTES];
  const { batch, log } = batchOf(offsets, 300);
  log.tookMs = 5;
  const loading = batch.load();
  expect(loading).not.toBeNull();
  await loading;
  expect(offsets.map((_, index) => isWhole(batch, index))).not.toContain(false);
});
