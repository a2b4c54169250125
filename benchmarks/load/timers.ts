// A load of messages that are delivered later, and consumers that wait for them: how late each comes. Its own process.
// Prints "MEASURING" and then one LOAD line of JSON.
// Usage: bun timers.ts HOST:PORT TOPIC timer COUNT LEAD_SECONDS SPREAD_SECONDS   due from LEAD on, spread evenly but sent
//                                                     in no order; late against TIMER_OUT_MS, so a tick always is
//        bun timers.ts HOST:PORT TOPIC level COUNT RATE LEVEL LEVEL_MS           late against sending and the level's delay
//        bun timers.ts HOST:PORT TOPIC backlog COUNT LEVEL                       sent, not waited for
import { Buffer } from "node:buffer";
import { build } from "hdr-histogram-js";
import { emptyParts, locateParts, MessageRecord } from "../../core/message/record.ts";
import { isSuccess, requestFrame } from "./send_frames.ts";

const [address, topic, kind, countText, ...rest] = process.argv.slice(2);
const [host, port] = address!.split(":");
const numbers = rest.map(Number);
const COUNT = Number(countText);
const QUEUES = 4;
const IN_FLIGHT = 512;
const BODY_BYTES = 128;
const PULL_MESSAGES_MAX = 1024;
const TIME_DIGITS = 13;
const KEY_DIGITS = 32;
/** For deliveries that don't come any more. */
const GIVE_UP_MS = 60_000;

const isTimer = kind === "timer";
const startMs = Date.now();
const firstMs = startMs + (isTimer ? numbers[0]! * 1000 : 0);
const spreadMs = isTimer ? numbers[1]! * 1000 : 0;
const rate = kind === "level" ? numbers[0]! : Infinity;
const level = kind === "level" ? numbers[1]! : numbers[0]!;
const levelMs = numbers[2] ?? 0;

const zeros = (digits: number) => "0".repeat(digits);
const delay = isTimer ? `TIMER_DELIVER_MS\x01${zeros(TIME_DIGITS)}` : `DELAY\x01${level}`;
const sendFrame = requestFrame(310, [
  ["a", "G_load"],
  ["b", topic!],
  ["c", "TBW102"],
  ["d", String(QUEUES)],
  ["e", "Q"],
  ["f", "0"],
  ["g", `1${zeros(TIME_DIGITS - 1)}`],
  ["h", "0"],
  ["i", `UNIQ_KEY\x01${zeros(KEY_DIGITS)}\x02${delay}\x02WAIT\x01true\x02`],
  ["j", "0"],
  ["k", "false"],
  ["m", "false"],
], Buffer.alloc(BODY_BYTES, "x"));
const OPAQUE_AT = 13;
const queueAt = sendFrame.indexOf("Q");
const bornAt = sendFrame.indexOf(`1${zeros(TIME_DIGITS - 1)}`);
const keyAt = sendFrame.indexOf("UNIQ_KEY") + 9;
const timeAt = isTimer ? sendFrame.indexOf("TIMER_DELIVER_MS") + 17 : -1;

function writeDigits(target: Buffer, at: number, digits: number, value: number): void {
  let left = value;
  for (let digit = digits - 1; digit >= 0; digit--) {
    target[at + digit] = 48 + left % 10;
    left = Math.floor(left / 10);
  }
}

let sent = 0;
let answered = 0;
let refused = 0;

function nextFrames(count: number): Buffer {
  const out = Buffer.allocUnsafe(count * sendFrame.length);
  const nowMs = Date.now();
  for (let index = 0; index < count; index++) {
    const at = index * sendFrame.length;
    sendFrame.copy(out, at);
    out.writeInt32BE(sent, at + OPAQUE_AT);
    out[at + queueAt] = 48 + sent % QUEUES;
    writeDigits(out, at + bornAt, TIME_DIGITS, nowMs);
    writeDigits(out, at + keyAt, KEY_DIGITS, sent);
    if (isTimer) {
      const place = (sent * 7919) % COUNT / COUNT;
      writeDigits(out, at + timeAt, TIME_DIGITS, firstMs + Math.floor(place * spreadMs));
    }
    sent++;
  }
  return out;
}

/** A connection that hands over whole frames; gives how to write. */
async function connect(onFrame: (data: Buffer, at: number, end: number) => void) {
  let partial: Buffer = Buffer.alloc(0);
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
        const data = partial.length > 0 ? Buffer.concat([partial, chunk]) : Buffer.from(chunk);
        let at = 0;
        while (at + 4 <= data.length && at + 4 + data.readInt32BE(at) <= data.length) {
          const end = at + 4 + data.readInt32BE(at);
          onFrame(data, at, end);
          at = end;
        }
        partial = data.subarray(at);
      },
      drain: flush,
    },
  });
  return (bytes: Buffer) => {
    pending.push(bytes);
    flush();
  };
}

const lateness = build({ highestTrackableValue: 600_000, numberOfSignificantValueDigits: 3 });
const OUT_MS = Buffer.from("TIMER_OUT_MS\x01");
let received = 0;
let early = 0;
/** Sent after their time: put at once, and not measured. */
let past = 0;

const parts = emptyParts();

/** Takes the records of an answer; gives the queue offset of the last one. */
function receive(data: Buffer, from: number, end: number, nowMs: number): number {
  let queueOffset = -1;
  for (let at = from; at < end; at += parts.size) {
    if (locateParts(data, at, end, parts) !== null) throw new Error("an answer holds no records");
    const record = new MessageRecord(data, at, parts);
    const dueMs = dueMsOf(data, record);
    if (dueMs < 0) past++;
    else {
      if (nowMs < dueMs) early++;
      lateness.recordValue(Math.max(0, nowMs - dueMs));
    }
    queueOffset = record.queueOffset;
    received++;
  }
  return queueOffset;
}

/** When a message was due; -1 when its time was past as it was sent. */
function dueMsOf(data: Buffer, record: MessageRecord): number {
  if (!isTimer) return record.bornTimestampMs + levelMs;
  const { propertiesEnd, propertiesStart } = record.parts;
  const at = data.indexOf(OUT_MS, propertiesStart);
  if (at < 0 || at >= propertiesEnd) return -1;
  const from = at + OUT_MS.length;
  return Number(data.toString("latin1", from, from + TIME_DIGITS));
}

async function startPulling(queueId: number): Promise<void> {
  let offset = 0;
  const pull = () => write(pullFrame(queueId, offset));
  const write = await connect((data, at, end) => {
    if (isSuccess(data, at)) {
      const nowMs = Date.now();
      const bodyAt = at + 8 + (data.readInt32BE(at + 4) & 0xffffff);
      offset = receive(data, bodyAt, end, nowMs) + 1;
    }
    // Before the topic is made there is nothing to wait for.
    if (isSuccess(data, at) || received > 0) pull();
    else setTimeout(pull, 20);
  });
  pull();
}

function pullFrame(queueId: number, offset: number): Buffer {
  return requestFrame(11, [
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
  ]);
}

const write = await connect((data, at) => {
  if (!isSuccess(data, at)) refused++;
  answered++;
});
console.log("MEASURING");
if (kind !== "backlog") {
  for (let queueId = 0; queueId < QUEUES; queueId++) await startPulling(queueId);
}
while (answered < COUNT) {
  const due = Math.min(COUNT, Math.floor((Date.now() - startMs) / 1000 * rate));
  const free = Math.min(due - sent, COUNT - sent, IN_FLIGHT - (sent - answered));
  if (free > 0) write(nextFrames(free));
  await Bun.sleep(rate === Infinity ? 0 : 2);
}
const sentSeconds = (Date.now() - startMs) / 1000;
const untilMs = Math.max(firstMs + spreadMs, Date.now() + levelMs) + GIVE_UP_MS;
const expected = kind === "backlog" ? 0 : COUNT - refused;
while (received < expected && Date.now() < untilMs) await Bun.sleep(50);
const seconds = (Date.now() - startMs) / 1000;
const ms = (percentile: number) => lateness.getValueAtPercentile(percentile);
console.log(`LOAD ${
  JSON.stringify({
    sent: COUNT - refused,
    refused,
    failed: expected - received,
    early,
    past,
    sentSeconds,
    seconds,
    tps: Math.round(COUNT / seconds),
    p50Ms: ms(50),
    p95Ms: ms(95),
    p99Ms: ms(99),
    p999Ms: ms(99.9),
  })
}`);
process.exit(refused > 0 || expected > received ? 1 : 0);
