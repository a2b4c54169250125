// Pulls a topic's queues from their beginning at full speed, again and again, until SIGTERM; says how much it read.
// Bodies are counted, not kept: a client's own collector would take a core from the broker for some ms at a time, and
// that is what would be measured.
// Usage: bun cold_reader.ts HOST:PORT TOPIC [QUEUES]
import { Buffer } from "node:buffer";
import { isSuccess, requestFrame } from "./send_frames.ts";

const [address, topic, queues = "4"] = process.argv.slice(2);
const [host, port] = address!.split(":");
const PULL_MESSAGE = 11;
/** The subscription comes with the pull; nothing is waited for. */
const SUBSCRIPTION_FLAG = 4;
/** After the field's name: its length in a binary header, `":"` in a JSON one. */
const NEXT_OFFSET = /nextBeginOffset(?:":"|[\s\S]{4})(\d+)/;
let bytes = 0;

/** One queue over a connection of its own, one pull at a time. */
class QueueReader {
  private socket!: import("bun").Socket<undefined>;
  private offset = 0;
  private rest = Buffer.alloc(0);
  /** Of an answer's body, still to come. */
  private bodyLeft = 0;

  constructor(private readonly queueId: number) {}

  async start(): Promise<void> {
    this.socket = await Bun.connect({
      hostname: host!,
      port: Number(port),
      socket: {
        data: (_socket, chunk) => this.receive(chunk as Buffer<ArrayBuffer>),
        close: () => fail("the broker closed the connection"),
        error: (_socket, error) => fail(String(error)),
      },
    });
    this.pull();
  }

  private pull(): void {
    const frame = requestFrame(PULL_MESSAGE, [
      ["consumerGroup", "G_cold"],
      ["topic", topic!],
      ["queueId", String(this.queueId)],
      ["queueOffset", String(this.offset)],
      ["maxMsgNums", "32"],
      ["sysFlag", String(SUBSCRIPTION_FLAG)],
      ["commitOffset", "0"],
      ["suspendTimeoutMillis", "15000"],
      ["subscription", "*"],
      ["subVersion", "0"],
      ["expressionType", "TAG"],
    ]);
    if (this.socket.write(frame) < frame.length) fail("the broker takes no requests");
  }

  private receive(chunk: Buffer<ArrayBuffer>): void {
    if (this.bodyLeft > 0) return this.takeBody(chunk.length);
    const data = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    const headerEnd = data.length < 8 ? Infinity : 8 + (data.readInt32BE(4) & 0xff_ffff);
    if (data.length < headerEnd) {
      this.rest = data;
      return;
    }
    this.rest = Buffer.alloc(0);
    this.takeHeader(data, headerEnd);
    this.bodyLeft = 4 + data.readInt32BE(0) - headerEnd;
    this.takeBody(data.length - headerEnd);
  }

  private takeHeader(data: Buffer, headerEnd: number): void {
    const header = data.toString("latin1", 8, headerEnd);
    const isFound = isSuccess(data, 0);
    if (!isFound && this.offset === 0) fail(`nothing to read: ${JSON.stringify(header)}`);
    this.offset = isFound ? Number(NEXT_OFFSET.exec(header)![1]) : 0;
  }

  private takeBody(length: number): void {
    this.bodyLeft -= length;
    bytes += length;
    if (this.bodyLeft === 0) this.pull();
  }
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const startedMs = performance.now();
process.on("SIGTERM", () => {
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(`READ ${Math.round(bytes / 1e6)} MB in ${seconds.toFixed(2)} s`);
  process.exit(0);
});
for (let queueId = 0; queueId < Number(queues); queueId++) await new QueueReader(queueId).start();
console.log("READING");
