// Asks our handlers what mqadmin asked Apache's broker 5.4.0, and compares code, remark, fields and the body's shape.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import { type JsonObject, type JsonValue, LenientMap } from "../../../core/json/json_value.ts";
import { parseLenientJson } from "../../../core/json/lenient_reader.ts";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { answerTo, requestCommand } from "../../../core/remoting/answers.ts";
import { rowByCode } from "../../../core/remoting/codes/index.ts";
import { fixtureLines } from "../../../testdata/fixtures.ts";
import {
  bodyText,
  clientFrom,
  connectConsumer,
  openTestAdmin,
  storeMessages,
  type TestAdmin,
} from "./testing_admin.ts";

interface Recorded {
  conn: number;
  link: string;
  header?: {
    code: number;
    opaque: number;
    flag: number;
    remark?: string;
    extFields?: Record<string, string>;
  };
  bodyUtf8?: string;
  bodyBase64?: string;
  bodyLen: number;
  bodyTruncated?: boolean;
}

interface Exchange {
  request: Recorded;
  answer: Recorded;
}

const TOOLS = [
  "brokerConsumeStats",
  "brokerStatus",
  "clusterList",
  "consumerProgress",
  "exportMetadata",
  "getBrokerConfig",
  "haStatus",
  "producer",
  "queryMsgByKey",
  "resetOffsetByTime",
  "statsAll",
  "topicList",
  "topicStatus",
  "updateStaticTopic",
].map((tool) => `wire/json/adminTool/${tool}.jsonl`);

/** The recorded requests to a broker with their answers. */
function exchangesOf(file: string): Exchange[] {
  const requests = new Map<string, Recorded>();
  const exchanges: Exchange[] = [];
  for (const line of fixtureLines<Recorded>(file)) {
    if (line.link !== "br" || !line.header) continue;
    const key = `${line.conn}:${line.header.opaque}`;
    if ((line.header.flag & 1) === 0) {
      requests.set(key, line);
      continue;
    }
    const request = requests.get(key);
    if (request) exchanges.push({ request, answer: line });
  }
  return exchanges;
}

const GROUPS = ["GID_admin", "GID_trace", "GID_push"];

/** A broker in which the recorded topics, groups and clients are. */
async function openRecordedBroker(): Promise<TestAdmin> {
  const admin = await openTestAdmin();
  await storeMessages(admin, "TopicMix", 4, 12);
  for (const group of GROUPS) {
    admin.groups.find(group);
    for (let queueId = 0; queueId < 4; queueId++) {
      admin.offsets.commit("TopicMix", group, queueId, queueId + 1);
    }
  }
  admin.statistics.sink.topicPut("TopicRetry", 0, 1, 100);
  admin.delayOffsets.set(1, 3, 1, 0);
  admin.producers.register("PID_admin", clientFrom("192.0.2.2@fx45", "127.0.0.1:55282"));
  connectConsumer(admin, "GID_admin", "192.0.2.2@fx44");
  admin.server.clientAnswer = (command) =>
    Promise.resolve(
      answerTo(requestCommand(command.code), { response: {} }, {
        remark: "not set any response code",
        body: Buffer.from(
          `{"consumerTable":{},"messageQueueTable":{{"brokerName":"b","queueId":0,"topic":"T"}:9}}`,
        ),
      }),
    );
  return admin;
}

/** What mqadmin reads of a body: its keys and kinds of values. Maps by name or queue are seen through one entry. */
function shapeOf(value: JsonValue | undefined): unknown {
  if (value instanceof LenientMap) {
    const [first] = value.entries;
    return { keyed: first && [shapeOf(first[0]), shapeOf(first[1])] };
  }
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([key, item]) => [key, shapeOf(item)]),
  );
}

/** Maps by topic, group or client: which names are in them depends on the run. */
const NAMED_MAPS = [
  "topicConfigTable",
  "data",
  "groupList",
  "subscriptionTable",
  "consumerTable",
  "consumeStatsList",
];

function comparableShape(text: string): unknown {
  const root = parseLenientJson(text);
  if (typeof root !== "object" || root === null || Array.isArray(root)) return shapeOf(root);
  const shape = shapeOf(root) as Record<string, unknown>;
  for (const name of NAMED_MAPS) {
    if (name in shape) shape[name] = "a map by name";
  }
  return shape;
}

/** Bodies of which only a part was recorded, or which aren't JSON, are compared in tests of their own. */
const WITHOUT_SHAPE = new Set([12, 26, 28, 33, 43, 45, 305, 307, 309]);

/** Requests whose answer depends on what only the recorded broker had. */
function isComparable({ request, answer }: Exchange): boolean {
  const { code, extFields = {} } = request.header!;
  if (code === 208) return GROUPS.includes(extFields["consumerGroup"]!);
  if (code === 202 || code === 351) {
    return extFields["topic"] === "TopicMix" || answer.header!.code !== 0;
  }
  if (code === 315) return answer.header!.code !== 0 || extFields["statsKey"] === "TopicRetry";
  if (code === 12) return extFields["key"] === "nokey";
  return !(code === 203 && answer.header!.code === 0 && extFields["consumerGroup"] !== "GID_admin");
}

const exchanges = [...TOOLS, "wire/json/adminCalls.jsonl"].flatMap(exchangesOf);

test("every recorded admin request gets the recorded code, remark, fields and body shape", async () => {
  await using admin = await openRecordedBroker();
  let compared = 0;
  for (const exchange of exchanges) {
    const { request, answer } = exchange;
    const { code, extFields = {} } = request.header!;
    if (!admin.server.serves(code) || !isComparable(exchange)) continue;
    const fields: Record<string, string> = { ...extFields };
    if (code === 33) fields["offset"] = "0";
    if (code === 309) {
      fields["msgId"] = encodeOffsetMessageId(new Uint8Array([127, 0, 0, 1]), 1, 0);
    }
    const ours = await admin.server.ask({ code }, fields, Buffer.from(request.bodyUtf8 ?? ""));
    const name = `${rowByCode(code)!.name} ${JSON.stringify(extFields)}`;
    expect({ name, code: ours.code, remark: ours.remark }).toEqual({
      name,
      code: answer.header!.code,
      remark: answer.header!.remark ?? null,
    });
    expect({ name, fields: Object.keys(ours.fields).sort() }).toEqual({
      name,
      fields: Object.keys(answer.header!.extFields ?? {}).sort(),
    });
    expect({ name, hasBody: ours.body.length > 0 }).toEqual({ name, hasBody: answer.bodyLen > 0 });
    if (answer.bodyUtf8 && !answer.bodyTruncated && !WITHOUT_SHAPE.has(code)) {
      expect({ name, shape: comparableShape(bodyText(ours)) }).toEqual({
        name,
        shape: comparableShape(answer.bodyUtf8),
      });
    }
    compared++;
  }
  expect(compared).toBeGreaterThan(150);
});
