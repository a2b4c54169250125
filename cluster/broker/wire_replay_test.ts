// What Apache's clients sent to an Apache broker, frame by frame, sent to ours: each answer has the recorded one's code
// and fields. Scenarios of admin tools are replayed in admin/; what depends on time or on other scenarios is named here.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { fixtureLines, fixturePath } from "../../testdata/fixtures.ts";
import { loadBrokerConfig } from "../../core/config/servers.ts";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { soleOwner } from "../../core/disk/file_lock.ts";
import { silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { answerTo } from "../../core/remoting/answers.ts";
import { decodeFrame, encodeFrame } from "../../core/remoting/codec.ts";
import { PUSH_REPLY_MESSAGE_TO_CLIENT } from "../../core/remoting/codes/client_bound.ts";
import { cutCodes } from "../../core/remoting/codes/cut_codes.ts";
import { rowByCode } from "../../core/remoting/codes/index.ts";
import { isResponse, type RemotingCommand } from "../../core/remoting/command.ts";
import { FrameDecoder } from "../../core/remoting/frame.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { createNodeTransport } from "../../core/remoting/transport_node.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { Broker } from "./broker.ts";

interface Line {
  event?: string;
  link: string;
  conn: number;
  dir: "c2s" | "s2c";
  header?: { code: number; opaque: number; flag: number; extFields?: Record<string, string> };
  kind?: string;
  frameBase64?: string;
}

interface Exchange {
  request: Line & { header: NonNullable<Line["header"]> };
  answer: NonNullable<Line["header"]> | undefined;
}

/** Pulls are answered by what has arrived, and when: any of these may come for any other. */
const PULLS = new Set([11, 361]);
const PULL_ANSWERS = new Set([
  ResponseCode.SUCCESS,
  ResponseCode.PULL_NOT_FOUND,
  ResponseCode.PULL_RETRY_IMMEDIATELY,
  ResponseCode.PULL_OFFSET_MOVED,
  ResponseCode.SUBSCRIPTION_NOT_LATEST,
]);
/** Whether an offset is stored depends on what earlier scenarios committed. */
const QUERY_CONSUMER_OFFSET = 14;
const OFFSET_ANSWERS = new Set([ResponseCode.SUCCESS, ResponseCode.QUERY_NOT_FOUND]);

/** Pops and notifications say when they were asked, and wait long for what doesn't come. */
const TIMED = new Set([200050, 200054]);
const TIMED_POLL_MS = 60;

/** Fields that Apache sends only in states that a replay doesn't reach, or that ours sends besides. */
const FREE_FIELDS = new Set(["recallHandle", "offset"]);

/** Where ours answers otherwise on purpose; `recorded` undefined stands for any. */
interface Intended {
  scenario: RegExp;
  code: number;
  recorded?: number;
  ours: number;
  why: string;
}

const INTENDED: readonly Intended[] = [
  {
    scenario: /producerTimer/,
    code: 370,
    recorded: ResponseCode.SUCCESS,
    ours: ResponseCode.ILLEGAL_OPERATION,
    why: "the recorded handle is of a time that is past",
  },
  {
    scenario: /producer(Sync|Errors)/,
    code: 10,
    recorded: ResponseCode.SYSTEM_ERROR,
    ours: ResponseCode.MESSAGE_ILLEGAL,
    why: "Apache answers an empty body by an accident of its own",
  },
  {
    scenario: /pullConsumer|pushRetryDlq/,
    code: 36,
    recorded: ResponseCode.SUCCESS,
    ours: ResponseCode.SYSTEM_ERROR,
    why: "the physical offset is one of the recorded log, which had other records before it",
  },
  {
    scenario: /popApi/,
    code: 200050,
    recorded: ResponseCode.SUCCESS,
    ours: ResponseCode.POLLING_TIMEOUT,
    why: "the messages with priorities were sent in a scenario of their own",
  },
];

function isIntended(scenario: string, code: number, recorded: number, ours: number): boolean {
  return INTENDED.some((row) =>
    row.scenario.test(scenario) && row.code === code && row.ours === ours &&
    (row.recorded ?? recorded) === recorded
  );
}

const SCENARIOS = ["wire/json", "wire/rocketmq"].flatMap((folder) =>
  readdirSync(fixturePath(folder))
    .map((name) => name.replace(/\.gz$/, ""))
    .filter((name) => name.endsWith(".jsonl"))
    .filter((name) => !/^(sent|broker-namesrv|adminCalls|topicSetup)/.test(name))
    .map((name) => `${folder}/${name}`)
);

function exchangesOf(file: string): Exchange[] {
  const lines = fixtureLines<Line>(file).filter((line) => line.link === "br" && line.header);
  const answers = new Map<string, NonNullable<Line["header"]>>();
  for (const { conn, dir, header } of lines) {
    if (dir === "s2c" && (header!.flag & 1) === 1) {
      answers.set(`${conn} ${header!.opaque}`, header!);
    }
  }
  return lines.filter(({ dir, header }) => dir === "c2s" && (header!.flag & 1) === 0).map((
    line,
  ) => ({
    request: line as Exchange["request"],
    answer: answers.get(`${line.conn} ${line.header!.opaque}`),
  }));
}

/** A raw connection that keeps the answers by opaque. */
class Replayer implements Disposable {
  readonly answers = new Map<number, RemotingCommand>();
  private readonly decoder = new FrameDecoder();
  private wake: () => void = () => {};

  private constructor(private readonly socket: Socket) {
    socket.on("data", (chunk) => {
      this.decoder.push(chunk as Buffer);
      for (let frame = this.decoder.next(); frame !== null; frame = this.decoder.next()) {
        const command = decodeFrame(frame);
        if (isResponse(command)) this.answers.set(command.opaque, command);
        else this.agree(command);
      }
      this.wake();
    });
  }

  static open(port: number): Promise<Replayer> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new Replayer(socket)));
      socket.once("error", reject);
    });
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** A requester takes the reply that the broker pushes, and says so: the replier's answer waits for that. */
  private agree(command: RemotingCommand): void {
    if (command.code !== PUSH_REPLY_MESSAGE_TO_CLIENT.code) return;
    this.send(encodeFrame(answerTo(command, PUSH_REPLY_MESSAGE_TO_CLIENT, {})));
  }

  /** The answer to an opaque; undefined when none comes in time. */
  async answer(opaque: number, timeoutMs: number): Promise<RemotingCommand | undefined> {
    const deadlineMs = Date.now() + timeoutMs;
    while (!this.answers.has(opaque) && Date.now() < deadlineMs) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, Math.max(1, deadlineMs - Date.now()));
      });
    }
    return this.answers.get(opaque);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

async function openBroker(): Promise<Broker> {
  const { live } = loadBrokerConfig({
    overrides: [
      "bindAddress=127.0.0.1",
      "brokerIP1=127.0.0.1",
      "listenPort=0",
      "brokerName=broker-fx",
      "brokerClusterName=FixtureCluster",
      "storePathRootDir=/store",
      "storePathCommitLog=/store/commitlog",
      "mappedFileSizeCommitLog=8388608",
      "maxHashSlotNum=500",
      "maxIndexNum=2000",
      "traceTopicEnable=true",
      "enablePropertyFilter=true",
      "recallMessageEnable=true",
    ],
  }, {
    processors: 2,
    hostName: "test",
    localAddress: "127.0.0.1",
    homeDirectory: "/home/test",
    currentDirectory: "/home/test",
    rocketmqHome: null,
    namesrvAddr: null,
  });
  return await Broker.open({
    config: live,
    clock: systemClock,
    disk: new MemoryDisk(seededRandom(1)),
    locks: soleOwner,
    random: seededRandom(2),
    log: silentLogger,
    transport: createNodeTransport(systemClock),
  });
}

const ANSWER_MS_MAX = 5000;
const PULL_MS_MAX = 20;

async function replay(port: number, file: string): Promise<string[]> {
  const differences: string[] = [];
  const connections = new Map<number, Replayer>();
  try {
    for (const { answer, request } of exchangesOf(file)) {
      const { conn, frameBase64, header } = request;
      if (frameBase64 === undefined) continue;
      if (!connections.has(conn)) connections.set(conn, await Replayer.open(port));
      const connection = connections.get(conn)!;
      connection.send(timely(Buffer.from(frameBase64, "base64"), header.code));
      if (answer === undefined) continue;
      const isPull = PULLS.has(header.code);
      const ours = await connection.answer(header.opaque, isPull ? PULL_MS_MAX : ANSWER_MS_MAX);
      // A held pull is answered when something arrives, or never within the replay.
      if (ours === undefined && isPull) continue;
      const difference = compare(file, header.code, answer, ours);
      if (difference !== null) differences.push(difference);
    }
  } finally {
    for (const connection of connections.values()) connection[Symbol.dispose]();
  }
  return differences;
}

/** The frame as it is; a request that says when it was asked, asked now. */
function timely(bytes: Buffer, code: number): Buffer {
  if (!TIMED.has(cutCodes.get(code) ?? code)) return bytes;
  const decoder = new FrameDecoder();
  decoder.push(bytes);
  const command = decodeFrame(decoder.next()!);
  const extFields = new Map(command.extFields);
  extFields.set("bornTime", String(Date.now()));
  extFields.set("pollTime", String(TIMED_POLL_MS));
  return encodeFrame({ ...command, extFields });
}

function compare(
  scenario: string,
  code: number,
  recorded: NonNullable<Line["header"]>,
  ours: RemotingCommand | undefined,
): string | null {
  if (ours === undefined) return `${code}: no answer, recorded ${recorded.code}`;
  // Apache doesn't know the codes that binary headers cut; ours does.
  if (cutCodes.has(code)) {
    const unknown = ResponseCode.REQUEST_CODE_NOT_SUPPORTED;
    return ours.code === unknown ? `${code}: not known` : null;
  }
  if (!rowByCode(code)?.servedBy.includes("broker")) {
    const expected = ResponseCode.REQUEST_CODE_NOT_SUPPORTED;
    return ours.code === expected ? null : `${code}: unserved, answered ${ours.code}`;
  }
  const free = PULLS.has(code)
    ? PULL_ANSWERS
    : code === QUERY_CONSUMER_OFFSET
    ? OFFSET_ANSWERS
    : null;
  if (free?.has(recorded.code as never) && free.has(ours.code as never)) return null;
  if (ours.code !== recorded.code) {
    if (isIntended(scenario, code, recorded.code, ours.code)) return null;
    return `${code}: recorded ${recorded.code}, answered ${ours.code} ${ours.remark}`;
  }
  const names = (fields: Iterable<string>) =>
    [...fields].filter((name) => !FREE_FIELDS.has(name)).sort().join(" ");
  const [theirs, mine] = [
    names(Object.keys(recorded.extFields ?? {})),
    names(ours.extFields.keys()),
  ];
  return theirs === mine ? null : `${code}: recorded fields ${theirs}; answered ${mine}`;
}

for (const scenario of SCENARIOS) {
  test(`${scenario} is answered as recorded`, async () => {
    await using broker = await openBroker();
    const { port } = broker.addresses[0]!;
    const setup = `${dirname(scenario)}/topicSetup.jsonl`;
    expect(await replay(port, setup)).toEqual([]);
    expect(await replay(port, scenario)).toEqual([]);
  });
}
