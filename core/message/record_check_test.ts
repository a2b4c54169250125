// What recovery is told of intact, torn and foreign bytes: Apache's verdict, and suspicion where Apache sees nothing.
import { Buffer } from "node:buffer";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { crc32Masked } from "../bytes/crc32.ts";
import { CRC_PROPERTY_BYTES, writeCrcProperty } from "./crc_property.ts";
import { checkRecordAt, type RecordCheck } from "./record_check.ts";
import { layoutOf, MAGIC_BLANK, writeBlankRecord } from "./record_layout.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import vectors from "./testdata/java_vectors.json" with { type: "json" };
import { recordedStores } from "../../testdata/recorded_stores.ts";

const stores = recordedStores();
const intact = Buffer.from(vectors.records[0]!.hex, "hex");
const intactRecord = decodeRecord(intact);

function checked(bytes: Buffer, requirePropertyCrc = false): RecordCheck {
  return checkRecordAt(bytes, 0, bytes.length, { checkCrc: true, requirePropertyCrc });
}

function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(intact);
  change(bytes);
  return bytes;
}

for (const { name, log, fileBytes, records } of stores) {
  test(`walking ${name} finds Apache's records and the end`, () => {
    const found: unknown[] = [];
    let at = 0;
    let last: RecordCheck | null = null;
    while (at < log.length) {
      const available = fileBytes - at % fileBytes;
      last = checkRecordAt(log, at, available, { checkCrc: true, physicalOffset: at });
      if (last.kind === "end" || last.kind === "bad") break;
      found.push([at, last.size, last.kind, last.suspicion !== null]);
      at += last.size;
    }
    expect(found).toEqual(
      records.filter(({ kind }) => kind !== "undecodable").map(({ phyOffset, size, kind }) => [
        phyOffset,
        size,
        kind,
        // Apache doesn't notice this damage, which lies outside the body.
        name.includes("tornzero") && phyOffset === records.at(-1)!.phyOffset,
      ]),
    );
    expect(last?.kind).toBe(name.includes("tornflip") ? "bad" : "end");
    if (name.includes("tornflip")) {
      expect(at).toBe(records.at(-1)!.phyOffset);
      expect(last?.reason).toStartWith("bodyCrc: ");
    }
  });
}

describe("nothing more", () => {
  test("is zeros, or fewer bytes than any record needs to be told", () => {
    expect(checked(Buffer.alloc(200)).kind).toBe("end");
    expect(checked(intact.subarray(0, 7)).kind).toBe("end");
    expect(checked(Buffer.alloc(0)).kind).toBe("end");
  });
});

describe("a blank", () => {
  test("stands for the rest of the file", () => {
    const bytes = Buffer.alloc(120, 0xab);
    writeBlankRecord(bytes, 0, 120);
    expect(checked(bytes)).toEqual({ kind: "blank", size: 120, reason: null, suspicion: null });
  });

  test("of another size is still the end of the file, but suspect", () => {
    const bytes = Buffer.alloc(120);
    writeBlankRecord(bytes, 0, 50);
    expect(checked(bytes)).toMatchObject({ kind: "blank", size: 120 });
    expect(checked(bytes).suspicion).toBe("blank of 50 where 120 bytes are left");
  });

  test("larger than what is left is bad", () => {
    const bytes = Buffer.alloc(120);
    writeBlankRecord(bytes, 0, 121);
    expect(checked(bytes).kind).toBe("bad");
    expect(bytes.readInt32BE(4)).toBe(MAGIC_BLANK);
  });
});

describe("a message is bad", () => {
  const { bodyStart, bodyEnd, topicEnd } = intactRecord.parts;

  test("when it is cut, at every byte", () => {
    for (let end = 8; end < intact.length; end++) {
      expect(checked(intact.subarray(0, end)).kind).toBe("bad");
    }
  });

  test("when its end is zeros from any byte before the properties' length on", () => {
    for (let from = 8; from <= topicEnd; from++) {
      const verdict = checked(changed((bytes) => bytes.fill(0, from)));
      expect([from, verdict.kind]).toEqual([from, "bad"]);
    }
  });

  test("when a body byte differs, unless the CRC isn't asked for", () => {
    const bytes = changed((copy) => copy[bodyStart] = copy[bodyStart]! ^ 1);
    expect(checked(bytes).kind).toBe("bad");
    expect(checkRecordAt(bytes, 0, bytes.length, { checkCrc: false }).kind).toBe("message");
  });

  test("when a length or the magic is none", () => {
    const wrong: ((bytes: Buffer) => unknown)[] = [
      (bytes) => bytes.writeInt32BE(-5, 0),
      (bytes) => bytes.writeInt32BE(20, 0),
      (bytes) => bytes.writeInt32BE(0x7fffffff, 0),
      (bytes) => bytes.writeInt32BE(1, 4),
      (bytes) => bytes.writeInt32BE(-1, layoutOf(0).bodyLength),
      (bytes) => bytes.writeInt32BE(0x7fffffff, layoutOf(0).bodyLength),
      (bytes) => bytes.writeInt8(-1, bodyEnd),
      (bytes) => bytes.writeInt16BE(-1, topicEnd),
      (bytes) => bytes.writeInt16BE(6, topicEnd),
    ];
    for (const change of wrong) expect(checked(changed(change)).kind).toBe("bad");
  });
});

describe("a message is suspect, not bad,", () => {
  const { topicStart, propertiesStart } = intactRecord.parts;

  test("when it says another physical offset", () => {
    const options = { checkCrc: true, physicalOffset: 4711 };
    const verdict = checkRecordAt(intact, 0, intact.length, options);
    expect(verdict).toMatchObject({ kind: "message", suspicion: "physicalOffset: 0 at 4711" });
  });

  test("when its topic or properties can't be what a broker wrote", () => {
    const odd: [(bytes: Buffer) => unknown, string][] = [
      [(bytes) => bytes[topicStart] = 0, "topic: byte 0"],
      [(bytes) => bytes[topicStart] = 0xff, "topic: not UTF-8"],
      [(bytes) => bytes[topicStart + 2] = 0x2f, "topic: byte 47"],
      [(bytes) => bytes[propertiesStart] = 0, "properties: a zero byte"],
      [(bytes) => bytes[propertiesStart] = 1, "properties: a value without a name"],
      [(bytes) => bytes[propertiesStart + 4] = 65, "properties: a name without a value"],
    ];
    for (const [change, suspicion] of odd) {
      expect(checked(changed(change))).toMatchObject({ kind: "message", suspicion });
    }
    expect(checked(intact).suspicion).toBeNull();
  });
});

describe("a record with the CRC property", () => {
  const properties = Buffer.concat([
    Buffer.from("TAGS\x01A\x02"),
    Buffer.alloc(CRC_PROPERTY_BYTES),
  ]);
  const bytes = encodeRecord({
    ...{ magic: intactRecord.magic, bodyCrc: intactRecord.bodyCrc, queueId: 1, flag: 0 },
    ...{ queueOffset: 0, physicalOffset: 0, sysFlag: 0, bornTimestampMs: 1, bornPort: 1 },
    ...{ bornAddress: new Uint8Array(4), storeTimestampMs: 2, storeAddress: new Uint8Array(4) },
    ...{ storePort: 2, reconsumeTimes: 0, preparedTransactionOffset: 0 },
    ...{ body: intactRecord.body, topic: "T", properties },
  });
  const crcAt = bytes.length - CRC_PROPERTY_BYTES;
  writeCrcProperty(bytes, crcAt, crc32Masked(bytes, 0, crcAt));

  test("is good, and damage anywhere is seen", () => {
    expect(checked(bytes, true)).toMatchObject({ kind: "message", suspicion: null });
    for (let at = 12; at < bytes.length; at++) {
      const copy = Buffer.from(bytes);
      copy[at] = copy[at]! ^ 4;
      expect([at, checked(copy, true).kind]).toEqual([at, "bad"]);
      const verdict = checked(copy);
      // Damage at the property's own border makes it another property.
      expect(verdict.kind === "bad" || verdict.suspicion !== null || at >= crcAt - 1).toBe(true);
    }
  });

  test("is bad where the property is required and missing", () => {
    expect(checked(intact, true)).toMatchObject({ kind: "bad", reason: "property CRC: missing" });
  });
});

test("any bytes get a verdict, never an exception", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(intact.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(intact.length),
      fc.boolean(),
      (changes, available, requirePropertyCrc) => {
        const bytes = Buffer.from(intact);
        for (const [at, value] of changes) bytes[at] = value;
        const verdict = checkRecordAt(bytes, 0, available, { checkCrc: true, requirePropertyCrc });
        expect(verdict.size).toBeLessThanOrEqual(available);
        if (verdict.kind === "bad" || verdict.kind === "end") expect(verdict.reason).not.toBeNull();
      },
    ),
  );
});
