// Records: those Apache wrote decode to what Apache says of them and encode to the same bytes; damage is a DecodeError.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { crc32Masked } from "../bytes/crc32.ts";
import { AssertionError, DecodeError } from "../errors.ts";
import { decodeMessages, messagesOf } from "./client_message.ts";
import { compressionOf } from "./compression.ts";
import { CRC_PROPERTY_BYTES, readCrcProperty, writeCrcProperty } from "./crc_property.ts";
import { formatHost, parseAddress } from "./host_address.ts";
import { decodeOffsetMessageId, encodeOffsetMessageId } from "./message_id.ts";
import { encodeProperties, formatProperties, parseProperties } from "./properties.ts";
import { layoutOf, MAGIC_V1, MAGIC_V2, RECORD_BYTES_MIN, recordSize } from "./record_layout.ts";
import { decodeRecord, decodeRecords, encodeRecord, type RecordFields } from "./record.ts";
import { BORN_HOST_V6, STORE_HOST_V6 } from "./sys_flag.ts";
import { tagsCode } from "./tag_hash.ts";
import vectors from "./testdata/java_vectors.json" with { type: "json" };
import { type ExpectedRecord, recordedStores } from "../../testdata/recorded_stores.ts";

const stores = recordedStores();

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function messagesIn(records: readonly ExpectedRecord[]): ExpectedRecord[] {
  return records.filter((record) => record.kind === "message");
}

for (const { name, log, records } of stores) {
  describe(`the ${messagesIn(records).length} messages of ${name}`, () => {
    test("decode to what Apache's decoder gives", () => {
      for (const expected of messagesIn(records)) {
        const record = decodeRecord(log, expected.phyOffset);
        expect({
          size: record.size,
          magic: (record.magic >>> 0).toString(16),
          bodyCRC: record.bodyCrc,
          topic: record.topic,
          queueId: record.queueId,
          flag: record.flag,
          queueOffset: record.queueOffset,
          decodedPhyOffset: record.physicalOffset,
          sysFlag: record.sysFlag,
          bornTimestamp: record.bornTimestampMs,
          bornHost: formatHost(record.bornAddress, record.bornPort),
          storeTimestamp: record.storeTimestampMs,
          storeHost: formatHost(record.storeAddress, record.storePort),
          reconsumeTimes: record.reconsumeTimes,
          preparedTransactionOffset: record.preparedTransactionOffset,
          bodySha256: sha256(record.body),
          propertiesRaw: Buffer.from(record.properties).toString(),
          properties: Object.fromEntries(parseProperties(record.properties)),
        }).toEqual({
          size: expected.size,
          magic: expected.magic,
          bodyCRC: expected.bodyCRC,
          topic: expected.topic,
          queueId: expected.queueId,
          flag: expected.flag,
          queueOffset: expected.queueOffset,
          decodedPhyOffset: expected.decodedPhyOffset,
          sysFlag: expected.sysFlag,
          bornTimestamp: expected.bornTimestamp,
          bornHost: expected.bornHost,
          storeTimestamp: expected.storeTimestamp,
          storeHost: expected.storeHost,
          reconsumeTimes: expected.reconsumeTimes,
          preparedTransactionOffset: expected.preparedTransactionOffset,
          bodySha256: expected.bodySha256,
          propertiesRaw: expected.propertiesRaw,
          properties: expected.properties,
        });
      }
    });

    test("encode to the bytes they came from, properties too", () => {
      for (const { phyOffset, size } of messagesIn(records)) {
        const record = decodeRecord(log, phyOffset);
        const raw = log.subarray(phyOffset, phyOffset + size);
        expect(encodeRecord(record).equals(raw)).toBe(true);
        const text = Buffer.from(record.properties).toString();
        // Apache itself leaves out an empty value (a recall has one); the torn record ends in zeros.
        if (text.includes("\x01\x02") || text.endsWith("\0")) continue;
        expect(encodeProperties(parseProperties(text)).toString()).toBe(text);
      }
    });

    test("have the ids, CRCs and tag hashes that Apache computed", () => {
      for (const expected of messagesIn(records)) {
        const record = decodeRecord(log, expected.phyOffset);
        const { storeAddress, storePort, physicalOffset, properties } = record;
        expect(encodeOffsetMessageId(storeAddress, storePort, physicalOffset)).toBe(
          expected.offsetMsgId,
        );
        const id = decodeOffsetMessageId(expected.offsetMsgId);
        expect([formatHost(id.address, id.port), id.physicalOffset]).toEqual([
          expected.storeHost,
          physicalOffset,
        ]);
        expect(crc32Masked(record.body)).toBe(record.bodyCrc);
        const tags = parseProperties(properties).get("TAGS");
        if (tags !== undefined) expect(tagsCode(tags)).toBe(expected.tagsHash ?? 0);
        const crc = readCrcProperty(log, record.parts.propertiesStart, record.parts.propertiesEnd);
        if (expected.properties["__CRC32#"] !== undefined) {
          expect(crc).toBe(crc32Masked(record.raw, 0, record.size - CRC_PROPERTY_BYTES));
        } else {
          expect(crc).toBe(-1);
        }
      }
    });

    test("reach a consumer decompressed and unwrapped", () => {
      for (const expected of messagesIn(records)) {
        const record = decodeRecord(log, expected.phyOffset);
        expect(compressionOf(record.sysFlag)?.toUpperCase()).toBe(expected.compression);
        const messages = messagesOf(record);
        expect(messages.length).toBe(Number(expected.innerNum ?? 1));
        expect(messages.map((message) => message.queueOffset)).toEqual(
          messages.map((_, index) => expected.queueOffset + index),
        );
        const [first] = messages;
        if (expected.innerNum !== undefined) continue;
        expect(sha256(first!.body)).toBe(expected.plainBodySha256 ?? expected.bodySha256);
        expect(first!.messageId).toBe(expected.properties["UNIQ_KEY"] ?? expected.offsetMsgId);
      }
    });
  });
}

describe("records that Java's encoder made", () => {
  for (const vector of vectors.records) {
    test(`decode and encode: ${vector.topic.slice(0, 20)}, magic ${vector.magic}`, () => {
      const bytes = Buffer.from(vector.hex, "hex");
      const record = decodeRecord(bytes);
      expect(record.magic).toBe(vector.magic);
      expect(record.topic).toBe(vector.topic);
      expect(record.sysFlag).toBe(vector.sysFlag);
      expect(Buffer.from(record.bornAddress)).toEqual(Buffer.from(parseAddress(vector.born)!));
      expect(Buffer.from(record.storeAddress)).toEqual(Buffer.from(parseAddress(vector.store)!));
      expect([record.flag, record.queueId, record.queueOffset]).toEqual([-7, 3, 4294967297]);
      expect([record.reconsumeTimes, record.preparedTransactionOffset]).toEqual([2, -1]);
      expect(Buffer.from(record.body).toString()).toBe("body of it");
      expect(encodeRecord(record).equals(bytes)).toBe(true);
    });
  }
});

const anyRecord: fc.Arbitrary<RecordFields> = fc.record({
  isV2: fc.boolean(),
  hosts: fc.constantFrom(0, BORN_HOST_V6, STORE_HOST_V6, BORN_HOST_V6 | STORE_HOST_V6),
  address: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  topic: fc.string({ maxLength: 127 }),
  body: fc.uint8Array({ maxLength: 300 }),
  properties: fc.dictionary(fc.string(), fc.string()),
  numbers: fc.array(fc.integer(), { minLength: 6, maxLength: 6 }),
  longs: fc.array(fc.maxSafeInteger(), { minLength: 5, maxLength: 5 }),
}).map(({ isV2, hosts, address, topic, body, properties, numbers, longs }) => ({
  magic: isV2 ? MAGIC_V2 : MAGIC_V1,
  sysFlag: (numbers[0]! & ~(BORN_HOST_V6 | STORE_HOST_V6)) | hosts,
  bodyCrc: crc32Masked(body),
  queueId: numbers[1]!,
  flag: numbers[2]!,
  bornPort: numbers[3]!,
  storePort: numbers[4]!,
  reconsumeTimes: numbers[5]!,
  queueOffset: longs[0]!,
  physicalOffset: longs[1]!,
  bornTimestampMs: longs[2]!,
  storeTimestampMs: longs[3]!,
  preparedTransactionOffset: longs[4]!,
  bornAddress: address.subarray(0, (hosts & BORN_HOST_V6) !== 0 ? 16 : 4),
  storeAddress: address.subarray(16, (hosts & STORE_HOST_V6) !== 0 ? 32 : 20),
  topic: Buffer.from(topic).subarray(0, 127).toString("latin1").replace(/[^\x20-\x7e]/g, "t"),
  body,
  properties: encodeProperties(Object.entries(properties)),
}));

describe("any record", () => {
  test("comes back from its bytes, wherever it stands in a buffer", () => {
    fc.assert(fc.property(anyRecord, fc.nat(50), (fields, shift) => {
      const bytes = encodeRecord(fields);
      const buffer = Buffer.concat([Buffer.alloc(shift, 0xee), bytes, Buffer.alloc(9, 0xee)]);
      const record = decodeRecord(buffer, shift, shift + bytes.length);
      for (const [name, value] of Object.entries(fields)) {
        const read = record[name as keyof RecordFields];
        if (value instanceof Uint8Array) {
          expect(Buffer.from(read as Uint8Array).equals(Buffer.from(value))).toBe(true);
        } else {
          expect([name, read]).toEqual([name, value]);
        }
      }
      expect(encodeRecord(record).equals(bytes)).toBe(true);
    }));
  });

  test("cut anywhere is a DecodeError", () => {
    fc.assert(
      fc.property(anyRecord, fc.double({ min: 0, max: 0.999, noNaN: true }), (fields, share) => {
        const bytes = encodeRecord(fields);
        const cut = Math.floor(bytes.length * share);
        expect(() => decodeRecord(bytes, 0, cut)).toThrow(DecodeError);
        expect(() => decodeRecord(bytes.subarray(0, cut))).toThrow(DecodeError);
      }),
    );
  });

  test("with any bytes changed gives a record or a DecodeError", () => {
    fc.assert(
      fc.property(
        anyRecord,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1 }),
        (f, c) => {
          const bytes = encodeRecord(f);
          for (const [at, value] of c) bytes[at % bytes.length] = value;
          onlyDecodeError(() => {
            const record = decodeRecord(bytes);
            for (const name of Object.keys(f)) {
              expect(record[name as keyof RecordFields]).toBeDefined();
            }
          });
          onlyDecodeError(() => decodeMessages(bytes, 1 << 20));
        },
      ),
    );
  });

  test("of random bytes is a DecodeError", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      if (bytes.length > 0) expect(() => decodeRecords(bytes)).toThrow(DecodeError);
    }));
  });
});

function onlyDecodeError(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
}

describe("a wrong record", () => {
  const fields = decodeRecord(Buffer.from(vectors.records[0]!.hex, "hex"));

  test("names the field and the position", () => {
    const bytes = Buffer.concat([Buffer.alloc(3), encodeRecord(fields)]);
    const bodyLengthAt = 3 + layoutOf(0).bodyLength;
    bytes.writeInt32BE(5000, bodyLengthAt);
    expect(() => decodeRecord(bytes, 3)).toThrow("record at 3, bodyLength: 5000 of 27 bytes");
    bytes.writeInt32BE(10, bodyLengthAt);
    bytes.writeInt32BE(7, 7);
    expect(() => decodeRecord(bytes, 3)).toThrow("record at 3, magic: 7 is no message");
  });

  test("is never written", () => {
    const bad = (change: Partial<RecordFields>) => () =>
      encodeRecord({ ...plainFields(fields), ...change });
    expect(bad({})).not.toThrow();
    expect(bad({ topic: "t".repeat(128) })).toThrow(AssertionError);
    expect(bad({ topic: "t".repeat(128), magic: MAGIC_V2 })).not.toThrow();
    expect(bad({ properties: new Uint8Array(32768) })).toThrow(AssertionError);
    expect(bad({ sysFlag: BORN_HOST_V6 })).toThrow(AssertionError);
    expect(bad({ magic: 0 })).toThrow(AssertionError);
  });
});

function plainFields(record: RecordFields): RecordFields {
  const { magic, bodyCrc, queueId, flag, queueOffset, physicalOffset, sysFlag } = record;
  const { bornTimestampMs, bornAddress, bornPort, storeTimestampMs, storeAddress } = record;
  const { storePort, reconsumeTimes, preparedTransactionOffset, body, topic, properties } = record;
  return {
    ...{ magic, bodyCrc, queueId, flag, queueOffset, physicalOffset, sysFlag, bornTimestampMs },
    ...{ bornAddress, bornPort, storeTimestampMs, storeAddress, storePort, reconsumeTimes },
    ...{ preparedTransactionOffset, body, topic, properties },
  };
}

test("a pull response's records decode one after the other, inner batches unwrapped", () => {
  const { log, records } = stores[0]!;
  const chosen = messagesIn(records).filter(({ topic }) => /^Topic(Bcq|Mix)$/.test(topic));
  const body = Buffer.concat(
    chosen.map(({ phyOffset, size }) => log.subarray(phyOffset, phyOffset + size)),
  );
  const messages = decodeMessages(body);
  const counts = chosen.map(({ innerNum }) => Number(innerNum ?? 1));
  expect(messages.length).toBe(counts.reduce((sum, count) => sum + count, 0));
  expect(messages.length).toBeGreaterThan(chosen.length);
  expect(messages.filter(({ topic }) => topic === "TopicBcq").map(({ messageId }) => messageId))
    .not.toContain(undefined);
  expect(() => decodeMessages(body.subarray(0, body.length - 1))).toThrow(DecodeError);
});

describe("the layout", () => {
  test("puts the fields where Apache's decoder looks for them", () => {
    expect(layoutOf(0)).toEqual({
      ...{ totalSize: 0, magic: 4, bodyCrc: 8, queueId: 12, flag: 16, queueOffset: 20 },
      ...{ physicalOffset: 28, sysFlag: 36, bornTimestamp: 40, bornHost: 48, storeTimestamp: 56 },
      ...{ storeHost: 64, reconsumeTimes: 72, preparedTransactionOffset: 76, bodyLength: 84 },
      body: 88,
    });
    expect(layoutOf(BORN_HOST_V6 | STORE_HOST_V6).body).toBe(112);
    expect(RECORD_BYTES_MIN).toBe(91);
    expect(recordSize(MAGIC_V2, STORE_HOST_V6, 10, 5, 7)).toBe(88 + 12 + 10 + 2 + 5 + 2 + 7);
  });
});

test("the CRC property is ten digits, the least significant first", () => {
  const bytes = Buffer.alloc(CRC_PROPERTY_BYTES);
  for (const crc of [0, 7, 1952525317, 0x7fffffff]) {
    writeCrcProperty(bytes, 0, crc);
    expect(readCrcProperty(bytes, 0, bytes.length)).toBe(crc);
  }
  expect(bytes.toString()).toBe(formatProperties([["__CRC32#", "7463847412"]]));
});
