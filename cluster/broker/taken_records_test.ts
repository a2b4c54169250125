// A record that is read is a view of memory that other records come to: what is stored again of it must be a copy.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { MessageToStore, RecordView } from "../../store/message_store.ts";
import { recordedStores } from "../../testdata/recorded_stores.ts";
import { retryMessageOf } from "./pop/retry_message.ts";
import { delayedMessageOf } from "./schedule/delayed_message.ts";
import { committed, halfMessageOf } from "./transactions/half_message.ts";

const recorded = recordedStores()[0]!;
const host = { address: new Uint8Array([127, 0, 0, 1]), port: 1 };

const taken: [string, (view: RecordView) => MessageToStore][] = [
  ["RMQ_SYS_TRANS_HALF_TOPIC", (view) => committed(halfMessageOf(view)!)],
  ["SCHEDULE_TOPIC_XXXX", (view) => delayedMessageOf(view)!],
  ["SCHEDULE_TOPIC_XXXX", (view) => ({ ...retryMessageOf(view, "g", 1, host), topic: "%RETRY%g" })],
];

/** The bytes of a message, as text. */
function bytesOf({ body, bornAddress, properties }: MessageToStore): string[] {
  return [body, bornAddress, properties].map((bytes) => Buffer.from(bytes).toString("latin1"));
}

for (const [topic, take] of taken) {
  test(`a message taken from ${topic} stays as it was when its record's memory is used again`, () => {
    const record = recorded.records.find((each) => each.topic === topic)!;
    const { phyOffset, size } = record;
    const buffer = Buffer.from(recorded.log.subarray(phyOffset, phyOffset + size));
    const message = take({ buffer, start: 0, size });
    const before = bytesOf(message);
    buffer.fill(0x78);
    expect(bytesOf(message)).toEqual(before);
    expect(before[0]).not.toBe("");
  });
}
