import { beforeEach, describe, expect, test } from "bun:test";
import type { QueueCursor } from "../../../store/message_store.ts";
import { parseSubscription } from "../clients/subscription.ts";
import { Selection, Selector } from "./selection.ts";

const RECORD_BYTES = 1000;
const TAG_A = 2598919;
const all = parseSubscription("T", "*", "TAG", 0)!;
const tagA = parseSubscription("T", "TagA", "TAG", 0)!;
const settings = {
  maxFilterMessageSize: 16_000,
  maxTransferBytesOnMessageInMemory: 256 * 1024,
  maxTransferCountOnMessageInMemory: 32,
  maxTransferBytesOnMessageInDisk: 64 * 1024,
  maxTransferCountOnMessageInDisk: 8,
  accessMessageInMemoryMaxRatio: 40,
};

/** A queue whose entries point at records of one size, one after the other. */
class FakeQueue {
  minOffset = 0;
  maxOffset = 1000;
  minPhysicalOffset = 0;
  confirmOffset = 1_000_000;
  tagsCodeOf = (_offset: number): number => TAG_A;

  queueBounds(topic: string) {
    return topic === "T" ? { minOffset: this.minOffset, maxOffset: this.maxOffset } : null;
  }

  emptyMinOffset() {
    return 0;
  }

  openCursor(_topic: string, _queueId: number, queueOffset: number): QueueCursor {
    const queue = this as FakeQueue;
    let next = queueOffset;
    return {
      queueOffset: 0,
      physicalOffset: 0,
      size: RECORD_BYTES,
      tagsCode: 0,
      batchCount: 1,
      areTagsDoubted: () => false,
      next() {
        if (next >= queue.maxOffset) return false;
        this.queueOffset = next;
        this.physicalOffset = next * RECORD_BYTES;
        this.tagsCode = queue.tagsCodeOf(next);
        next++;
        return true;
      },
    };
  }
}

describe("what a pull gets", () => {
  let queue: FakeQueue;

  beforeEach(() => {
    queue = new FakeQueue();
  });

  function select(offset: number, maxCount = 32, subscription = all, topic = "T", memory = 1e12) {
    const selection = new Selection();
    new Selector(queue, settings, memory).select(
      selection,
      topic,
      0,
      offset,
      maxCount,
      subscription,
    );
    return selection;
  }

  test.each([
    [-1, "OFFSET_TOO_SMALL", 0],
    [1000, "OFFSET_OVERFLOW_ONE", 1000],
    [1001, "OFFSET_OVERFLOW_BADLY", 1000],
  ])("at offset %p is %p, to go on at %p", (offset, status, nextOffset) => {
    expect(select(offset)).toMatchObject({ status, nextOffset, recordCount: 0 });
  });

  test("from a queue that isn't there is as from an empty one", () => {
    expect(select(7, 32, all, "U")).toMatchObject({ status: "NO_MESSAGE_IN_QUEUE", nextOffset: 0 });
  });

  test("are as many messages as it asks for, and no more than 32", () => {
    expect(select(10, 5)).toMatchObject({
      status: "FOUND",
      recordCount: 5,
      totalBytes: 5000,
      nextOffset: 15,
    });
    expect(select(10, 100).recordCount).toBe(32);
  });

  test("are 8 when they are further from the log's end than memory reaches", () => {
    expect(select(0, 32, all, "T", 100_000).recordCount).toBe(8);
    expect(select(0, 32, all, "T", 100_000).fellBehind).toBeTrue();
    expect(select(980, 32, all, "T", 100_000).recordCount).toBe(20);
  });

  test("are what the tags match, and the offset moves over the others", () => {
    queue.tagsCodeOf = (offset) => offset % 10 === 0 ? TAG_A : 1;
    expect(select(1, 3, tagA)).toMatchObject({ recordCount: 3, nextOffset: 31 });
  });

  test("is nothing after 800 entries without a match, to go on behind them", () => {
    queue.tagsCodeOf = () => 1;
    expect(select(0, 32, tagA)).toMatchObject({ status: "NO_MATCHED_MESSAGE", nextOffset: 800 });
    expect(select(800, 32, tagA)).toMatchObject({ status: "NO_MATCHED_MESSAGE", nextOffset: 1000 });
  });

  test("skips entries whose records left the log", () => {
    queue.minPhysicalOffset = 5 * RECORD_BYTES;
    const selection = select(0, 2);
    expect(selection).toMatchObject({ status: "FOUND", recordCount: 2, nextOffset: 7 });
    expect(selection.physicalOffsets[0]).toBe(5 * RECORD_BYTES);
    queue.minPhysicalOffset = 1_000_000;
    expect(select(999)).toMatchObject({ status: "MESSAGE_WAS_REMOVING", nextOffset: 1000 });
  });
});
