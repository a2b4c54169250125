// Replays what a live Apache 5.4.0 name server was asked (testdata/*.jsonl, recorded on loopback)
// and compares answers and notices. A step whose answer differs on purpose says what ours is.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { silentLogger } from "../../core/log.ts";
import { NOTIFY_MIN_BROKER_ID_CHANGE } from "../../core/remoting/codes/replication.ts";
import { RemotingServer } from "../../core/remoting/server.ts";
import { createNodeTransport } from "../../core/remoting/transport_node.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import type { NameServer } from "./name_server.ts";
import { comparable, HOST, openNameServer, TestPeer } from "./testing.ts";

interface RecordedAnswer {
  code: number;
  remark?: string;
  extFields?: Record<string, string>;
  body?: string;
}

interface RequestStep {
  name: string;
  connection: string;
  code: number;
  version: number;
  extFields: Record<string, string> | null;
  body?: string;
  bodyBase64?: string;
  answer: RecordedAnswer;
  ours?: Partial<RecordedAnswer>;
}

type Fields = Record<string, string>;

type Step =
  | RequestStep
  | { name: string; connection: string; close: true }
  | { name: string; wait: true }
  | { name: string; notices: { to: string; code: number; extFields: Fields }[] };

/** Brokers that listen in the recording, and the names that it gives them. */
const LISTENERS = [["127.0.0.1:23001", "$A"], ["127.0.0.1:23002", "$B"], ["127.0.0.1:23003", "$C"]];
const SETTLE_MS = 100;

/** The lines of a file in testdata/. */
function recordedLines(name: string): string[] {
  const path = new URL(`./testdata/${name}`, import.meta.url).pathname;
  const text = readFileSync(path, "utf8");
  return text.split("\n").filter((line) => line !== "");
}

/** A registry under test, its peers, and brokers that note what they are told. */
class Replay implements AsyncDisposable {
  private readonly peers = new Map<string, TestPeer>();
  private readonly realAddresses = new Map<string, string>();
  private notices: { to: string; code: number; extFields: Fields }[] = [];
  private readonly resources = new AsyncDisposableStack();
  private server!: NameServer;

  async open(overrides: readonly string[]): Promise<void> {
    this.server = this.resources.use(await openNameServer({ overrides }));
    for (const [recorded, name] of LISTENERS) await this.listen(recorded!, name!);
  }

  async run(line: string): Promise<void> {
    let text = line;
    for (const [recorded, real] of this.realAddresses) text = text.replaceAll(recorded, real);
    const step = JSON.parse(text) as Step;
    if ("notices" in step) return await this.expectNotices(step.notices);
    if ("code" in step) return await this.ask(step);
    if ("close" in step) await this.peers.get(step.connection)?.[Symbol.asyncDispose]();
    await systemClock.sleep(SETTLE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.peers.values()) await peer[Symbol.asyncDispose]();
    await this.resources.disposeAsync();
  }

  private async ask(step: RequestStep): Promise<void> {
    const body = step.bodyBase64 === undefined
      ? step.body ?? ""
      : Buffer.from(step.bodyBase64, "base64");
    const peer = this.peers.get(step.connection) ?? new TestPeer(this.server);
    this.peers.set(step.connection, peer);
    const answer = await peer.request(step.code, step.extFields ?? {}, body, step.version);
    const expected = { ...step.answer, ...step.ours };
    expect({
      code: answer.code,
      remark: answer.remark ?? undefined,
      extFields: Object.fromEntries(answer.extFields),
      body: comparable(Buffer.from(answer.body).toString()),
    }).toEqual({
      code: expected.code,
      remark: expected.remark,
      extFields: expected.extFields ?? {},
      body: comparable(expected.body ?? ""),
    });
  }

  private async expectNotices(expected: { to: string; code: number; extFields: Fields }[]) {
    for (let waits = 0; waits < 50 && this.notices.length < expected.length; waits++) {
      await systemClock.sleep(SETTLE_MS);
    }
    if (expected.length === 0) await systemClock.sleep(SETTLE_MS);
    const got = this.notices.sort((one, other) => one.to < other.to ? -1 : 1);
    this.notices = [];
    expect(got).toEqual(
      expected.map(({ to, code, extFields }) => ({ to, code, extFields })),
    );
  }

  private async listen(recorded: string, name: string): Promise<void> {
    const server = this.resources.use(
      await RemotingServer.open({
        transport: createNodeTransport(systemClock),
        clock: systemClock,
        log: silentLogger,
        host: HOST,
        ports: [0],
      }),
    );
    this.realAddresses.set(recorded, `${HOST}:${server.addresses[0]!.port}`);
    server.handle(NOTIFY_MIN_BROKER_ID_CHANGE, ({ command }) => {
      const extFields = Object.fromEntries(command.extFields);
      this.notices.push({ to: name, code: command.code, extFields });
      return undefined;
    });
  }
}

function replay(file: string, title: string, overrides: readonly string[]): void {
  describe(title, () => {
    const running = new Replay();
    beforeAll(() => running.open(overrides));
    afterAll(() => running[Symbol.asyncDispose]());
    recordedLines(file).forEach((line, index) => {
      const { name, code } = JSON.parse(line) as { name: string; code?: number };
      test(`${index + 1} ${code ?? ""} ${name}`, () => running.run(line));
    });
  });
}

replay("registry.jsonl", "a registry answers as Apache's does", ["orderMessageEnable=true"]);
replay("acting_master.jsonl", "acting masters and notices are as Apache's", [
  "supportActingMaster=true",
  "notifyMinBrokerIdChanged=true",
  "orderMessageEnable=true",
]);
replay("delete_topics.jsonl", "topics leave with a registration as in Apache", [
  "deleteTopicWithBrokerRegistration=true",
  "returnOrderTopicConfigToBroker=false",
]);
