import { beforeEach, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { crc32Masked } from "../../../core/bytes/crc32.ts";
import { silentLogger } from "../../../core/log.ts";
import type { RemotingClient } from "../../../core/remoting/client.ts";
import type { CodeRow } from "../../../core/remoting/code_row.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { memoryTableFile } from "../table_file.ts";
import { newTopicConfig } from "../topics/topic_config.ts";
import { TopicTable } from "../topics/topic_table.ts";
import { Registration } from "./registration.ts";

interface Call {
  code: number;
  address: string;
  fields: Record<string, unknown>;
  body: Buffer;
  atMs: number;
}

/** Name servers that note what they are told; some never answer, one says which version it has. */
class FakeNameServers {
  readonly calls: Call[] = [];
  silent = new Set<string>();
  changed = true;
  orderTopics = "{}";

  constructor(private readonly clock: VirtualClock) {}

  readonly call = ((
    row: CodeRow,
    address: string,
    fields: Record<string, unknown>,
    body?: Uint8Array,
  ): Promise<unknown> => {
    const atMs = this.clock.monotonicMs();
    this.calls.push({ code: row.code, address, fields, body: Buffer.from(body ?? []), atMs });
    if (this.silent.has(address)) return new Promise(() => {});
    const answer = Buffer.from(row.code === 103 ? `{"table":${this.orderTopics}}` : "");
    return Promise.resolve({ code: 0, fields: { changed: this.changed }, body: answer });
  }) as RemotingClient["call"];

  codes(address: string): number[] {
    return this.calls.filter((call) => call.address === address).map(({ code }) => code);
  }
}

const settings = {
  brokerName: "broker-a",
  brokerClusterName: "C",
  brokerId: 0,
  brokerPermission: 6,
  registerNameServerPeriod: 30_000,
  registerBrokerTimeoutMills: 24_000,
  forceRegister: true,
  compressedRegister: false,
  autoCreateTopicEnable: true,
  defaultTopicQueueNums: 8,
  clusterTopicEnable: true,
  brokerTopicEnable: true,
  traceTopicEnable: false,
  msgTraceTopicName: "",
  reviveQueueNum: 8,
  timerWheelEnable: true,
};

describe("registration", () => {
  let clock: VirtualClock;
  let servers: FakeNameServers;
  let topics: TopicTable;

  beforeEach(() => {
    clock = new VirtualClock();
    servers = new FakeNameServers(clock);
    topics = new TopicTable({ settings, file: memoryTableFile(), clock, log: silentLogger });
  });

  function open(overrides: Partial<typeof settings> = {}, nameServers = ["a:1", "b:1"]) {
    const registration = new Registration({
      client: servers,
      nameServers,
      brokerAddress: "10.0.0.1:10911",
      haAddress: "10.0.0.2:10912",
      settings: { ...settings, ...overrides },
      topics,
      clock,
      log: silentLogger,
    });
    topics.onChange(() => registration.registerNow());
    return registration;
  }

  test("tells every name server who the broker is, with all topics and their CRC", async () => {
    await open().registerNow();
    expect(servers.calls.map(({ address }) => address)).toEqual(["a:1", "b:1"]);
    const [{ fields, body }] = servers.calls as [Call];
    expect(fields).toEqual({
      brokerName: "broker-a",
      brokerAddr: "10.0.0.1:10911",
      clusterName: "C",
      brokerId: 0,
      haServerAddr: "10.0.0.2:10912",
      enableActingMaster: false,
      compressed: false,
      bodyCrc32: crc32Masked(body),
    });
    const { topicConfigSerializeWrapper } = JSON.parse(body.toString());
    expect(topicConfigSerializeWrapper.dataVersion).toEqual(topics.dataVersion);
    expect(Object.keys(topicConfigSerializeWrapper.topicConfigTable)).toContain("TBW102");
  });

  test("comes again after 10 s and then every 30 s, within Apache's bounds", async () => {
    open();
    await clock.advance(75_000);
    const times = () =>
      servers.calls.filter(({ address }) => address === "a:1").map(({ atMs }) => atMs);
    expect(times()).toEqual([10_000, 40_000, 70_000]);
    servers.calls.length = 0;
    open({ registerNameServerPeriod: 1_000 }, ["c:1"]);
    await clock.advance(31_000);
    expect(servers.codes("c:1").length).toBe(3);
  });

  test("isn't held up by a name server that doesn't answer", async () => {
    servers.silent.add("a:1");
    const registration = open();
    let isDone = false;
    void registration.registerNow().then(() => isDone = true);
    await clock.advance(999);
    expect(isDone).toBeFalse();
    expect(servers.codes("b:1")).toEqual([103]);
    await clock.advance(1);
    expect(isDone).toBeTrue();
    void registration.registerNow();
    await clock.advance(1_000);
    expect(servers.codes("b:1")).toEqual([103, 103]);
    expect(servers.codes("a:1")).toEqual([103]);
  });

  test("gathers the changes that come while one is under way into the next one", async () => {
    open();
    for (let topic = 0; topic < 50; topic++) void topics.update([newTopicConfig(`T${topic}`)]);
    await clock.advance(0);
    expect(servers.codes("a:1").length).toBeLessThan(5);
    const last = JSON.parse(servers.calls.at(-1)!.body.toString());
    expect(last.topicConfigSerializeWrapper.topicConfigTable).toHaveProperty("T49");
  });

  test("asks for the version first when it isn't forced, and then only sends what differs", async () => {
    servers.changed = false;
    open({ forceRegister: false });
    await clock.advance(10_000);
    expect(servers.codes("a:1")).toEqual([322]);
    servers.changed = true;
    await clock.advance(30_000);
    expect(servers.codes("a:1")).toEqual([322, 322, 103]);
  });

  test("takes over which topics are ordered", async () => {
    await topics.update([newTopicConfig("T")]);
    servers.orderTopics = '{"T":"broker-a:4"}';
    await open().registerNow();
    expect(topics.isOrder("T")).toBeTrue();
  });

  test("lends the broker's permission to its topics", async () => {
    await open({ brokerPermission: 4 }).registerNow();
    const { topicConfigTable } = JSON.parse(servers.calls[0]!.body.toString())
      .topicConfigSerializeWrapper;
    expect(topicConfigTable.TBW102.perm).toBe(4);
  });

  test("can be deflated, each part with its length", async () => {
    await open({ compressedRegister: true }).registerNow();
    const { fields, body } = servers.calls[0]!;
    expect(fields["compressed"]).toBeTrue();
    const plain = inflateSync(body);
    const versionBytes = plain.readInt32BE(0);
    expect(JSON.parse(plain.toString("utf8", 4, 4 + versionBytes))).toEqual(topics.dataVersion);
    expect(plain.readInt32BE(4 + versionBytes)).toBe(topics.size);
  });

  test("ends with leaving every name server", async () => {
    const registration = open();
    await registration[Symbol.asyncDispose]();
    await clock.advance(60_000);
    expect(servers.codes("a:1")).toEqual([104]);
    expect(servers.codes("b:1")).toEqual([104]);
  });
});
