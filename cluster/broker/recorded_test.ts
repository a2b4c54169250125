// Replays what Apache 5.4.0's broker was asked, scenario after scenario, and compares our answers with its own: the
// code, the remark and the names of the fields always, the values where the store's state is the same.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import type { RemotingCommand } from "../../core/remoting/command.ts";
import { fixtureLines } from "../../testdata/fixtures.ts";
import { openTestBroker, type TestBroker, TestPeer } from "./testing.ts";

interface RecordedHeader {
  code: number;
  flag: number;
  opaque: number;
  remark?: string | null;
  extFields?: Record<string, string>;
}

interface Recorded {
  i: number;
  link: string;
  conn: number;
  dir: "c2s" | "s2c";
  ts: number;
  event?: string;
  header?: RecordedHeader;
  headerRaw?: string;
  headerHex?: string;
  serializeType?: string;
  bodyLen?: number;
  bodyUtf8?: string;
  bodyBase64?: string;
  frameBase64?: string;
}

/** In the order in which they were recorded: each begins with what the ones before have stored. */
const SCENARIOS = [
  "topicSetup",
  "producerSync",
  "producerBig",
  "producerCompress",
  "producerAsync",
  "producerOneway",
  "producerBatch",
  "producerOrder",
  "producerDelay",
  "pushBroadcast",
  "pushClustering",
  "pushTwoMembers",
  "pushOrderly",
  "pushRetryDlq",
  "litePull",
  "pullConsumer",
  "producerErrors",
  "adminTool/updateTopic",
  "adminTool/updateTopicPerm",
  "adminTool/deleteTopic",
  "adminTool/updateSubGroup",
  "adminTool/deleteSubGroup",
];

/** Recorded with JSON headers alone. */
const isJsonOnly = (name: string) => /^(producerBig|pushTwoMembers|adminTool\/.*)$/.test(name);

/** The codes whose answers are compared; sends are replayed for what they store. */
const COMPARED = new Set([
  11,
  14,
  15,
  17,
  18,
  29,
  30,
  31,
  32,
  34,
  35,
  38,
  41,
  42,
  46,
  200,
  225,
  361,
]);
const SENDS = new Set([10, 310, 320]);
/** An answer that came later than this was held until something happened. */
const HELD_MS_MIN = 1000;
const ANSWER_WAIT_MS = 5000;

/** Whose values depend on when the recording was made, or on messages that aren't replayed. */
const TIMED_FIELDS = new Set(["timestamp"]);

/** Where ours differs on purpose: Apache answers an empty pull with an accident of its own. */
const ACCIDENT = /NullPointerException/;

class Replay {
  private readonly peers = new Map<string, TestPeer>();
  readonly differences: string[] = [];
  compared = 0;

  constructor(private readonly port: number) {}

  async scenario(folder: string, name: string): Promise<void> {
    const lines = fixtureLines<Recorded>(`wire/${folder}/${name}.jsonl`)
      .filter((line) => line.link === "br");
    lines.sort((left, right) => left.ts - right.ts || left.i - right.i);
    const answers = new Map(
      lines.filter((line) => line.dir === "s2c" && line.header && (line.header.flag & 1) !== 0)
        .map((line) => [`${line.conn}/${line.header!.opaque}`, line]),
    );
    for (const line of lines) {
      if (line.dir !== "c2s" || !line.header || (line.header.flag & 1) !== 0) continue;
      const { code } = line.header;
      if (!COMPARED.has(code) && !SENDS.has(code)) continue;
      await this.step(name, line, answers.get(`${line.conn}/${line.header.opaque}`));
    }
    for (const peer of this.peers.values()) peer[Symbol.dispose]();
    this.peers.clear();
  }

  private async step(name: string, line: Recorded, recorded: Recorded | undefined): Promise<void> {
    const peer = await this.peer(line.conn);
    const answer = peer.answerOf(line.header!.opaque);
    peer.send(frameOf(line));
    if (recorded === undefined || recorded.ts - line.ts > HELD_MS_MIN) return;
    const ours = await Promise.race([answer, sleep(ANSWER_WAIT_MS)]);
    if (!COMPARED.has(line.header!.code)) return;
    this.compared++;
    const difference = ours === null ? "no answer" : differenceOf(recorded.header!, ours);
    if (difference !== null) {
      const fields = JSON.stringify(line.header!.extFields ?? {});
      this.differences.push(
        `${name} #${line.i} code ${line.header!.code} ${fields}: ${difference}`,
      );
    }
  }

  private async peer(conn: number): Promise<TestPeer> {
    const known = this.peers.get(String(conn));
    if (known !== undefined) return known;
    const peer = await TestPeer.connect(this.port);
    this.peers.set(String(conn), peer);
    return peer;
  }
}

function sleep(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), ms).unref());
}

/** The recorded frame; one that was cut gets zeros for the rest of its body. */
function frameOf(line: Recorded): Buffer {
  if (line.frameBase64 !== undefined) return Buffer.from(line.frameBase64, "base64");
  const header = line.headerRaw !== undefined
    ? Buffer.from(line.headerRaw)
    : Buffer.from(line.headerHex!, "hex");
  const body = Buffer.alloc(line.bodyLen ?? 0);
  const known = line.bodyUtf8 !== undefined
    ? Buffer.from(line.bodyUtf8)
    : Buffer.from(line.bodyBase64 ?? "", "base64");
  known.copy(body, 0, 0, body.length);
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + header.length + body.length, 0);
  const serializeType = line.headerRaw !== undefined ? 0 : 1;
  lengths.writeInt32BE((serializeType << 24) | header.length, 4);
  return Buffer.concat([lengths, header, body]);
}

function differenceOf(recorded: RecordedHeader, ours: RemotingCommand): string | null {
  if (ACCIDENT.test(recorded.remark ?? "") && ours.code === recorded.code) return null;
  const theirs = {
    code: recorded.code,
    remark: maskPort(recorded.remark ?? ""),
    fields: maskTimes(recorded.extFields ?? {}),
  };
  const actual = {
    code: ours.code,
    remark: maskPort(ours.remark ?? ""),
    fields: maskTimes(Object.fromEntries(ours.extFields)),
  };
  return isDeepStrictEqual(theirs, actual)
    ? null
    : `Apache ${JSON.stringify(theirs)}, ours ${JSON.stringify(actual)}`;
}

/** Client ports differ from run to run. */
function maskPort(remark: string): string {
  return remark.replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT");
}

function maskTimes(fields: Record<string, string>): Record<string, string> {
  const masked: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    masked[name] = TIMED_FIELDS.has(name) ? "TIME" : value;
  }
  return masked;
}

describe.each(["json", "rocketmq"])("what Apache answered, recorded with %s headers", (folder) => {
  let broker: TestBroker;
  let replay: Replay;

  beforeAll(async () => {
    broker = await openTestBroker();
    replay = new Replay(broker.port);
    for (const name of SCENARIOS) {
      if (folder === "rocketmq" && isJsonOnly(name)) continue;
      await replay.scenario(folder, name);
    }
  }, 60_000);

  afterAll(async () => {
    await broker[Symbol.asyncDispose]();
  });

  test("is answered alike", () => {
    expect(replay.differences).toEqual([]);
    expect(replay.compared).toBeGreaterThan(100);
  });
});
