// A filtered scan over a log that lies on the disk: nothing is hot, records cross blocks, and some have left the log.
import { silentLogger } from "../../../core/log.ts";
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { ENTRIES_AS_THEY_ARE } from "../../../store/testing_store.ts";
import type { QueueCursor } from "../../../store/message_store.ts";
import { parseSubscription } from "../clients/subscription.ts";
import { COLD_BLOCK_BYTES } from "./cold_blocks.ts";
import { FilteredScan } from "./filtered_scan.ts";
import type { PullFields } from "./pull_request.ts";
import { RecordBytes } from "./record_bytes.ts";
import { Selection, Selector } from "./selection.ts";

const RECORDS = 600;
const RECORD_BYTES = 5003;
const settings = {
  maxFilterMessageSize: 16_000,
  maxTransferBytesOnMessageInMemory: 256 * 1024,
  maxTransferCountOnMessageInMemory: 32,
  maxTransferBytesOnMessageInDisk: 64 * 1024,
  maxTransferCountOnMessageInDisk: 8,
  accessMessageInMemoryMaxRatio: 40,
};
const subscription = parseSubscription("T", "a = 1", "SQL92", 0)!;

/** Records of one size whose first and last two bytes are their number, all of them on the disk. */
class ColdLog {
  readonly log = Buffer.alloc(RECORDS * RECORD_BYTES);
  readonly confirmOffset = this.log.length;
  /** Its records have no heads that could be judged. */
  readonly entries = ENTRIES_AS_THEY_ARE;
  minPhysicalOffset = 0;
  /** Bytes that reads find, from the log's beginning. */
  readableBytes = this.log.length;
  reads = 0;

  constructor() {
    for (let n = 0; n < RECORDS; n++) {
      this.log.writeUInt16BE(n, n * RECORD_BYTES);
      this.log.writeUInt16BE(n, (n + 1) * RECORD_BYTES - 2);
    }
  }

  readHot(): null {
    return null;
  }

  read(): Promise<null> {
    return Promise.resolve(null);
  }

  readInto(target: Buffer, start: number, length: number, physicalOffset: number): Promise<number> {
    this.reads++;
    const end = Math.min(physicalOffset + length, this.readableBytes);
    return Promise.resolve(
      end <= physicalOffset ? 0 : this.log.copy(target, start, physicalOffset, end),
    );
  }

  queueBounds() {
    return { minOffset: 0, maxOffset: RECORDS };
  }

  emptyMinOffset() {
    return 0;
  }

  openCursor(_topic: string, _queueId: number, queueOffset: number): QueueCursor {
    let next = queueOffset;
    return {
      queueOffset: 0,
      physicalOffset: 0,
      size: RECORD_BYTES,
      tagsCode: 0,
      batchCount: 1,
      areTagsDoubted: () => false,
      next() {
        if (next >= RECORDS) return false;
        this.queueOffset = next;
        this.physicalOffset = next * RECORD_BYTES;
        next++;
        return true;
      },
    };
  }
}

async function scan(log: ColdLog, wants: (n: number) => boolean): Promise<number[]> {
  const records = new RecordBytes(log, silentLogger);
  const selector = new Selector(log, settings, 1e12);
  const filter = {
    matches(buffer: Buffer, start: number, size: number) {
      const n = buffer.readUInt16BE(start);
      expect([size, buffer.readUInt16BE(start + size - 2)]).toEqual([RECORD_BYTES, n]);
      return wants(n);
    },
  };
  const found: number[] = [];
  for (let queueOffset = 0; queueOffset < RECORDS;) {
    const selection = new Selection();
    const fields = { topic: "T", queueId: 0, queueOffset, maxMsgNums: 32 } as PullFields;
    await new FilteredScan(log, records, selector, filter).run(selection, fields, subscription);
    for (let index = 0; index < selection.recordCount; index++) {
      found.push(selection.physicalOffsets[index]! / RECORD_BYTES);
    }
    expect(selection.nextOffset).toBeGreaterThan(queueOffset);
    queueOffset = selection.nextOffset;
  }
  return found;
}

const numbers = Array.from({ length: RECORDS }, (_, n) => n);

describe("a filtered scan of a cold log", () => {
  test("finds every wanted record, those across blocks too, and reads each block once", async () => {
    const log = new ColdLog();
    expect(await scan(log, (n) => n % 3 === 1)).toEqual(numbers.filter((n) => n % 3 === 1));
    // A read that comes short at the log's end is tried once more.
    const blocks = Math.ceil(log.log.length / COLD_BLOCK_BYTES);
    expect(log.reads).toBeLessThanOrEqual(blocks + 2);
  });

  test("steps over what has left the log", async () => {
    const log = new ColdLog();
    log.minPhysicalOffset = 100 * RECORD_BYTES;
    expect(await scan(log, (n) => n % 2 === 0)).toEqual(
      numbers.filter((n) => n >= 100 && n % 2 === 0),
    );
  });

  test("ends though records can't be read", async () => {
    const log = new ColdLog();
    log.readableBytes = 300 * RECORD_BYTES - 1;
    expect(await scan(log, () => true)).toEqual(numbers.filter((n) => n < 299));
  });
});
