// What the broker's tests share: a broker on a temporary folder and free ports, and peers that speak recorded frames.
// Used by tests alone.
import { Buffer } from "node:buffer";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import type { LiveConfig } from "../../core/config/live_config.ts";
import { loadBrokerConfig } from "../../core/config/servers.ts";
import type { BrokerConfig } from "../../core/config/tables.ts";
import type { Disk } from "../../core/disk/disk.ts";
import { nodeDisk } from "../../core/disk/disk_node.ts";
import { type Logger, silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { requestCommand } from "../../core/remoting/answers.ts";
import type { CodeRow, Fields, FieldsOf } from "../../core/remoting/code_row.ts";
import { decodeFrame, encodeFrame } from "../../core/remoting/codec.ts";
import { isResponse, type RemotingCommand } from "../../core/remoting/command.ts";
import { UPDATE_BROKER_CONFIG } from "../../core/remoting/codes/admin.ts";
import { SEND_MESSAGE_V2 } from "../../core/remoting/codes/send.ts";
import { encodeFields } from "../../core/remoting/fields.ts";
import { createNodeTransport } from "../../core/remoting/transport_node.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { fixtureArchive } from "../../testdata/fixtures.ts";
import { Broker } from "./broker.ts";

export const MACHINE = {
  processors: 2,
  hostName: "test",
  localAddress: "127.0.0.1",
  homeDirectory: "/nowhere",
  currentDirectory: "/nowhere",
  rocketmqHome: null,
  namesrvAddr: null,
};

export interface TestBroker extends AsyncDisposable {
  broker: Broker;
  storePath: string;
  port: number;
  config: LiveConfig<BrokerConfig>;
}

/** A temporary folder that goes when the stack is disposed. */
export function temporaryFolder(stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), `roquet-broker-${process.pid}-`));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes the recorded store's files into a folder. */
export function extractStore(archive: string, folder: string): void {
  for (const [name, bytes] of fixtureArchive(archive)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

export interface TestBrokerOptions {
  /** Keys of broker.conf over the test's own. */
  settings?: Record<string, string | number | boolean>;
  storePath?: string;
  log?: Logger;
  disk?: Disk;
}

export async function openTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  await using stack = new AsyncDisposableStack();
  const storePath = options.storePath ?? temporaryFolder(stack);
  const settings = {
    brokerName: "broker-fx",
    brokerClusterName: "FixtureCluster",
    brokerIP1: "127.0.0.1",
    brokerIP2: "127.0.0.1",
    bindAddress: "127.0.0.1",
    listenPort: 0,
    mappedFileSizeCommitLog: 1024 * 1024,
    maxHashSlotNum: 500,
    maxIndexNum: 2000,
    storePathRootDir: storePath,
    ...options.settings,
  };
  const overrides = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const { live: config } = loadBrokerConfig({ overrides }, MACHINE);
  const broker = stack.use(
    await Broker.open({
      config,
      clock: systemClock,
      disk: options.disk ?? nodeDisk,
      random: seededRandom(1),
      log: options.log ?? silentLogger,
      transport: createNodeTransport(systemClock),
    }),
  );
  const opened = stack.move();
  return {
    broker,
    storePath,
    config,
    port: broker.addresses[0]!.port,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

type Waiting = (answer: RemotingCommand) => void;

/** A client on one connection; answers are found by their opaque. */
export class TestPeer implements Disposable {
  /** Requests that the broker sent. */
  readonly requests: RemotingCommand[] = [];
  private readonly waiting = new Map<number, Waiting>();
  private pending: Buffer = Buffer.alloc(0);
  private nextOpaque = 1;

  private constructor(private readonly socket: Socket) {
    socket.on("data", (bytes: Buffer) => this.take(bytes));
  }

  static connect(port: number): Promise<TestPeer> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        socket.on("error", () => {});
        resolve(new TestPeer(socket));
      });
    });
  }

  /** Sends a request under an opaque of its own and resolves with the answer. */
  call(command: RemotingCommand): Promise<RemotingCommand> {
    command.opaque = this.nextOpaque++;
    const answer = this.answerOf(command.opaque);
    this.socket.write(encodeFrame(command));
    return answer;
  }

  send(frame: Uint8Array): void {
    this.socket.write(frame);
  }

  /** The answer to come with an opaque. */
  answerOf(opaque: number): Promise<RemotingCommand> {
    return new Promise((resolve) => this.waiting.set(opaque, resolve));
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  private take(bytes: Buffer): void {
    this.pending = Buffer.concat([this.pending, bytes]);
    while (this.pending.length >= 4) {
      const end = 4 + this.pending.readInt32BE(0);
      if (this.pending.length < end) return;
      const buffer = Buffer.from(this.pending.subarray(0, end));
      this.pending = this.pending.subarray(end);
      this.frame(buffer);
    }
  }

  private frame(buffer: Buffer): void {
    const word = buffer.readInt32BE(4);
    const bodyStart = 8 + (word & 0xffffff);
    const command = decodeFrame({
      buffer,
      start: 0,
      serializeType: (word >>> 24) as 0 | 1,
      headerStart: 8,
      bodyStart,
      end: buffer.length,
    });
    if (!isResponse(command)) {
      this.requests.push(command);
      return;
    }
    this.waiting.get(command.opaque)?.(command);
    this.waiting.delete(command.opaque);
  }
}

/** A typed request by its row, with a binary header. */
export function call<Q extends Fields>(
  peer: TestPeer,
  row: CodeRow<Q>,
  fields: Partial<FieldsOf<Q>>,
  body?: Uint8Array,
): Promise<RemotingCommand> {
  const extFields = encodeFields(row.request, fields);
  return peer.call(requestCommand(row.code, { extFields, ...(body && { body }) }));
}

/** Sends a message to queue 0 of a topic, which is made when it doesn't exist. */
export function send(peer: TestPeer, topic: string, body: string, properties = "") {
  return call(peer, SEND_MESSAGE_V2, {
    a: "P",
    b: topic,
    c: "TBW102",
    d: 4,
    e: 0,
    f: 0,
    g: 1,
    h: 0,
    i: properties,
    j: 0,
    k: false,
    m: false,
  }, Buffer.from(body));
}

/** Changes a running broker's configuration: lines of key=value. */
export function configure(peer: TestPeer, ...lines: string[]) {
  return call(peer, UPDATE_BROKER_CONFIG, {}, Buffer.from(lines.join("\n")));
}
