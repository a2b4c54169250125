// Frames that clients, brokers and Apache's name server exchanged while fixtures were recorded: the
// same requests get the same answers, and routes are written to the byte.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { requestCommand } from "../../core/remoting/answers.ts";
import { SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "../../core/remoting/command.ts";
import { fixtureLines, fixturePath } from "../../testdata/fixtures.ts";
import { parseJsonText } from "./json_values.ts";
import { clusterInfoJson, routeJson } from "./route_json.ts";
import type { Registration, TopicTableContent } from "./route_model.ts";
import { RouteTable } from "./route_table.ts";
import { openNameServer, TestPeer } from "./testing.ts";

interface Header {
  code: number;
  opaque: number;
  flag: number;
  version: number;
  remark?: string | null;
  extFields?: Record<string, string> | null;
}

interface Frame {
  file: string;
  serializeType: "JSON" | "ROCKETMQ";
  header: Header;
  bodyUtf8?: string;
  bodyTruncated?: boolean;
}

interface Line extends Partial<Frame> {
  link?: string;
  conn: number;
}

interface Exchange {
  request: Frame;
  answer: Frame;
}

interface Broker {
  brokerName: string;
  cluster: string;
  brokerAddrs: Record<string, string>;
  zoneName?: string;
  enableActingMaster: boolean;
}

interface Queue {
  brokerName: string;
  perm: number;
  readQueueNums: number;
  writeQueueNums: number;
  topicSysFlag: number;
}

interface Route {
  brokerDatas: Broker[];
  orderTopicConf?: string;
  queueDatas: Queue[];
}

interface ClusterInfo {
  brokerAddrTable: Record<string, Broker>;
}

const POLICY = {
  supportActingMaster: false,
  notifyMinBrokerIdChanged: false,
  deleteTopicWithBrokerRegistration: false,
};
/** Requests whose answers depend on nothing but earlier ones of the same kinds. */
const KV_CODES = new Set([100, 101, 102, 219]);

const exchanges = recordedExchanges();

/** Everything that was said to a name server, each request with its answer. */
function recordedExchanges(): Exchange[] {
  const index = readFileSync(fixturePath("wire/INDEX.json"), "utf8");
  const found: Exchange[] = [];
  for (const file of Object.keys(JSON.parse(index))) {
    if (!file.endsWith(".jsonl") || file.endsWith("sent.jsonl")) continue;
    const waiting = new Map<string, Frame>();
    for (const line of fixtureLines<Line>(`wire/${file}`)) {
      if ((line.link !== "ns" && line.link !== "bns") || line.header === undefined) continue;
      const frame = { ...line, file } as Frame;
      const key = `${line.conn} ${line.header.opaque}`;
      const request = waiting.get(key);
      if ((line.header.flag & 1) === 0) waiting.set(key, frame);
      else if (request !== undefined) found.push({ request, answer: frame });
    }
  }
  return found;
}

/** Answers with a whole body to a code, each body once. */
function bodiesOf(code: number): Map<string, Exchange> {
  const bodies = new Map<string, Exchange>();
  for (const exchange of exchanges) {
    const { request, answer } = exchange;
    if (request.header.code !== code || answer.header.code !== 0) continue;
    if (answer.bodyUtf8 && !answer.bodyTruncated) bodies.set(answer.bodyUtf8, exchange);
  }
  return bodies;
}

function register(table: RouteTable, broker: Broker): void {
  for (const [brokerId, address] of Object.entries(broker.brokerAddrs)) {
    const registration: Registration = {
      cluster: broker.cluster,
      brokerName: broker.brokerName,
      brokerId: Number(brokerId),
      address,
      haAddress: "",
      zoneName: broker.zoneName ?? null,
      timeoutMs: null,
      enableActingMaster: broker.enableActingMaster,
      connectionId: 1,
    };
    const content: TopicTableContent = {
      version: { counter: 1, stateVersion: 0, timestamp: 0 },
      topics: new Map(),
      mappings: new Map(),
      filterServers: [],
    };
    table.register(registration, content, "", 0);
  }
}

describe("recorded answers", () => {
  test("hold every request that clients and brokers make of a name server", () => {
    const codes = new Set(exchanges.map(({ request }) => request.header.code));
    for (const code of [100, 103, 104, 105, 106, 205, 206, 216, 224, 304, 319, 327]) {
      expect(codes).toContain(code);
    }
  });

  test("of routes are written to the byte", () => {
    const bodies = bodiesOf(105);
    expect(bodies.size).toBeGreaterThan(10);
    for (const [body, { request }] of bodies) {
      const recorded = parseJsonText(body) as Route;
      const table = new RouteTable(POLICY);
      for (const broker of recorded.brokerDatas) register(table, broker);
      const topic = request.header.extFields!.topic!;
      table.registerTopic(
        topic,
        recorded.queueDatas.map((queue) => ({
          brokerName: queue.brokerName,
          settings: {
            readQueueCount: queue.readQueueNums,
            writeQueueCount: queue.writeQueueNums,
            perm: queue.perm,
            topicSysFlag: queue.topicSysFlag,
          },
        })),
      );
      expect(routeJson(table.route(topic)!, recorded.orderTopicConf ?? null, "quoted")).toBe(body);
    }
  });

  test("of clusters are written to the byte", () => {
    const bodies = bodiesOf(106);
    expect(bodies.size).toBe(2);
    for (const body of bodies.keys()) {
      const recorded = parseJsonText(body) as ClusterInfo;
      const table = new RouteTable(POLICY);
      for (const broker of Object.values(recorded.brokerAddrTable)) register(table, broker);
      expect(clusterInfoJson(table.brokers(), table.clusters())).toBe(body);
    }
  });

  test("about topics that don't exist are given again, in either serialization", async () => {
    await using server = await openNameServer();
    await using peer = new TestPeer(server);
    const missing = exchanges.filter(({ request, answer }) =>
      request.header.code === 105 && answer.header.code === 17
    );
    expect(new Set(missing.map(({ request }) => request.serializeType)).size).toBe(2);
    for (const exchange of missing) await expectSameAnswer(peer, exchange);
  });

  test("about KV items are given again, in either serialization", async () => {
    for (const file of ["json/adminCalls.jsonl", "rocketmq/adminCalls.jsonl"]) {
      await using server = await openNameServer();
      await using peer = new TestPeer(server);
      // An order configuration from before the recording.
      await peer.request(100, {
        namespace: "ORDER_TOPIC_CONFIG",
        key: "TopicFifo",
        value: "broker-fx:2",
      });
      const asked = exchanges.filter(({ request }) =>
        request.file === file && KV_CODES.has(request.header.code)
      );
      expect(asked.length).toBeGreaterThan(5);
      for (const exchange of asked) await expectSameAnswer(peer, exchange);
    }
  });

  test("to registrations whose bodies were kept whole are given again", async () => {
    const whole = exchanges.filter(({ request }) =>
      request.header.code === 103 && !request.bodyTruncated && request.bodyUtf8
    );
    expect(whole.length).toBeGreaterThan(3);
    for (const exchange of whole) {
      await using server = await openNameServer();
      await using peer = new TestPeer(server);
      const { extFields } = exchange.answer.header;
      // Some registrations hold one changed topic, which only a known broker may send alone.
      await peer.request(103, { ...exchange.request.header.extFields!, bodyCrc32: "0" });
      const master = extFields?.masterAddr;
      // What the recorded answer tells of: an order configuration, a master.
      const table = (JSON.parse(exchange.answer.bodyUtf8 || "{}") as {
        table?: Record<string, string>;
      }).table;
      for (const [key, value] of Object.entries(table ?? {})) {
        await peer.request(100, { namespace: "ORDER_TOPIC_CONFIG", key, value });
      }
      if (master !== undefined) {
        const fields = { ...exchange.request.header.extFields!, brokerId: "0", brokerAddr: master };
        const haServerAddr = extFields!.haServerAddr!;
        await peer.request(103, { ...fields, haServerAddr }, exchange.request.bodyUtf8);
      }
      await expectSameAnswer(peer, exchange);
    }
  });
});

async function expectSameAnswer(peer: TestPeer, { request, answer }: Exchange): Promise<void> {
  const command = requestCommand(request.header.code, {
    extFields: new Map(Object.entries(request.header.extFields ?? {})),
    serializeType: request.serializeType === "JSON" ? SERIALIZE_JSON : SERIALIZE_ROCKETMQ,
    body: Buffer.from(request.bodyUtf8 ?? ""),
  });
  command.version = request.header.version;
  const got = await peer.send(command);
  expect({
    code: got.code,
    remark: got.remark,
    extFields: Object.fromEntries(got.extFields),
    body: Buffer.from(got.body).toString(),
  }).toEqual({
    code: answer.header.code,
    remark: answer.header.remark ?? null,
    extFields: answer.header.extFields ?? {},
    body: answer.bodyUtf8 ?? "",
  });
}
