// Bodies that real brokers sent, the deflated and the old form, and what isn't a body.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { DecodeError } from "../../core/errors.ts";
import { fixtureLines } from "../../testdata/fixtures.ts";
import { bodyFingerprint } from "./body_fingerprint.ts";
import { parseJsonText } from "./json_values.ts";
import { decodeRegistrationBody, formOf } from "./registration_body.ts";
import type { DataVersion } from "./route_model.ts";

interface Recorded {
  dir: string;
  header?: { code: number; extFields: Record<string, string> };
  kind?: string;
  bodyUtf8?: string;
  bodyTruncated?: boolean;
}

interface RecordedBody {
  topicConfigSerializeWrapper: {
    dataVersion: DataVersion;
    topicConfigTable: Record<
      string,
      { readQueueNums: number; writeQueueNums: number; perm: number; topicSysFlag: number }
    >;
  };
}

const V5_4_0 = 493;
const JSON_FORM = { compressed: false, version: V5_4_0 };
const DEFLATED_FORM = { compressed: true, version: V5_4_0 };

/** What brokers registered with while fixtures were recorded. */
const bodies = ["json", "rocketmq", "acl", "ha", "dledger"].flatMap((folder) =>
  fixtureLines<Recorded>(`wire/${folder}/broker-namesrv.jsonl`)
    .filter((line) => line.header?.code === 103 && line.dir === "c2s" && !line.bodyTruncated)
    .map((line) => line.bodyUtf8!)
);

/** The deflated form, as RegisterBrokerBody.encode makes it of these pieces. */
function deflated(...pieces: (string | number)[]): Buffer {
  const parts = pieces.flatMap((piece) => {
    const count = Buffer.alloc(4);
    count.writeInt32BE(typeof piece === "number" ? piece : Buffer.byteLength(piece));
    return typeof piece === "number" ? [count] : [count, Buffer.from(piece)];
  });
  return deflateSync(Buffer.concat(parts), { level: 9 });
}

const MAPPING =
  '{"bname":"b","currIdMap":{0:0,10:2,1:1},"dirty":false,"epoch":7,"scope":"__global__","topic":"S","totalQueues":3}';
const VERSION = '{"counter":3,"stateVersion":2,"timestamp":1795248880139}';

describe("a registration's body", () => {
  test("is read as 5.4.0 brokers recorded it", () => {
    expect(bodies.length).toBeGreaterThan(0);
    for (const text of bodies) {
      const content = decodeRegistrationBody(Buffer.from(text), JSON_FORM);
      const { topicConfigSerializeWrapper: wrapper } = parseJsonText(text) as RecordedBody;
      expect(content.version).toEqual(wrapper.dataVersion);
      expect([...content.topics.keys()]).toEqual(Object.keys(wrapper.topicConfigTable));
      for (const [topic, settings] of content.topics) {
        const config = wrapper.topicConfigTable[topic]!;
        expect(settings).toEqual({
          readQueueCount: config.readQueueNums,
          writeQueueCount: config.writeQueueNums,
          perm: config.perm,
          topicSysFlag: config.topicSysFlag,
        });
      }
    }
  });

  test("may be deflated, with static topics whose integer keys are bare", () => {
    const body = deflated(
      VERSION,
      2,
      'T 4 5 6 SINGLE_TAG {"+a":"b c"}',
      "U 1 1 4 MULTI_TAG ",
      '["f:1"]',
      1,
      MAPPING,
    );
    const content = decodeRegistrationBody(body, DEFLATED_FORM);
    expect(content.version).toEqual({ counter: 3, stateVersion: 2, timestamp: 1795248880139 });
    expect([...content.topics]).toEqual([
      ["T", { readQueueCount: 4, writeQueueCount: 5, perm: 6, topicSysFlag: 0 }],
      ["U", { readQueueCount: 1, writeQueueCount: 1, perm: 4, topicSysFlag: 0 }],
    ]);
    expect(content.filterServers).toEqual(["f:1"]);
    expect(content.mappings.get("S")?.currentIds).toEqual([[0, 0], [1, 1], [10, 2]]);
  });

  test("of a 4.9 broker ends before the mappings", () => {
    const body = deflated(VERSION, 1, "T 4 4 6 SINGLE_TAG", "[]");
    const content = decodeRegistrationBody(body, { compressed: true, version: 400 });
    expect([...content.topics.keys()]).toEqual(["T"]);
    expect(() => decodeRegistrationBody(body, DEFLATED_FORM)).toThrow(DecodeError);
  });

  test("of a broker before 3.0.11 is the topic table alone", () => {
    const body = Buffer.from(
      `{"dataVersion":${VERSION},"topicConfigTable":{"T":{"topicName":"T"}}}`,
    );
    const content = decodeRegistrationBody(body, { compressed: false, version: 30 });
    expect([...content.topics]).toEqual([
      ["T", { readQueueCount: 16, writeQueueCount: 16, perm: 6, topicSysFlag: 0 }],
    ]);
    expect(content.filterServers).toBeNull();
  });

  test("is known as deflated by its first byte when its header denies it", () => {
    expect(formOf(deflated(VERSION, 0, "[]", 0), false, V5_4_0)).toEqual(DEFLATED_FORM);
    expect(formOf(Buffer.from("{}"), false, V5_4_0)).toEqual(JSON_FORM);
    expect(formOf(Buffer.alloc(0), false, V5_4_0)).toEqual(JSON_FORM);
  });

  test("cut anywhere is refused by a typed error", () => {
    const plain = deflated(
      VERSION,
      2,
      "T 4 5 6 SINGLE_TAG {}",
      "U 1 1 4 MULTI_TAG",
      "[]",
      1,
      MAPPING,
    );
    for (let length = 1; length < plain.length; length++) {
      expect(() => decodeRegistrationBody(plain.subarray(0, length), DEFLATED_FORM))
        .toThrow(DecodeError);
    }
    const text = Buffer.from(bodies[0]!);
    for (let length = 1; length < text.length; length += 97) {
      expect(() => decodeRegistrationBody(text.subarray(0, length), JSON_FORM)).toThrow(
        DecodeError,
      );
    }
  });

  test("of any bytes is read or refused by a typed error", () => {
    const form = fc.record({ compressed: fc.boolean(), version: fc.constantFrom(30, 400, V5_4_0) });
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => deflateSync(bytes)),
      fc.json().map((text) => Buffer.from(`{"topicConfigSerializeWrapper":${text}}`)),
    );
    fc.assert(
      fc.property(body, form, (bytes, form) => {
        try {
          decodeRegistrationBody(bytes, form);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("that inflates beyond the limit is refused before it is held", () => {
    const bomb = deflateSync(Buffer.alloc(80 * 1024 * 1024), { level: 9 });
    expect(bomb.length).toBeLessThan(100_000);
    expect(() => decodeRegistrationBody(bomb, DEFLATED_FORM)).toThrow(DecodeError);
  });
});

describe("a body's fingerprint", () => {
  const text = bodies[0]!;
  const print = (body: string, form = "json") => bodyFingerprint(Buffer.from(body), form);

  test("is the same when only the mapping version moved, as it does every time", () => {
    const moved = text.replace(
      /"mappingDataVersion":\{[^}]*\}/,
      '"mappingDataVersion":{"counter":9,"stateVersion":123,"timestamp":1}',
    );
    expect(moved).not.toBe(text);
    expect(print(moved)).toBe(print(text));
  });

  test("differs when the data version, a topic, a filter server or the form does", () => {
    const others = [
      text.replace('"counter":0', '"counter":1'),
      text.replace('"perm":6', '"perm":4'),
      text.replace('"filterServerList":[]', '"filterServerList":["f"]'),
    ];
    for (const other of others) {
      expect(other).not.toBe(text);
      expect(print(other)).not.toBe(print(text));
    }
    expect(print(text, "old")).not.toBe(print(text));
  });

  test("of deflated bodies differs with any byte", () => {
    const body = deflated(VERSION, 1, "T 4 5 6 SINGLE_TAG {}", "[]", 0);
    const prints = new Set([bodyFingerprint(body, "deflated5")]);
    for (let at = 0; at < body.length; at++) {
      const other = Buffer.from(body);
      other[at] = other[at]! ^ 1;
      prints.add(bodyFingerprint(other, "deflated5"));
    }
    expect(prints.size).toBe(body.length + 1);
  });
});
