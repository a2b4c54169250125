// Checkpoints and acknowledgements byte for byte as Apache wrote them.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { decodeRecord } from "../../core/message/record.ts";
import { fixtureArchive, fixtureJson } from "../../testdata/fixtures.ts";
import {
  ackKey,
  checkpointKey,
  decodeAck,
  decodeCheckpoint,
  encodeAck,
  encodeBatchAck,
  encodeCheckpoint,
  indexOfOffset,
  offsetOfIndex,
} from "./revive_records.ts";

interface Recorded {
  kind: string;
  phyOffset: number;
  topic: string;
  properties: Record<string, string>;
}

/** The bodies and unique keys of the revive records in Apache's store. */
function recorded(tag: string): { body: Buffer; key: string }[] {
  const files = fixtureArchive("store/store.tar.gz");
  const names = [...files.keys()].filter((name) => /^commitlog\/\d+$/.test(name)).sort();
  const log = Buffer.concat(names.map((name) => files.get(name)!));
  const { records } = fixtureJson<{ records: Recorded[] }>("expected/store.json");
  return records
    .filter(({ kind, topic, properties }) =>
      kind === "message" && properties["TAGS"] === tag &&
      (topic.startsWith("rmq_sys_REVIVE_LOG_") ||
        properties["REAL_TOPIC"]?.startsWith("rmq_sys_REVIVE_LOG_") === true)
    )
    .map(({ phyOffset, properties }) => ({
      body: Buffer.from(decodeRecord(log, phyOffset).body),
      key: properties["UNIQ_KEY"]!,
    }));
}

describe("a recorded", () => {
  test("checkpoint is read and written with the same bytes and key", () => {
    const records = recorded("ck");
    expect(records.length).toBeGreaterThan(5);
    for (const { body, key } of records) {
      const checkpoint = decodeCheckpoint(body)!;
      expect(Buffer.from(encodeCheckpoint(checkpoint)).toString()).toBe(body.toString());
      expect(checkpointKey(checkpoint)).toBe(key);
    }
  });

  test("acknowledgement is read and written with the same bytes and key", () => {
    const records = recorded("ack");
    expect(records.length).toBeGreaterThan(5);
    for (const { body, key } of records) {
      const ack = decodeAck(body)!;
      expect(Buffer.from(encodeAck(ack)).toString()).toBe(body.toString());
      expect(ackKey(ack, false)).toBe(key);
    }
  });

  test("batch of acknowledgements is read and written with the same bytes and key", () => {
    const records = recorded("bAck");
    expect(records.length).toBeGreaterThan(0);
    for (const { body, key } of records) {
      const ack = decodeAck(body)!;
      expect(Buffer.from(encodeBatchAck(ack)).toString()).toBe(body.toString());
      expect(ackKey(ack, true)).toBe(key);
    }
  });
});

test("acknowledgements of older brokers have long names", () => {
  const text =
    '{"ackOffset":3,"consumerGroup":"G","popTime":7,"queueId":1,"startOffset":2,"topic":"T"}';
  expect(decodeAck(Buffer.from(text))).toEqual({
    topic: "T",
    group: "G",
    queueId: 1,
    startOffset: 2,
    popTimeMs: 7,
    brokerName: "",
    offsets: [3],
  });
});

test("a checkpoint of an older broker counts its messages one after the other", () => {
  const text = '{"bm":0,"c":"G","it":1,"n":3,"pt":1,"q":0,"so":10,"t":"T"}';
  const checkpoint = decodeCheckpoint(Buffer.from(text))!;
  expect(offsetOfIndex(checkpoint, 2)).toBe(12);
  expect(indexOfOffset(checkpoint, 12)).toBe(2);
  expect(indexOfOffset(checkpoint, 13)).toBe(-1);
  expect(indexOfOffset(checkpoint, 9)).toBe(-1);
});

test("what isn't a record is left alone", () => {
  expect(decodeCheckpoint(Buffer.from("{"))).toBeNull();
  expect(decodeCheckpoint(Buffer.from("[]"))).toBeNull();
  expect(decodeCheckpoint(Buffer.from('{"t":"T"}'))).toBeNull();
  expect(decodeAck(Buffer.from("3-1"))).toBeNull();
});

test("acknowledgements of different pops, one after the other, each say their own", () => {
  const text = fc.constantFrom("", "a", "b", 'q"');
  const number = fc.integer({ min: 0, max: 2 });
  const ack = fc.record({
    topic: text.map((name) => `T${name}`),
    group: text.map((name) => `G${name}`),
    queueId: number,
    startOffset: number,
    popTimeMs: number,
    brokerName: text,
    offsets: fc.tuple(number),
  });
  fc.assert(fc.property(fc.array(ack), (acks) => {
    for (const one of acks) {
      const { topic, queueId, offsets, group, popTimeMs, brokerName } = one;
      expect(decodeAck(encodeAck(one))).toEqual(one);
      expect(ackKey(one, false)).toBe(
        `${topic}@${queueId}@${offsets[0]}@${group}@${popTimeMs}@${brokerName}@ack`,
      );
    }
  }));
});
