// A load of prepared send frames over a few connections, each with a fixed number in flight. Its own process, so that
// its cost isn't the broker's. Prints "MEASURING" after the warm-up and then one LOAD line of JSON.
// Usage: bun pipelined.ts HOST:PORT TOPIC CONNECTIONS IN_FLIGHT BODY_BYTES SECONDS [QUEUES]
import { Buffer } from "node:buffer";
import { build } from "hdr-histogram-js";
import { isSuccess, opaqueOf, SendFrame } from "./send_frames.ts";

const [address, topic, connections, inFlight, bodyBytes, seconds, queues = "4"] = process.argv
  .slice(2);
const [host, port] = address!.split(":");
const windowSize = Number(inFlight);
const histogram = build({ highestTrackableValue: 10_000_000, numberOfSignificantValueDigits: 2 });
let measuring = false;
let answered = 0;
let refused = 0;
let stopped = false;

class Loader {
  private readonly frame: SendFrame;
  private readonly sentUs = new Float64Array(windowSize);
  private pending: Buffer[] = [];
  private rest = Buffer.alloc(0);
  private count = 0;
  socket!: import("bun").Socket<undefined>;

  constructor(queueId: number, private readonly id: number) {
    const shape = {
      topic: topic!,
      topics: 1,
      queues: Number(queues),
      bodyBytes: Number(bodyBytes),
    };
    this.frame = new SendFrame(shape);
    this.frame.address(this.frame.bytes, 0, 0, queueId);
  }

  /** Stamps `free` slots' frames and writes them by one call. */
  send(slots: Int32Array, free: number): void {
    const frameBytes = this.frame.bytes.length;
    const out = Buffer.allocUnsafe(free * frameBytes);
    const nowUs = performance.now() * 1000;
    for (let index = 0; index < free; index++) {
      const slot = slots[index]!;
      this.frame.stamp(out, index * frameBytes, slot, this.id, this.count++);
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
