// What a broker answers to unusual requests of clients and administrators: codes, remarks and what has changed, as Apache
// 5.4.0's broker was seen to answer the same requests.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { parseLenientJsonBytes } from "../../core/json/lenient_reader.ts";
import { encodeBatch } from "../../core/message/batch.ts";
import { decodeRecords } from "../../core/message/record.ts";
import {
  GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  HEART_BEAT,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
} from "../../core/remoting/codes/groups.ts";
import { GET_BROKER_RUNTIME_INFO } from "../../core/remoting/codes/admin.ts";
import {
  GET_COLD_DATA_FLOW_CTR_INFO,
  REMOVE_COLD_DATA_FLOW_CTR_CONFIG,
  SET_COMMITLOG_READ_MODE,
  UPDATE_COLD_DATA_FLOW_CTR_CONFIG,
} from "../../core/remoting/codes/cold_data.ts";
import { POP_ROLLBACK } from "../../core/remoting/codes/pop.ts";
import { RESET_MASTER_FLUSH_OFFSET } from "../../core/remoting/codes/replication.ts";
import { PULL_MESSAGE } from "../../core/remoting/codes/pull.ts";
import { QUERY_MESSAGE } from "../../core/remoting/codes/query.ts";
import { EXPORT_ROCKSDB_CONFIG_TO_JSON } from "../../core/remoting/codes/rocksdb.ts";
import { SEND_BATCH_MESSAGE } from "../../core/remoting/codes/send.ts";
import { RECALL_MESSAGE } from "../../core/remoting/codes/timer.ts";
import { END_TRANSACTION } from "../../core/remoting/codes/transactions.ts";
import {
  GET_ALL_TOPIC_CONFIG,
  GET_TOPIC_CONFIG,
  UPDATE_AND_CREATE_TOPIC,
  UPDATE_AND_CREATE_TOPIC_LIST,
} from "../../core/remoting/codes/topics.ts";
import { pullFields } from "./pull/testing_pull.ts";
import { call, configure, openTestBroker, send, type TestBroker, TestPeer } from "./testing.ts";

let broker: TestBroker;
let peer: TestPeer;

beforeAll(async () => {
  broker = await openTestBroker();
  peer = await TestPeer.connect(broker.port);
});

afterAll(async () => {
  peer[Symbol.dispose]();
  await broker[Symbol.asyncDispose]();
});

const NEW_TOPIC = {
  defaultTopic: "TBW102",
  readQueueNums: 2,
  writeQueueNums: 2,
  perm: 6,
  topicFilterType: "SINGLE_TAG",
};

function makeTopic(topic: string, fields: { topicFilterType?: string; attributes?: string } = {}) {
  return call(peer, UPDATE_AND_CREATE_TOPIC, { ...NEW_TOPIC, topic, ...fields });
}

function sendBatch(properties: string, sysFlag = 0) {
  const item = { flag: 0, body: Buffer.from("one"), properties: Buffer.alloc(0) };
  return call(peer, SEND_BATCH_MESSAGE, {
    a: "P",
    b: "T_batch",
    c: "TBW102",
    d: 4,
    e: 0,
    f: sysFlag,
    g: 1,
    h: 0,
    i: properties,
    j: 0,
    k: false,
    m: true,
  }, encodeBatch([item]));
}

test("messages are found by their tags, apart from those that have the word for a key", async () => {
  await send(peer, "T_tags", "tagged", "UNIQ_KEY\x01U1\x02TAGS\x01word\x02");
  await send(peer, "T_tags", "keyed", "UNIQ_KEY\x01U2\x02KEYS\x01word\x02");
  const found = async (indexType: string | undefined, isUnique: boolean) => {
    const { body } = await call(peer, QUERY_MESSAGE, {
      topic: "T_tags",
      key: "word",
      maxNum: 10,
      beginTimestamp: 0,
      endTimestamp: 1e15,
      _UNIQUE_KEY_QUERY: isUnique,
      indexType,
    });
    return decodeRecords(body).map((record) => Buffer.from(record.body).toString());
  };
  expect(await found("T", false)).toEqual(["tagged"]);
  for (const indexType of ["K", "U", undefined]) {
    expect(await found(indexType, false)).toEqual(["keyed"]);
  }
  expect(await found("T", true)).toEqual(["keyed"]);
});

test("a delay level that is no number is refused, not taken for none", async () => {
  for (const level of ["x", "1.5", " 3", "9999999999"]) {
    const answer = await send(peer, "T_delay", "body", `DELAY\x01${level}\x02`);
    expect(answer).toMatchObject({ code: 1, remark: `For input string: "${level}"` });
  }
  expect((await send(peer, "T_delay", "body", "DELAY\x01-1\x02")).code).toBe(0);
});

test("a batch that asks for a delay, a time or a transaction is refused as illegal", async () => {
  const words = "the message is illegal, maybe msg body or properties length not matched.";
  const refused = [
    await sendBatch("DELAY\x013\x02"),
    await sendBatch("TIMER_DELAY_SEC\x0160\x02"),
    await sendBatch("TRAN_MSG\x01true\x02", 4),
    await sendBatch("", 8),
  ];
  for (const answer of refused) {
    expect(answer.code).toBe(13);
    expect(answer.remark).toStartWith(words);
  }
  expect((await sendBatch("DELAY\x010\x02")).code).toBe(0);
});

test("a batch's answer has a transaction id only when the batch has a unique key", async () => {
  const without = await sendBatch("WAIT\x01true\x02");
  expect(without.extFields.has("transactionId")).toBe(false);
  const withKey = await sendBatch("UNIQ_KEY\x01U9\x02");
  expect(withKey.extFields.get("transactionId")).toBe("U9");
});

test("a topic's kind of filter is one of two; any other is refused and nothing is made", async () => {
  const answer = await makeTopic("T_filter", { topicFilterType: "x" });
  expect(answer).toMatchObject({ code: 1, remark: "topicFilterType = [x] value invalid" });
  expect((await call(peer, GET_TOPIC_CONFIG, { topic: "T_filter" })).code).toBe(17);
  expect((await makeTopic("T_filter", { topicFilterType: "MULTI_TAG" })).code).toBe(0);
});

test("attributes of nothing but commas, and a list of no topics, ask for nothing and are done", async () => {
  expect((await makeTopic("T_commas", { attributes: ",," })).code).toBe(0);
  const body = Buffer.from(`{"topicConfigList":[]}`);
  expect((await call(peer, UPDATE_AND_CREATE_TOPIC_LIST, {}, body)).code).toBe(0);
});

interface TopicsBody {
  dataVersion: unknown;
  topicConfigTable: Record<string, unknown>;
}

async function topicPage(
  fields: { topicSeq?: number; maxTopicNum?: number; dataVersion?: string },
) {
  const answer = await call(peer, GET_ALL_TOPIC_CONFIG, fields);
  const body = parseLenientJsonBytes(answer.body) as object as TopicsBody;
  return { answer, body, names: Object.keys(body.topicConfigTable) };
}

test("topics come in pages by name to those who ask for pages, whole to the others", async () => {
  const { answer, body, names } = await topicPage({});
  expect(Number(answer.extFields.get("totalTopicNum"))).toBe(names.length);
  const sorted = names.toSorted();
  const dataVersion = JSON.stringify(body.dataVersion);
  const pages: string[] = [];
  for (let topicSeq = 0; topicSeq < names.length; topicSeq += 3) {
    const page = await topicPage({ topicSeq, maxTopicNum: 3, dataVersion });
    expect(page.names.length).toBeLessThanOrEqual(3);
    pages.push(...page.names);
  }
  expect(pages).toEqual(sorted);
  expect((await topicPage({ topicSeq: names.length, maxTopicNum: 3, dataVersion })).names)
    .toEqual([]);
});

test("pages of a table that has changed since begin anew", async () => {
  const { body, names } = await topicPage({});
  const dataVersion = JSON.stringify(body.dataVersion);
  await makeTopic("T_changed");
  const first = [...names, "T_changed"].sort().slice(0, 2);
  expect((await topicPage({ topicSeq: 4, maxTopicNum: 2, dataVersion })).names).toEqual(first);
  expect((await topicPage({ topicSeq: 4, maxTopicNum: 2 })).names).toEqual(first);
});

test("subscription groups come in pages too", async () => {
  for (const groupName of ["G_page1", "G_page2"]) {
    const body = Buffer.from(JSON.stringify({ groupName }));
    await call(peer, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, body);
  }
  const answer = await call(peer, GET_ALL_SUBSCRIPTIONGROUP_CONFIG, {
    groupSeq: 0,
    maxGroupNum: 1,
  });
  const { subscriptionGroupTable } = parseLenientJsonBytes(answer.body) as object as {
    subscriptionGroupTable: Record<string, unknown>;
  };
  expect(Object.keys(subscriptionGroupTable)).toHaveLength(1);
  expect(Number(answer.extFields.get("totalGroupNum"))).toBeGreaterThan(2);
});

test("an end of a transaction that is neither commit nor rollback nor unknown is refused", async () => {
  const answer = await call(peer, END_TRANSACTION, {
    producerGroup: "P",
    tranStateTableOffset: 0,
    commitLogOffset: 0,
    commitOrRollback: 5,
    fromTransactionCheck: false,
    msgId: "U",
    transactionId: "U",
  });
  expect(answer).toMatchObject({ code: 1, remark: "commitOrRollback field wrong" });
});

test("SQL92 filters can be switched on while the broker runs", async () => {
  await send(peer, "T_sql", "low", "n\x011\x02");
  await send(peer, "T_sql", "high", "n\x019\x02");
  const pull = () =>
    call(
      peer,
      PULL_MESSAGE,
      pullFields({
        consumerGroup: "G_page1",
        topic: "T_sql",
        subscription: "n > 5",
        expressionType: "SQL92",
      }),
    );
  expect((await pull()).remark)
    .toBe("The broker does not support consumer to filter message by SQL92");
  expect((await configure(peer, "enablePropertyFilter=true")).code).toBe(0);
  const { body } = await pull();
  expect(decodeRecords(body).map((record) => Buffer.from(record.body).toString())).toEqual([
    "high",
  ]);
});

test("a recall without a handle is refused like one whose handle is none", async () => {
  await makeTopic("T_recall");
  expect((await configure(peer, "recallMessageEnable=true")).code).toBe(0);
  expect(await call(peer, RECALL_MESSAGE, { topic: "T_recall" }))
    .toMatchObject({ code: 604, remark: "recall handle is invalid" });
});

test("a consumer that leaves out its subscriptions is asked for those that the broker doesn't know", async () => {
  const isAsked = async (topics: string[], isWithoutSub: boolean) => {
    const subscriptionDataSet = topics.map((topic) => ({ topic, subString: "*", subVersion: 1 }));
    const consumer = {
      groupName: "G_light",
      consumeType: "CONSUME_PASSIVELY",
      messageModel: "CLUSTERING",
      consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
      subscriptionDataSet,
    };
    const body = Buffer.from(JSON.stringify({
      clientID: "c",
      heartbeatFingerprint: 7,
      withoutSub: isWithoutSub,
      consumerDataSet: [consumer],
      producerDataSet: [],
    }));
    const answer = await call(peer, HEART_BEAT, {}, body);
    return answer.extFields.get("IS_SUB_CHANGE");
  };
  expect(await isAsked([], true)).toBe("true");
  expect(await isAsked(["T_tags"], false)).toBe("false");
  expect(await isAsked([], true)).toBe("false");
});

test("limits on what groups read of old data are kept and shown", async () => {
  const limits = async () => {
    const { body } = await call(peer, GET_COLD_DATA_FLOW_CTR_INFO, {});
    return parseLenientJsonBytes(body);
  };
  const figures = {
    runtimeTable: {},
    cgColdReadThreshold: 3145728,
    globalColdReadThreshold: 104857600,
    globalAcc: 0,
  };
  expect(await limits()).toEqual({ ...figures, configTable: {} });
  const body = Buffer.from("G1=100\nG2=many\nG3=7\n");
  expect((await call(peer, UPDATE_COLD_DATA_FLOW_CTR_CONFIG, {}, body)).code).toBe(0);
  expect(await limits()).toEqual({ ...figures, configTable: { G1: 100, G3: 7 } });
  await call(peer, REMOVE_COLD_DATA_FLOW_CTR_CONFIG, {}, Buffer.from("G1"));
  expect(await limits()).toEqual({ ...figures, configTable: { G3: 7 } });
});

test("the log's read mode is one of the kernel's two", async () => {
  expect(await call(peer, SET_COMMITLOG_READ_MODE, { READ_AHEAD_MODE: 1 }))
    .toMatchObject({ code: 0, remark: "set commitlog readahead mode success, mode: 1" });
  expect(await call(peer, SET_COMMITLOG_READ_MODE, { READ_AHEAD_MODE: 5 }))
    .toMatchObject({ code: 29, remark: "set commitlog readahead mode param value error" });
  expect(await call(peer, SET_COMMITLOG_READ_MODE, {}))
    .toMatchObject({ code: 1, remark: "set commitlog readahead mode failed" });
});

test("what a master with files has done already is done when it is asked for", async () => {
  expect((await call(peer, RESET_MASTER_FLUSH_OFFSET, { masterFlushOffset: 0 })).code).toBe(0);
  expect((await call(peer, POP_ROLLBACK, {})).code).toBe(0);
  const tables = (configType: string) => call(peer, EXPORT_ROCKSDB_CONFIG_TO_JSON, { configType });
  expect(await tables("topics;ConsumerOffsets;")).toMatchObject({
    code: 0,
    remark: "export done.",
  });
  expect(await tables("topics;x")).toMatchObject({ code: 1, remark: "Unknown config type: x" });
});

test("a broker without timed messages isn't behind with them", async () => {
  const { body } = await call(peer, GET_BROKER_RUNTIME_INFO, {});
  const { table } = parseLenientJsonBytes(body) as object as { table: Record<string, string> };
  expect(table).toMatchObject({ timerReadBehind: "0", timerOffsetBehind: "0" });
});
