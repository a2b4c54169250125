// A load of prepared send frames over a few connections, each with a fixed number in flight. Its own process, so that
// its cost isn't the broker's. Prints "MEASURING" after the warm-up and then one LOAD line of JSON.
// Usage: bun pipelined.ts HOST:PORT TOPIC CONNECTIONS IN_FLIGHT BODY_BYTES SECONDS [QUEUES]
import { Buffer } from "node:buffer";
import { build } from "hdr-histogram-js";

const [address, topic, connections, inFlight, bodyBytes, seconds, queues = "4"] = process.argv
  .slice(2);
const [host, port] = address!.split(":");
const windowSize = Number(inFlight);
const histogram = build({ highestTrackableValue: 10_000_000, numberOfSignificantValueDigits: 2 });
let measuring = false;
let answered = 0;
let refused = 0;
let stopped = false;

/** One SEND_MESSAGE_V2 in the binary serialization; its opaque is at byte 13. */
function sendFrame(queueId: number): Buffer {
  const fields: [string, string][] = [
    ["a", "G_load"],
    ["b", topic!],
    ["c", "TBW102"],
    ["d", queues],
    ["e", String(queueId)],
    ["f", "0"],
    ["g", String(Date.now())],
    ["h", "0"],
    ["i", "UNIQ_KEY\x017F00000100002A9F0000000000000000\x02WAIT\x01true\x02"],
    ["j", "0"],
    ["k", "false"],
    ["m", "false"],
  ];
  const parts = fields.map(([name, value]) => {
    const field = Buffer.alloc(2 + name.length + 4 + value.length);
    field.writeUInt16BE(name.length, 0);
    field.write(name, 2, "latin1");
    field.writeInt32BE(value.length, 2 + name.length);
    field.write(value, 6 + name.length, "latin1");
    return field;
  });
  const ext = Buffer.concat(parts);
  const header = Buffer.alloc(21);
  header.writeInt16BE(310, 0);
  header.writeInt16BE(493, 3);
  header.writeInt32BE(ext.length, 17);
  const lengths = Buffer.alloc(8);
  const headerBytes = header.length + ext.length;
  lengths.writeInt32BE(4 + headerBytes + Number(bodyBytes), 0);
  lengths.writeInt32BE(headerBytes, 4);
  lengths[4] = 1;
  return Buffer.concat([lengths, header, ext, Buffer.alloc(Number(bodyBytes), "x")]);
}

const OPAQUE_AT = 8 + 5;
const UNIQUE_AT = sendFrame(0).indexOf("7F00000100002A9F") + 16;
const HEX = "0123456789ABCDEF";

const JSON_SUCCESS = Buffer.from('{"code":0,');
const JSON_OPAQUE = Buffer.from('"opaque":');

/** Apache answers in its own serialization, Roquet in the request's. */
function isJson(data: Buffer, at: number): boolean {
  return data[at + 4] === 0;
}

function opaqueOf(data: Buffer, at: number): number {
  if (!isJson(data, at)) return data.readInt32BE(at + OPAQUE_AT);
  let opaque = 0;
  for (let digit = data.indexOf(JSON_OPAQUE, at) + JSON_OPAQUE.length;; digit++) {
    const value = data[digit]! - 48;
    if (value < 0 || value > 9) return opaque;
    opaque = opaque * 10 + value;
  }
}

function isSuccess(data: Buffer, at: number): boolean {
  return isJson(data, at)
    ? data.compare(JSON_SUCCESS, 0, JSON_SUCCESS.length, at + 8, at + 8 + JSON_SUCCESS.length) === 0
    : data.readInt16BE(at + 8) === 0;
}

class Loader {
  private readonly frames: Buffer;
  private readonly frameBytes: number;
  private readonly sentUs = new Float64Array(windowSize);
  private pending: Buffer[] = [];
  private rest = Buffer.alloc(0);
  private count = 0;
  socket!: import("bun").Socket<undefined>;

  constructor(queueId: number, private readonly id: number) {
    const frame = sendFrame(queueId);
    this.frameBytes = frame.length;
    this.frames = Buffer.concat(Array.from({ length: windowSize }, () => frame));
  }

  /** Stamps `free` slots' frames and writes them by one call. */
  send(slots: Int32Array, free: number): void {
    const out = Buffer.allocUnsafe(free * this.frameBytes);
    const nowUs = performance.now() * 1000;
    for (let index = 0; index < free; index++) {
      const slot = slots[index]!;
      const at = index * this.frameBytes;
      this.frames.copy(out, at, 0, this.frameBytes);
      out.writeInt32BE(slot, at + OPAQUE_AT);
      let number = this.count++;
      out[at + UNIQUE_AT] = HEX.charCodeAt(this.id & 15);
      for (let digit = 15; digit > 7; digit--) {
        out[at + UNIQUE_AT + digit] = HEX.charCodeAt(number & 15);
        number >>>= 4;
      }
      this.sentUs[slot] = nowUs;
    }
    this.pending.push(out);
    this.flush();
  }

  flush(): void {
    while (this.pending.length > 0) {
      const next = this.pending[0]!;
      const taken = this.socket.write(next);
      if (taken < next.length) {
        this.pending[0] = next.subarray(Math.max(0, taken));
        return;
      }
      this.pending.shift();
    }
  }

  private readonly slots = new Int32Array(windowSize);

  receive(chunk: Buffer): void {
    const data = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    let free = 0;
    const nowUs = performance.now() * 1000;
    while (at + 4 <= data.length) {
      const end = at + 4 + data.readInt32BE(at);
      if (end > data.length) break;
      const slot = opaqueOf(data, at);
      if (!isSuccess(data, at)) refused++;
      if (measuring) {
        histogram.recordValue(Math.max(1, Math.round(nowUs - this.sentUs[slot]!)));
        answered++;
      }
      this.slots[free++] = slot;
      at = end;
    }
    this.rest = data.subarray(at) as Buffer<ArrayBuffer>;
    if (free > 0 && !stopped) this.send(this.slots, free);
  }

  start(): void {
    for (let slot = 0; slot < windowSize; slot++) this.slots[slot] = slot;
    this.send(this.slots, windowSize);
  }
}

const loaders: Loader[] = [];
for (let index = 0; index < Number(connections); index++) {
  const loader = new Loader(index % Number(queues), index);
  loader.socket = await Bun.connect({
    hostname: host!,
    port: Number(port),
    socket: {
      data: (_socket, chunk) => loader.receive(chunk as Buffer),
      drain: () => loader.flush(),
      close: () => {
        if (!stopped) {
          console.error("the broker closed the connection");
          process.exit(1);
        }
      },
      error: (_socket, error) => console.error(String(error)),
    },
  });
  loaders.push(loader);
}
for (const loader of loaders) loader.start();
await Bun.sleep(Math.min(2000, Number(seconds) * 500));
measuring = true;
console.log("MEASURING");
const startedMs = performance.now();
await Bun.sleep(Number(seconds) * 1000);
measuring = false;
const elapsedSeconds = (performance.now() - startedMs) / 1000;
stopped = true;
const ms = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000;
console.log(`LOAD ${
  JSON.stringify({
    sent: answered,
    refused,
    seconds: elapsedSeconds,
    tps: Math.round(answered / elapsedSeconds),
    p50Ms: ms(50),
    p95Ms: ms(95),
    p99Ms: ms(99),
    p999Ms: ms(99.9),
  })
}`);
process.exit(refused > 0 ? 1 : 0);
