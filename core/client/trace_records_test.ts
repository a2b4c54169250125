// Traces as Apache's client wrote them, read and written again.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { fixtureLines } from "../../testdata/fixtures.ts";
import { decodeTraces, encodeTrace, type TraceRecord } from "./trace_records.ts";

interface Recorded {
  header?: { code: number; extFields: Record<string, string> };
  bodyBase64?: string;
}

function recordedBodies(): string[] {
  return fixtureLines<Recorded>("wire/json/producerTrace.jsonl")
    .filter(({ header }) => header?.code === 310 && header.extFields.b === "RMQ_SYS_TRACE_TOPIC")
    .map(({ bodyBase64 }) => Buffer.from(bodyBase64!, "base64").toString());
}

test("what Apache's client wrote comes out the same, byte for byte", () => {
  const bodies = recordedBodies();
  expect(bodies.length).toBeGreaterThan(1);
  for (const body of bodies) expect(decodeTraces(body).map(encodeTrace).join("")).toBe(body);
  const kinds = bodies.flatMap(decodeTraces).map(({ kind }) => kind);
  expect([...new Set(kinds)].sort()).toEqual(["Pub", "SubAfter", "SubBefore"]);
});

test("a recorded send tells who sent what where", () => {
  const [published] = recordedBodies().flatMap(decodeTraces);
  expect(published).toMatchObject({
    kind: "Pub",
    group: "PID_trace",
    topic: "TopicMix",
    tags: "TagTr",
    keys: "tr0",
    storeHost: "127.0.0.2:21911",
    bodyBytes: 20,
    success: true,
  });
});

test("ends of transactions and recalls come back as they were, absent fields too", () => {
  const records: TraceRecord[] = [
    {
      kind: "EndTransaction",
      timestampMs: 5,
      region: "r",
      group: "g",
      topic: "T",
      messageId: "id",
      tags: null,
      keys: null,
      storeHost: "127.0.0.1:1",
      messageType: 2,
      transactionId: "tx",
      state: "ROLLBACK_MESSAGE",
      fromCheck: true,
    },
    {
      kind: "Recall",
      timestampMs: 5,
      region: "r",
      group: "g",
      topic: "T",
      messageId: "id",
      success: false,
    },
  ];
  expect(decodeTraces(records.map(encodeTrace).join(""))).toEqual(records);
});

test("older clients' sends without an offset id, and newer ones' with a host, are read too", () => {
  const fields = "Pub|1|r|g|T|id|null|null|h|3|4|0".replaceAll("|", "\x01");
  expect(decodeTraces(`${fields}\x01false\x02`)).toMatchObject([
    { offsetMessageId: "", success: false },
  ]);
  expect(decodeTraces(`${fields}\x01offset\x01true\x01host\x02`)).toMatchObject([
    { offsetMessageId: "offset", success: true, clientHost: "host" },
  ]);
  expect(decodeTraces("Nothing\x01known\x02\x02")).toEqual([]);
});
