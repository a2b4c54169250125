// A message that is a finished record is stored as the same message in its general form would be.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatProperties } from "../../../core/message/properties.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import { withoutCrcProperty } from "../../../core/message/crc_property.ts";
import type { FileMessageStore } from "../../../store/message_store_impl.ts";
import type { MessageToStore } from "../../../store/message_store.ts";
import {
  newMemoryDisk,
  openTestStore,
  testMessage,
  type TestStoreOptions,
  viewBytes,
} from "../../../store/testing_store.ts";
import { RecordArena } from "./record_arena.ts";
import { TimedRecord } from "./timed_message.ts";

/** The fields alone, as any other part of the broker hands them over. */
function generalForm(message: MessageToStore): MessageToStore {
  return {
    topic: message.topic,
    queueId: message.queueId,
    flag: message.flag,
    sysFlag: message.sysFlag,
    bornTimestampMs: message.bornTimestampMs,
    bornAddress: message.bornAddress,
    bornPort: message.bornPort,
    reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset,
    body: message.body,
    properties: message.properties,
    tagsCode: message.tagsCode,
    uniqueKey: message.uniqueKey,
    keys: message.keys,
    batchCount: message.batchCount,
  };
}

async function recordOf(store: FileMessageStore, physicalOffset: number, size: number) {
  const bytes = viewBytes(await store.read(physicalOffset, size));
  const record = decodeRecord(bytes);
  const head = Buffer.from(bytes.subarray(0, record.parts.bodyStart));
  // Place, number and store time are of the put.
  head.fill(0, 20, 36);
  head.writeBigInt64BE(0n, record.parts.bodyStart - 32 - (record.storeAddress.length - 4));
  return {
    head: head.toString("hex"),
    topic: record.topic,
    body: Buffer.from(record.body).toString("hex"),
    properties: Buffer.from(withoutCrcProperty(record.properties)).toString("utf8"),
    store: [...record.storeAddress, record.storePort],
  };
}

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 10 }).filter((value) =>
  value.isWellFormed() && [...value].every((character) => character > "\u0002")
);
interface Waiting {
  topic: string;
  queueId: number;
  more: Record<string, string>;
  old: [string, string][];
  bodyBytes: number;
  isV6: boolean;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
}
const waiting: fc.Arbitrary<Waiting> = fc.record({
  topic: fc.constantFrom("Real", "R".repeat(127), "R".repeat(128)),
  queueId: fc.nat(20),
  more: fc.dictionary(fc.constantFrom("KEYS", "TAGS", "UNIQ_KEY", "a"), text),
  old: fc.constantFrom<[string, string][]>([], [["TIMER_DEQUEUE_MS", "5"]]),
  bodyBytes: fc.nat(300),
  isV6: fc.boolean(),
  reconsumeTimes: fc.nat(9),
  preparedTransactionOffset: fc.nat(9),
});

/** Puts a message that waits, delivers it both ways and gives the two records. */
async function both(options: TestStoreOptions, fields: Waiting) {
  await using store = await openTestStore(newMemoryDisk(), options);
  const { bodyBytes, isV6, more, old, queueId, topic, ...rest } = fields;
  const properties = formatProperties([
    ...old,
    ...Object.entries(more),
    ["TIMER_OUT_MS", "1000"],
    ["REAL_TOPIC", topic],
    ["REAL_QID", String(queueId)],
  ]);
  const [put] = await store.put([testMessage(1, {
    ...rest,
    topic: "rmq_sys_wheel_timer",
    queueId: 0,
    bodyBytes,
    properties: Buffer.from(properties),
    bornAddress: new Uint8Array(isV6 ? 16 : 4).fill(7),
  })]);
  const record = new TimedRecord(new RecordArena());
  const bytes = viewBytes(await store.read(put!.physicalOffset, put!.size));
  const view = { buffer: bytes, start: 0, size: bytes.length };
  expect(record.read(view, put!.physicalOffset)).toBeTrue();
  const message = record.delivered("900", "1001")!;
  const [finished, general] = await store.put([message, generalForm(message)]);
  expect([finished!.status, general!.status]).toEqual(["ok", "ok"]);
  expect(finished!.size).toBe(general!.size);
  expect(general!.queueOffset).toBe(finished!.queueOffset + 1);
  for (const key of [...message.keys.split(" "), message.uniqueKey].filter((key) => key !== "")) {
    const { offsets } = await store.queryIndex(topic, key, 10, 0, Date.now() + 60_000);
    expect(offsets).toContain(finished!.physicalOffset);
    expect(offsets).toContain(general!.physicalOffset);
  }
  return {
    message,
    finished: await recordOf(store, finished!.physicalOffset, finished!.size),
    general: await recordOf(store, general!.physicalOffset, general!.size),
  };
}

for (
  const [name, options] of [
    ["", {}],
    [" with sums behind its records", { appendPropertyCrc: true }],
    [" with light queues", { lightQueues: true }],
    [" of an IPv6 host", { storeAddress: new Uint8Array(16).fill(3) }],
  ] as const
) {
  test(`a due message's record is that of its general form in a store${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(waiting, async (fields) => {
        const { finished, general, message } = await both(options, fields);
        expect(finished).toEqual(general);
        expect(finished.topic).toBe(fields.topic);
        expect(message.queueId).toBe(fields.queueId);
      }),
      { numRuns: 40 },
    );
  });
}

test("a record is finished only while it fits the topic's short form and carries no sum", async () => {
  const fields: Omit<Waiting, "topic"> = {
    queueId: 1,
    more: {},
    old: [],
    bodyBytes: 9,
    isV6: false,
    reconsumeTimes: 0,
    preparedTransactionOffset: 7,
  };
  expect((await both({}, { ...fields, topic: "Real" })).message.finished).toBeDefined();
  const long = await both({}, { ...fields, topic: "R".repeat(128) });
  expect(long.message.finished).toBeUndefined();
  const summed = await both({ appendPropertyCrc: true }, { ...fields, topic: "Real" });
  expect(summed.message.finished).toBeUndefined();
});
