// A load of timed messages, all due within a stretch of time, and a consumer that waits for them: how late each comes
// after its TIMER_OUT_MS. Its own process. Prints "MEASURING" and then one LOAD line of JSON.
// Usage: bun timers.ts HOST:PORT TOPIC COUNT LEAD_SECONDS SPREAD_SECONDS
import { Buffer } from "node:buffer";
import { build } from "hdr-histogram-js";
import { decodeRecords } from "../../core/message/record.ts";
import { opaqueOf } from "./send_frames.ts";

const [address, topic, countText, leadSeconds, spreadSeconds] = process.argv.slice(2);
const [host, port] = address!.split(":");
const COUNT = Number(countText);
const QUEUES = 4;
const IN_FLIGHT = 512;
const BODY_BYTES = 128;
const PULL_MESSAGES_MAX = 1024;
const TIME_DIGITS = 13;
/** Deliveries that don't come any more. */
const GIVE_UP_MS = 60_000;
const startMs = Date.now();
const firstMs = startMs + Number(leadSeconds) * 1000;

function frame(code: number, fields: readonly (readonly [string, string])[], body: Buffer): Buffer {
  const parts = fields.map(([name, value]) => {
    const field = Buffer.alloc(6 + name.length + value.length);
    field.writeUInt16BE(name.length, 0);
    field.write(name, 2, "latin1");
    field.writeInt32BE(value.length, 2 + name.length);
    field.write(value, 6 + name.length, "latin1");
    return field;
  });
  const ext = Buffer.concat(parts);
  const header = Buffer.alloc(21);
  header.writeInt16BE(code, 0);
  header.writeInt16BE(493, 3);
  header.writeInt32BE(ext.length, 17);
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + header.length + ext.length + body.length, 0);
  lengths.writeInt32BE(header.length + ext.length, 4);
  lengths[4] = 1;
  return Buffer.concat([lengths, header, ext, body]);
}

const properties = `UNIQ_KEY\x01${"0".repeat(32)}\x02TIMER_DELIVER_MS\x01${
  "0".repeat(TIME_DIGITS)
}\x02WAIT\x01true\x02`;
const sendFrame = frame(310, [
  ["a", "G_load"],
  ["b", topic!],
  ["c", "TBW102"],
  ["d", String(QUEUES)],
  ["e", "Q"],
  ["f", "0"],
  ["g", String(startMs)],
  ["h", "0"],
  ["i", properties],
  ["j", "0"],
  ["k", "false"],
  ["m", "false"],
], Buffer.alloc(BODY_BYTES, "x"));
const OPAQUE_AT = 13;
const queueAt = sendFrame.indexOf("Q");
const keyAt = sendFrame.indexOf("UNIQ_KEY") + 9;
const timeAt = sendFrame.indexOf("TIMER_DELIVER_MS") + 17;

function writeDigits(target: Buffer, at: number, digits: number, value: number): void {
  let rest = value;
  for (let digit = digits - 1; digit >= 0; digit--) {
    target[at + digit] = 48 + rest % 10;
    rest = Math.floor(rest / 10);
  }
}

let sent = 0;
let answered = 0;
let refused = 0;

/** The next frames, due at times that are spread evenly but come in no order. */
function nextFrames(count: number): Buffer {
  const out = Buffer.allocUnsafe(count * sendFrame.length);
  for (let index = 0; index < count; index++) {
    const at = index * sendFrame.length;
    sendFrame.copy(out, at);
    out.writeInt32BE(sent, at + OPAQUE_AT);
    out[at + queueAt] = 48 + sent % QUEUES;
    writeDigits(out, at + keyAt, 32, sent);
    const place = (sent * 7919) % COUNT / COUNT;
    const dueMs = firstMs + Math.floor(place * Number(spreadSeconds) * 1000);
    writeDigits(out, at + timeAt, TIME_DIGITS, dueMs);
    sent++;
  }
  return out;
}

/** A connection that hands over whole frames. */
async function connect(onFrame: (data: Buffer, at: number, end: number) => void) {
  let rest: Buffer = Buffer.alloc(0);
  let pending: Buffer[] = [];
  const flush = () => {
    while (pending.length > 0) {
      const taken = socket.write(pending[0]!);
      if (taken < pending[0]!.length) {
        pending[0] = pending[0]!.subarray(Math.max(0, taken));
        return;
      }
      pending = pending.slice(1);
    }
  };
  const socket = await Bun.connect({
    hostname: host!,
    port: Number(port),
    socket: {
      data(_socket, chunk) {
        const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk);
        let at = 0;
        while (at + 4 <= data.length && at + 4 + data.readInt32BE(at) <= data.length) {
          const end = at + 4 + data.readInt32BE(at);
          onFrame(data, at, end);
          at = end;
        }
        rest = data.subarray(at);
      },
      drain: flush,
    },
  });
  return (bytes: Buffer) => {
    pending.push(bytes);
    flush();
  };
}

function codeOf(data: Buffer, at: number): number {
  if (data[at + 4] === 1) return data.readInt16BE(at + 8);
  const { code } = JSON.parse(data.toString("utf8", at + 8, at + 8 + headerBytes(data, at)));
  return code as number;
}

const headerBytes = (data: Buffer, at: number) => data.readInt32BE(at + 4) & 0xffffff;

const lateness = build({ highestTrackableValue: 600_000, numberOfSignificantValueDigits: 3 });
let received = 0;
let rejectedEarly = 0;
const OUT_MS = Buffer.from("TIMER_OUT_MS\x01");

async function startPulling(queueId: number): Promise<void> {
  let offset = 0;
  const write = await connect((data, at, end) => {
    const code = codeOf(data, at);
    if (code === 0) {
      const nowMs = Date.now();
      const records = decodeRecords(data, at + 8 + headerBytes(data, at), end);
      for (const record of records) {
        const outAt = data.indexOf(OUT_MS, record.parts.propertiesStart) + OUT_MS.length;
        const outMs = Number(data.toString("latin1", outAt, outAt + TIME_DIGITS));
        if (nowMs < outMs) rejectedEarly++;
        lateness.recordValue(Math.max(0, nowMs - outMs));
      }
      received += records.length;
      offset = records.at(-1)!.queueOffset + 1;
    }
    write(pullFrame(queueId, offset));
  });
  write(pullFrame(queueId, offset));
}

function pullFrame(queueId: number, offset: number): Buffer {
  return frame(11, [
    ["consumerGroup", "G_timers"],
    ["topic", topic!],
    ["queueId", String(queueId)],
    ["queueOffset", String(offset)],
    ["maxMsgNums", String(PULL_MESSAGES_MAX)],
    ["sysFlag", "6"],
    ["commitOffset", "0"],
    ["suspendTimeoutMillis", "15000"],
    ["subscription", "*"],
    ["subVersion", "0"],
    ["expressionType", "TAG"],
  ], Buffer.alloc(0));
}

const write = await connect((data, at) => {
  opaqueOf(data, at);
  if (codeOf(data, at) !== 0) refused++;
  answered++;
  const free = Math.min(IN_FLIGHT / 4, COUNT - sent);
  if (free > 0 && sent - answered <= IN_FLIGHT - free) write(nextFrames(free));
});
console.log("MEASURING");
write(nextFrames(Math.min(IN_FLIGHT, COUNT)));
while (answered < COUNT) await Bun.sleep(20);
const sentSeconds = (Date.now() - startMs) / 1000;
for (let queueId = 0; queueId < QUEUES; queueId++) await startPulling(queueId);
const untilMs = firstMs + Number(spreadSeconds) * 1000 + GIVE_UP_MS;
while (received < COUNT - refused && Date.now() < untilMs) await Bun.sleep(100);
const elapsedSeconds = (Date.now() - startMs) / 1000;
console.log(`LOAD ${
  JSON.stringify({
    sent: received,
    refused,
    failed: COUNT - refused - received,
    early: rejectedEarly,
    sentSeconds,
    seconds: elapsedSeconds,
    tps: Math.round(received / elapsedSeconds),
    p50Ms: lateness.getValueAtPercentile(50),
    p95Ms: lateness.getValueAtPercentile(95),
    p99Ms: lateness.getValueAtPercentile(99),
    p999Ms: lateness.getValueAtPercentile(99.9),
  })
}`);
process.exit(0);
