import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { decodeRecords, type MessageRecord } from "../../core/message/record.ts";
import { parseProperties } from "../../core/message/properties.ts";
import type { FieldsOf } from "../../core/remoting/code_row.ts";
import { HEART_BEAT } from "../../core/remoting/codes/groups.ts";
import {
  INVOKE_BROKER_TO_RESET_OFFSET,
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} from "../../core/remoting/codes/offsets.ts";
import { PULL_MESSAGE } from "../../core/remoting/codes/pull.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../core/remoting/codes/send.ts";
import type { RemotingCommand } from "../../core/remoting/command.ts";
import { fixtureJson } from "../../testdata/fixtures.ts";
import {
  call,
  extractStore,
  openTestBroker,
  send,
  temporaryFolder,
  type TestBroker,
  TestPeer,
} from "./testing.ts";

const SUSPENDS = 2;
const SUBSCRIBES = 4;
const COMMITS = 1;

let stack: AsyncDisposableStack;

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(async () => {
  await stack.disposeAsync();
});

async function open(settings?: Record<string, string | number | boolean>, storePath?: string) {
  const broker = stack.use(
    await openTestBroker({ ...(settings && { settings }), ...(storePath && { storePath }) }),
  );
  return { broker, peer: await connect(broker) };
}

async function connect(broker: TestBroker): Promise<TestPeer> {
  return stack.use(await TestPeer.connect(broker.port));
}

function pull(
  peer: TestPeer,
  topic: string,
  fields: Partial<FieldsOf<typeof PULL_MESSAGE.request>>,
) {
  return call(peer, PULL_MESSAGE, {
    consumerGroup: "G",
    topic,
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: SUBSCRIBES,
    commitOffset: 0,
    suspendTimeoutMillis: 15_000,
    subscription: "*",
    subVersion: 0,
    ...fields,
  });
}

const bodies = (answer: RemotingCommand) =>
  decodeRecords(answer.body).map((record) => Buffer.from(record.body).toString());

function propertiesOf(record: MessageRecord): Record<string, string> {
  return Object.fromEntries(parseProperties(record.properties));
}

/** Pulls until there is a message: from a topic that doesn't exist yet, too. */
async function pullWhenThere(peer: TestPeer, topic: string): Promise<MessageRecord[]> {
  for (;;) {
    const answer = await pull(peer, topic, { sysFlag: SUBSCRIBES | SUSPENDS });
    if (answer.code === 0) return decodeRecords(answer.body);
  }
}

describe("a broker on a store that Apache wrote", () => {
  /** The sizes of store/broker.conf, which the files on disk have. */
  const sizes = {
    mappedFileSizeConsumeQueue: 6000,
    mappedFileSizeConsumeQueueExt: 65_536,
    mapperFileSizeBatchConsumeQueue: 13_800,
    // Its timers are due by now: they would add messages.
    timerWheelEnable: false,
  };

  interface Expected {
    records: { phyOffset: number; topic: string; queueId: number; bodySha256: string }[];
    consumeQueues: Record<string, Record<string, { entries: [number, number, number][] }>>;
  }

  test("hands out every message of its topics, byte for byte from the log", async () => {
    const storePath = temporaryFolder(stack);
    extractStore("store/store.tar.gz", storePath);
    const { peer } = await open(sizes, storePath);
    const expected = fixtureJson<Expected>("expected/store.json");
    for (const topic of ["TopicMix", "TopicBig", "TopicOrder"]) {
      for (const [queueId, { entries }] of Object.entries(expected.consumeQueues[topic]!)) {
        const offsets: number[] = [];
        for (let queueOffset = 0; queueOffset < entries.length;) {
          const answer = await pull(peer, topic, { queueId: Number(queueId), queueOffset });
          expect(answer.code).toBe(0);
          const records = decodeRecords(answer.body);
          offsets.push(...records.map((record) => record.physicalOffset));
          queueOffset += records.length;
          expect(answer.extFields.get("nextBeginOffset")).toBe(String(queueOffset));
        }
        expect(offsets).toEqual(entries.map(([physicalOffset]) => physicalOffset));
      }
    }
  });

  test("knows its groups' offsets", async () => {
    const storePath = temporaryFolder(stack);
    extractStore("store/store.tar.gz", storePath);
    const { peer } = await open(sizes, storePath);
    const answer = await call(peer, QUERY_CONSUMER_OFFSET, {
      consumerGroup: "GID_trace",
      topic: "TopicMix",
      queueId: 2,
    });
    expect(answer.extFields.get("offset")).toBe("12");
  });
});

describe("a pull", () => {
  test("that finds nothing is held and answered when a message arrives", async () => {
    const { broker, peer } = await open();
    const producer = await connect(broker);
    await send(producer, "T", "first");
    const held = pull(peer, "T", { queueOffset: 1, sysFlag: SUBSCRIBES | SUSPENDS });
    await send(producer, "T", "second");
    const answer = await held;
    expect(answer.code).toBe(0);
    expect(bodies(answer)).toEqual(["second"]);
    expect(answer.remark).toBe("FOUND");
  });

  test("sleeps on while messages of other tags arrive", async () => {
    const { broker, peer } = await open();
    const producer = await connect(broker);
    await send(producer, "T", "first");
    const held = pull(peer, "T", {
      queueOffset: 1,
      sysFlag: SUBSCRIBES | SUSPENDS,
      subscription: "TagA",
    });
    await send(producer, "T", "other", "TAGS\x01TagB\x02");
    await send(producer, "T", "mine", "TAGS\x01TagA\x02");
    expect(bodies(await held)).toEqual(["mine"]);
  });

  test("commits on its first arrival only, not when it is waked", async () => {
    const { broker, peer } = await open();
    const producer = await connect(broker);
    await send(producer, "T", "first");
    const held = pull(peer, "T", {
      queueOffset: 1,
      commitOffset: 1,
      sysFlag: SUBSCRIBES | SUSPENDS | COMMITS,
    });
    const queue = { consumerGroup: "G", topic: "T", queueId: 0 };
    const committed = async () =>
      (await call(peer, QUERY_CONSUMER_OFFSET, queue)).extFields.get("offset");
    expect(await committed()).toBe("1");
    await call(peer, UPDATE_CONSUMER_OFFSET, { ...queue, commitOffset: 0 });
    await send(producer, "T", "second");
    await held;
    expect(await committed()).toBe("0");
  });

  test("after a reset on the server is sent to the new offset, and commits until then are ignored", async () => {
    const { peer } = await open();
    for (const body of ["a", "b", "c"]) await send(peer, "T", body);
    const queue = { consumerGroup: "G", topic: "T", queueId: 0 };
    await pull(peer, "T", { queueOffset: 0 });
    await call(peer, UPDATE_CONSUMER_OFFSET, { ...queue, commitOffset: 3 });
    await call(peer, INVOKE_BROKER_TO_RESET_OFFSET, {
      group: "G",
      topic: "T",
      queueId: 0,
      offset: 1,
    });
    const ignored = await call(peer, UPDATE_CONSUMER_OFFSET, { ...queue, commitOffset: 3 });
    expect(ignored.remark).toBe("Offset has been previously reset");
    const moved = await pull(peer, "T", { queueOffset: 3 });
    expect(moved.code).toBe(21);
    expect(moved.remark).toBe("OFFSET_RESET");
    expect(moved.extFields.get("nextBeginOffset")).toBe("1");
    expect(bodies(await pull(peer, "T", { queueOffset: 1 }))).toEqual(["b", "c"]);
  });

  test("that is held hears of a reset at once", async () => {
    const { broker, peer } = await open();
    await send(peer, "T", "a");
    const held = pull(peer, "T", { queueOffset: 1, sysFlag: SUBSCRIBES | SUSPENDS });
    await call(await connect(broker), INVOKE_BROKER_TO_RESET_OFFSET, {
      group: "G",
      topic: "T",
      queueId: 0,
      offset: 0,
    });
    expect(await held).toMatchObject({ code: 21, remark: "OFFSET_RESET" });
  });

  test.each([
    [{ consumerGroup: "bad group" }, 26],
    [{ topic: "NoSuchTopic" }, 17],
    [{ queueId: 4 }, 29],
    [{ sysFlag: 0 }, 24],
    [{ subscription: "||" }, 23],
    [{ subscription: "a > 1", expressionType: "SQL92" }, 1],
  ])("with %p is refused with code %p", async (fields, code) => {
    const { peer } = await open();
    await send(peer, "T", "body");
    expect((await pull(peer, "T", fields)).code).toBe(code);
  });
});

describe("a message that is sent back", () => {
  async function consumed() {
    const { broker, peer } = await open({ messageDelayLevel: "1s 1s 1s 1s" });
    await send(peer, "T", "body", "KEYS\x01k\x02TAGS\x01TagA\x02");
    const [record] = decodeRecords((await pull(peer, "T", {})).body);
    return { broker, peer, record: record! };
  }

  const sendBack = (peer: TestPeer, record: MessageRecord, fields = {}) =>
    call(peer, CONSUMER_SEND_MSG_BACK, {
      offset: record.physicalOffset,
      group: "G",
      delayLevel: 1,
      originTopic: "T",
      unitMode: false,
      ...fields,
    });

  test("comes again from the group's retry topic, later and counted", async () => {
    const { peer, record } = await consumed();
    expect((await sendBack(peer, record)).code).toBe(0);
    const [again] = await pullWhenThere(peer, "%RETRY%G");
    expect(Buffer.from(again!.body).toString()).toBe("body");
    expect(again!.reconsumeTimes).toBe(1);
    expect(propertiesOf(again!)).toMatchObject({
      KEYS: "k",
      TAGS: "TagA",
      RETRY_TOPIC: "T",
      DELAY: "1",
      WAIT: "false",
      REAL_TOPIC: "%RETRY%G",
      REAL_QID: "0",
    });
    expect(propertiesOf(again!)["ORIGIN_MESSAGE_ID"]).toMatch(/^7F000001[0-9A-F]{24}$/);
  });

  test("goes to the dead letters when it was delivered often enough", async () => {
    const { peer, record } = await consumed();
    expect((await sendBack(peer, record, { maxReconsumeTimes: 0 })).code).toBe(0);
    const [dead] = await pullWhenThere(peer, "%DLQ%G");
    expect(dead!.reconsumeTimes).toBe(1);
    expect(propertiesOf(dead!)).toMatchObject({ RETRY_TOPIC: "T", DELAY: "0" });
  });

  test("is refused when the group or the message isn't there", async () => {
    const { peer, record } = await consumed();
    expect(await sendBack(peer, record, { group: "bad group" })).toMatchObject({ code: 26 });
    const offset = record.physicalOffset + 1;
    expect(await sendBack(peer, record, { offset })).toMatchObject({
      code: 1,
      remark: `look message by offset failed, ${offset}`,
    });
  });
});

describe("heartbeats", () => {
  const heartbeat = (clientID: string) =>
    Buffer.from(JSON.stringify({
      clientID,
      consumerDataSet: [{
        groupName: "G",
        consumeType: "CONSUME_PASSIVELY",
        messageModel: "CLUSTERING",
        consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
        unitMode: false,
        subscriptionDataSet: [{
          topic: "T",
          subString: "*",
          subVersion: 1,
          codeSet: [],
          tagsSet: [],
        }],
      }],
      producerDataSet: [],
    }));

  test("of a new member tell the others, in the way that they speak", async () => {
    const { broker, peer } = await open();
    await call(peer, HEART_BEAT, {}, heartbeat("a"));
    const other = await connect(broker);
    await call(other, HEART_BEAT, {}, heartbeat("b"));
    expect(peer.requests.map((request) => request.code)).toEqual([40, 40]);
    expect(peer.requests[1]!.extFields.get("consumerGroup")).toBe("G");
    expect(peer.requests[1]!.serializeType).toBe(1);
  });
});

describe("a clean stop", () => {
  test("keeps topics, groups, offsets and messages for the next start", async () => {
    const storePath = temporaryFolder(stack);
    {
      await using broker = await openTestBroker({ storePath });
      using peer = await TestPeer.connect(broker.port);
      await send(peer, "T", "kept");
      await pull(peer, "T", {});
      const queue = { consumerGroup: "G", topic: "T", queueId: 0 };
      await call(peer, UPDATE_CONSUMER_OFFSET, { ...queue, commitOffset: 1 });
    }
    const { peer } = await open({ autoCreateTopicEnable: false }, storePath);
    const answer = await call(peer, QUERY_CONSUMER_OFFSET, {
      consumerGroup: "G",
      topic: "T",
      queueId: 0,
    });
    expect(answer.extFields.get("offset")).toBe("1");
    expect(bodies(await pull(peer, "T", {}))).toEqual(["kept"]);
  });
});
