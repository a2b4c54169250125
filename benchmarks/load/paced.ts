// A load of prepared send frames at a fixed rate over one connection, spread over many topics and queues. A message is
// due when the rate says so, and its latency counts from then: a broker that stalls is charged for all that waits. How
// late this process itself was in sending is told beside it: on a machine that they share it waits for a core, too.
// Prints "MEASURING" after the warm-up and then one LOAD line of JSON. A rate of 0: as fast as 4096 in flight go. With
// the length of the log's files it tells apart the messages of their first halves, which follow the change to a new file.
// Usage: bun paced.ts HOST:PORT TOPIC RATE BODY_BYTES SECONDS [QUEUES] [TOPICS] [LOG_FILE_BYTES]
import { Buffer } from "node:buffer";
import { build } from "hdr-histogram-js";
import { isSuccess, opaqueOf, physicalOffsetOf, SendFrame } from "./send_frames.ts";

const [
  address,
  topic,
  rate,
  bodyBytes,
  seconds,
  queues = "4",
  topics = "1",
  logFileBytes = "0",
] = process.argv.slice(2);
const [host, port] = address!.split(":");
const perMs = Number(rate) / 1000;
const topicCount = Number(topics);
const queueCount = Number(queues);
const fileBytes = Number(logFileBytes);
/** In flight, all told: beyond it messages wait here, and are charged for it. */
const SLOTS = 4096;
const BURST_MAX = 512;

const frame = new SendFrame({
  topic: topic!,
  topics: topicCount,
  queues: queueCount,
  bodyBytes: Number(bodyBytes),
});
const newHistogram = () =>
  build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 2 });
const histogram = newHistogram();
/** From when a message was due until it was sent. */
const lateness = newHistogram();
/** Of the messages in the first and in the second halves of the log's files. */
const halves = [newHistogram(), newHistogram()] as const;
const dueMs = new Float64Array(SLOTS);
const free = Array.from({ length: SLOTS }, (_, slot) => slot);
let pending: Buffer = Buffer.alloc(0);
let rest: Buffer = Buffer.alloc(0);
let sent = 0;
let answered = 0;
let refused = 0;
let isMeasuring = false;
let isOver = false;
const startedMs = performance.now();

function sendDue(): void {
  const nowMs = performance.now();
  for (;;) {
    const due = perMs === 0 ? Infinity : Math.floor((nowMs - startedMs) * perMs) - sent;
    const count = Math.min(due, free.length, BURST_MAX);
    if (count <= 0 || pending.length > 0 || isOver) return;
    const out = Buffer.allocUnsafe(count * frame.bytes.length);
    for (let index = 0; index < count; index++) {
      const slot = free.pop()!;
      const at = index * frame.bytes.length;
      frame.stamp(out, at, slot, 1, sent);
      frame.address(out, at, sent % topicCount, Math.floor(sent / topicCount) % queueCount);
      dueMs[slot] = perMs === 0 ? nowMs : startedMs + sent / perMs;
      if (isMeasuring) lateness.recordValue(Math.max(1, Math.round((nowMs - dueMs[slot]!) * 1000)));
      sent++;
    }
    pending = out;
    flush();
  }
}

function flush(): void {
  pending = pending.subarray(Math.max(0, socket.write(pending)));
}

function receive(chunk: Buffer): void {
  const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
  const nowMs = performance.now();
  let at = 0;
  while (at + 4 <= data.length) {
    const end = at + 4 + data.readInt32BE(at);
    if (end > data.length) break;
    const slot = opaqueOf(data, at);
    if (!isSuccess(data, at)) refused++;
    if (isMeasuring) {
      const latencyUs = Math.max(1, Math.round((nowMs - dueMs[slot]!) * 1000));
      histogram.recordValue(latencyUs);
      if (fileBytes > 0) {
        const within = physicalOffsetOf(data, at) % fileBytes;
        halves[within < fileBytes / 2 ? 0 : 1].recordValue(latencyUs);
      }
      answered++;
    }
    free.push(slot);
    at = end;
  }
  rest = data.subarray(at);
  if (perMs === 0) sendDue();
}

const socket = await Bun.connect({
  hostname: host!,
  port: Number(port),
  socket: {
    data: (_socket, chunk) => receive(chunk as Buffer),
    drain: () => {
      flush();
      sendDue();
    },
    close: () => {
      if (isOver) return;
      console.error("the broker closed the connection");
      process.exit(1);
    },
    error: (_socket, error) => console.error(String(error)),
  },
});
const ticker = setInterval(sendDue, 1);
await Bun.sleep(Math.min(2000, Number(seconds) * 500));
isMeasuring = true;
console.log("MEASURING");
const measuredMs = performance.now();
await Bun.sleep(Number(seconds) * 1000);
isMeasuring = false;
const elapsedSeconds = (performance.now() - measuredMs) / 1000;
isOver = true;
clearInterval(ticker);
const ms = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000;
const figures = {
  sent: answered,
  refused,
  seconds: elapsedSeconds,
  tps: Math.round(answered / elapsedSeconds),
  p50Ms: ms(50),
  p95Ms: ms(95),
  p99Ms: ms(99),
  p999Ms: ms(99.9),
  maxMs: histogram.maxValue / 1000,
  lateP99Ms: lateness.getValueAtPercentile(99) / 1000,
  p999MsOfHalves: halves.map((half) => half.getValueAtPercentile(99.9) / 1000),
};
console.log(`LOAD ${JSON.stringify(figures)}`);
process.exit(refused > 0 ? 1 : 0);
