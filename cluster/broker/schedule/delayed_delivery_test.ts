import { beforeEach, describe, expect, test } from "bun:test";
import { crc32Masked } from "../../../core/bytes/crc32.ts";
import { silentLogger } from "../../../core/log.ts";
import { encodeRecord } from "../../../core/message/record.ts";
import { MAGIC_V1 } from "../../../core/message/record_layout.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import type {
  ArrivalListener,
  MessageToStore,
  PutStatus,
  QueueCursor,
} from "../../../store/message_store.ts";
import { DelayLevels } from "../../../store/schedule/delay_levels.ts";
import { DelayOffsets } from "../../../store/schedule/delay_offsets.ts";
import { ENTRIES_AS_THEY_ARE } from "../../../store/testing_store.ts";
import { noStats } from "../stats_sink.ts";
import { DelayedDelivery } from "./delayed_delivery.ts";

const address = new Uint8Array([127, 0, 0, 1]);

interface Entry {
  record: Uint8Array;
  dueMs: number;
}

/** The delay topic's queues in memory, and what was put. */
class FakeStore {
  readonly queues = new Map<number, Entry[]>();
  readonly delivered: { message: MessageToStore; atMs: number }[] = [];
  readonly confirmOffset = 0;
  readonly minPhysicalOffset = 0;
  readonly entries = ENTRIES_AS_THEY_ARE;
  putStatus: PutStatus = "ok";
  private listener: ArrivalListener = () => {};

  constructor(private readonly clock: VirtualClock) {}

  schedule(level: number, key: string, dueMs: number, properties?: string): void {
    const queueId = level - 1;
    const queue = this.queues.get(queueId) ?? [];
    this.queues.set(queueId, queue);
    const text = properties ??
      `DELAY\x01${level}\x02KEYS\x01${key}\x02REAL_TOPIC\x01T\x02REAL_QID\x013\x02`;
    const body = new TextEncoder().encode(key);
    const record = encodeRecord({
      magic: MAGIC_V1,
      bodyCrc: crc32Masked(body),
      queueId,
      flag: 7,
      queueOffset: queue.length,
      physicalOffset: queueId * 1_000_000 + queue.length,
      sysFlag: 0,
      bornTimestampMs: 11,
      bornAddress: address,
      bornPort: 1,
      storeTimestampMs: 12,
      storeAddress: address,
      storePort: 2,
      reconsumeTimes: 4,
      preparedTransactionOffset: 0,
      body,
      topic: "SCHEDULE_TOPIC_XXXX",
      properties: new TextEncoder().encode(text),
    });
    queue.push({ record, dueMs });
    this.listener("SCHEDULE_TOPIC_XXXX", queueId, queue.length - 1, dueMs, 0);
  }

  queueBounds(_topic: string, queueId: number) {
    const queue = this.queues.get(queueId);
    return queue === undefined ? null : { minOffset: 0, maxOffset: queue.length };
  }

  openCursor(_topic: string, queueId: number, queueOffset: number): QueueCursor {
    const queue = this.queues.get(queueId)!;
    let next = queueOffset;
    return {
      queueOffset: 0,
      physicalOffset: 0,
      size: 0,
      tagsCode: 0,
      batchCount: 1,
      areTagsDoubted: () => false,
      next() {
        const entry = queue[next];
        if (entry === undefined) return false;
        this.queueOffset = next;
        this.physicalOffset = queueId * 1_000_000 + next++;
        this.size = entry.record.length;
        this.tagsCode = entry.dueMs;
        return true;
      },
    };
  }

  readHot(physicalOffset: number) {
    const queueId = Math.floor(physicalOffset / 1_000_000);
    const { record } = this.queues.get(queueId)![physicalOffset % 1_000_000]!;
    return { buffer: record, start: 0, size: record.length };
  }

  readInto() {
    return Promise.resolve(0);
  }

  put(messages: readonly MessageToStore[]) {
    const status = this.putStatus;
    if (status === "ok") {
      const atMs = this.clock.nowMs();
      for (const message of messages) this.delivered.push({ message, atMs });
    }
    const result = { status, detail: "", physicalOffset: 0, queueOffset: 0, storeTimestampMs: 0 };
    return Promise.resolve(messages.map(() => ({ ...result, size: 1 })));
  }

  onArrival(listener: ArrivalListener): void {
    this.listener = listener;
  }
}

describe("delayed messages", () => {
  let clock: VirtualClock;
  let store: FakeStore;
  let offsets: DelayOffsets;
  let startMs: number;

  beforeEach(() => {
    clock = new VirtualClock();
    store = new FakeStore(clock);
    offsets = new DelayOffsets(0);
    startMs = clock.nowMs();
  });

  function start(): DelayedDelivery {
    const delivery = new DelayedDelivery({
      store,
      levels: DelayLevels.parse("1s 5s 10s"),
      offsets,
      clock,
      log: silentLogger,
      stats: noStats,
    });
    delivery.start();
    return delivery;
  }

  const keys = () => store.delivered.map(({ message }) => new TextDecoder().decode(message.body));

  test("are delivered when they are due, each level by itself and in order", async () => {
    start();
    store.schedule(2, "c", startMs + 5_000);
    store.schedule(1, "a", startMs + 1_000);
    store.schedule(1, "b", startMs + 1_200);
    await clock.advance(999);
    expect(keys()).toEqual([]);
    await clock.advance(1);
    expect(keys()).toEqual(["a"]);
    await clock.advance(4_000);
    expect(keys()).toEqual(["a", "b", "c"]);
    expect(store.delivered.map(({ atMs }) => atMs - startMs)).toEqual([1_000, 1_200, 5_000]);
    expect(offsets.all()).toEqual([[1, 2], [2, 1]]);
  });

  test("keep their properties, and go to their real topic and queue", async () => {
    start();
    store.schedule(1, "a", startMs);
    await clock.advance(0);
    const { message } = store.delivered[0]!;
    expect(message).toMatchObject({
      topic: "T",
      queueId: 3,
      flag: 7,
      bornTimestampMs: 11,
      reconsumeTimes: 4,
      keys: "a",
      tagsCode: 0,
    });
    expect(new TextDecoder().decode(message.properties)).toBe(
      "DELAY\x011\x02KEYS\x01a\x02REAL_TOPIC\x01T\x02REAL_QID\x013\x02",
    );
  });

  test("that came due while the broker was down are delivered at the start", async () => {
    for (let index = 0; index < 300; index++) store.schedule(1, String(index), startMs - 10);
    offsets.set(1, 200, 1, 0);
    start();
    await clock.advance(0);
    expect(keys()).toEqual(Array.from({ length: 100 }, (_, index) => String(index + 200)));
  });

  test("are tried again after 100 ms when they couldn't be stored", async () => {
    start();
    store.putStatus = "disk_full";
    store.schedule(1, "a", startMs);
    await clock.advance(250);
    expect(offsets.get(1)).toBe(0);
    store.putStatus = "ok";
    await clock.advance(100);
    expect(keys()).toEqual(["a"]);
    expect(offsets.get(1)).toBe(1);
  });

  test("due later than their level allows are delivered now: a clock was wrong", async () => {
    start();
    store.schedule(1, "a", startMs + 1_000_000);
    await clock.advance(0);
    expect(keys()).toEqual(["a"]);
  });

  test("are due by the wall clock, also when it is moved", async () => {
    start();
    store.schedule(3, "a", startMs + 10_000);
    await clock.advance(10);
    clock.jumpWall(10_000);
    await clock.advance(1_000);
    expect(keys()).toEqual(["a"]);
  });

  test("that don't say where they go are passed over", async () => {
    start();
    store.schedule(1, "x", startMs, "REAL_TOPIC\x01T\x02");
    store.schedule(1, "a", startMs);
    await clock.advance(0);
    expect(keys()).toEqual(["a"]);
    expect(offsets.get(1)).toBe(2);
  });

  test("whose records are damaged keep none back that come after them, and aren't delivered as if they were sound", async () => {
    start();
    for (const key of ["body", "lengths", "a"]) store.schedule(1, key, startMs);
    const [body, lengths] = store.queues.get(0)!;
    body!.record[89]! ^= 1;
    lengths!.record[87] = 200;
    await clock.advance(0);
    expect(keys()).toEqual(["a"]);
    expect(offsets.get(1)).toBe(3);
  });

  test("aren't delivered any more once the broker stops", async () => {
    const delivery = start();
    store.schedule(1, "a", startMs + 1_000);
    await delivery[Symbol.asyncDispose]();
    await clock.advance(5_000);
    expect(keys()).toEqual([]);
  });
});
