import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientMessage } from "../../core/message/client_message.ts";
import { messageJson, printedLine, writeBody } from "./message_text.ts";
import { Report } from "./report.ts";

const MESSAGE: ClientMessage = {
  topic: "T_hold",
  queueId: 2,
  queueOffset: 0,
  body: Buffer.from("hold 2"),
  properties: new Map([
    ["MIN_OFFSET", "0"],
    ["TRACE_ON", "true"],
    ["MSG_REGION", "DefaultRegion"],
    ["UNIQ_KEY", "C00002026C674E0E2F2A68BBF7230002"],
    ["CLUSTER", "InteropCluster"],
    ["TAGS", "TagHold"],
    ["KEYS", "hold-2"],
    ["WAIT", "true"],
    ["MAX_OFFSET", "4"],
  ]),
  messageId: "C00002026C674E0E2F2A68BBF7230002",
  offsetMessageId: "7F000001000053B400000000000001E4",
  flag: 0,
  sysFlag: 0,
  bornTimestampMs: 1795248348963,
  bornHost: "127.0.0.1:55888",
  storeTimestampMs: 1795248348966,
  storeHost: "127.0.0.1:21428",
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  physicalOffset: 484,
  bodyCrc: 763007597,
  recordBytes: 242,
};

/** What mqadmin 5.4.0 printed of this message. */
const RECORDED =
  "MSGID: C00002026C674E0E2F2A68BBF7230002 MessageExt [brokerName=broker-a, queueId=2, storeSize=242, " +
  "queueOffset=0, sysFlag=0, bornTimestamp=1795248348963, bornHost=/127.0.0.1:55888, " +
  "storeTimestamp=1795248348966, storeHost=/127.0.0.1:21428, msgId=7F000001000053B400000000000001E4, " +
  "commitLogOffset=484, bodyCRC=763007597, reconsumeTimes=0, preparedTransactionOffset=0, " +
  "toString()=Message{topic='T_hold', flag=0, properties={MSG_REGION=DefaultRegion, " +
  "UNIQ_KEY=C00002026C674E0E2F2A68BBF7230002, CLUSTER=InteropCluster, MIN_OFFSET=0, TAGS=TagHold, " +
  "KEYS=hold-2, WAIT=true, TRACE_ON=true, MAX_OFFSET=4}, body=[104, 111, 108, 100, 32, 50], " +
  "transactionId='null'}] BODY: hold 2";

test("a message is printed as mqadmin printed it", () => {
  expect(printedLine(MESSAGE, "broker-a", new TextDecoder())).toBe(RECORDED);
  expect(printedLine(MESSAGE, "broker-a", null)).toEndWith("] BODY: NOT PRINT BODY");
});

test("bytes of a body are signed, and a body that isn't UTF-8 comes as base64", () => {
  const binary = { ...MESSAGE, body: new Uint8Array([255, 0, 128]) };
  expect(printedLine(binary, "b", null)).toContain("body=[-1, 0, -128],");
  expect(messageJson(binary)).toMatchObject({ body: null, bodyBase64: "/wCA" });
  expect(messageJson(MESSAGE)).toMatchObject({ body: "hold 2", bodyBase64: null });
});

test("a body's file stays in its folder whatever a producer called the message", () => {
  const notes: string[] = [];
  const output = { print: () => {}, complain: (text: string) => void notes.push(text) };
  const report = new Report({ output, asJson: false, isTerminal: false, colors: false });
  const folder = mkdtempSync(join(tmpdir(), "roquet-bodies-"));
  try {
    const path = writeBody({ ...MESSAGE, messageId: "../../inspector-test" }, 0, report, folder);
    expect(path).toBe(`${folder}/__.._inspector-test`);
    expect(readFileSync(path, "utf8")).toBe("hold 2");
    expect(notes).toEqual([]);
    symlinkSync(join(folder, "elsewhere"), join(folder, "link"));
    expect(writeBody({ ...MESSAGE, messageId: "link" }, 0, report, folder)).toBe("");
    expect(existsSync(join(folder, "elsewhere"))).toBe(false);
    expect(notes).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
