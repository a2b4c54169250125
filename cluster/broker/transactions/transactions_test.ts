import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { parseProperties } from "../../../core/message/properties.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../../core/remoting/codes/groups.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../../core/remoting/codes/send.ts";
import { END_TRANSACTION } from "../../../core/remoting/codes/transactions.ts";
import {
  call,
  extractStore,
  openTestBroker,
  temporaryFolder,
  type TestBroker,
  TestPeer,
} from "../testing.ts";
import {
  COMMIT,
  end,
  joinProducers,
  messagesOf,
  ROLL_BACK,
  sendHalf,
  UNKNOWN,
  until,
} from "./testing.ts";

const HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";
const OP_TOPIC = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
const GIVEN_UP_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";

describe("a transaction on a whole broker", () => {
  let broker: TestBroker;
  let peer: TestPeer;

  beforeAll(async () => {
    broker = await openTestBroker({
      settings: {
        transactionTimeOut: 300,
        transactionCheckInterval: 40,
        transactionCheckMax: 3,
        transactionOpBatchInterval: 20,
      },
    });
    peer = await TestPeer.connect(broker.port);
  });

  afterAll(async () => {
    peer[Symbol.dispose]();
    await broker[Symbol.asyncDispose]();
  });

  const bodies = async (topic: string, queueId = 0) =>
    (await messagesOf(peer, topic, queueId)).map(({ body }) => new TextDecoder().decode(body));

  test("is seen when it is committed, with the state and offset that Apache's record has", async () => {
    const half = await sendHalf(peer, "TopicCommit", "hello", {
      properties: "TAGS\x01a\x02KEYS\x01k1\x02",
      flag: 7,
      queueId: 2,
    });
    expect(await bodies("TopicCommit", 2)).toEqual([]);
    expect((await end(peer, half, COMMIT)).code).toBe(0);
    const [message] = await messagesOf(peer, "TopicCommit", 2);
    expect(message).toMatchObject({
      topic: "TopicCommit",
      queueOffset: 0,
      flag: 7,
      sysFlag: 8,
      preparedTransactionOffset: half.physicalOffset,
    });
    expect([...message!.properties.keys()].toSorted()).toEqual([
      "CLUSTER",
      "KEYS",
      "MSG_REGION",
      "PGROUP",
      "TAGS",
      "TRACE_ON",
      "TRAN_MSG",
      "UNIQ_KEY",
      "__transactionId__",
    ]);
  });

  test("is never seen when it is rolled back, nor when a commit comes after that", async () => {
    const half = await sendHalf(peer, "TopicRollback", "no");
    expect((await end(peer, half, ROLL_BACK)).code).toBe(0);
    expect((await end(peer, half, ROLL_BACK)).code).toBe(0);
    const late = await end(peer, half, COMMIT);
    expect([late.code, late.remark]).toEqual([
      604,
      "the transaction was ended before, and its first end counts",
    ]);
    expect(await bodies("TopicRollback")).toEqual([]);
  });

  test("is seen once, however often it is committed and from whomever, a roll back afterwards included", async () => {
    const half = await sendHalf(peer, "TopicTwice", "once");
    using other = await TestPeer.connect(broker.port);
    const codes = await Promise.all([
      end(peer, half, COMMIT),
      end(other, half, COMMIT),
      end(other, half, ROLL_BACK, { fromTransactionCheck: true }),
    ]);
    expect(codes.map(({ code }) => code)).toEqual([0, 0, 604]);
    expect(await bodies("TopicTwice")).toEqual(["once"]);
    // Once its half is passed, only the log knows.
    await until(async () => (await bodies(OP_TOPIC)).length > 0, "an op message");
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await end(peer, half, COMMIT)).code).toBe(0);
    expect(await bodies("TopicTwice")).toEqual(["once"]);
  });

  test("is refused an end that names another group, queue offset or place, in Apache's words", async () => {
    const half = await sendHalf(peer, "TopicWrong", "x");
    const remark = async (answer: ReturnType<typeof end>) => {
      const { code, remark: text } = await answer;
      return `${code} ${text}`;
    };
    expect(await remark(end(peer, half, COMMIT, { group: "PID_other" })))
      .toBe("1 The producer group wrong");
    expect(await remark(end(peer, half, COMMIT, { queueOffset: half.queueOffset + 1 })))
      .toBe("1 The transaction state table offset wrong");
    for (const physicalOffset of [half.physicalOffset + 1, 1e12, -5]) {
      expect(await remark(end(peer, { ...half, physicalOffset }, COMMIT)))
        .toBe("1 Find prepared transaction message failed");
    }
    expect(await bodies("TopicWrong")).toEqual([]);
    await end(peer, half, ROLL_BACK);
  });

  test("that nobody ended is asked about at any producer of its group, and ends as that one says", async () => {
    using other = await TestPeer.connect(broker.port);
    await joinProducers(other, "other@1", "PID_ask");
    const half = await sendHalf(peer, "TopicAsk", "asked", { group: "PID_ask", queueId: 1 });
    await until(() => other.requests.some(({ code }) => code === 39), "a check");
    const check = other.requests.find(({ code }) => code === 39)!;
    expect(Object.fromEntries(check.extFields)).toMatchObject({
      topic: HALF_TOPIC,
      msgId: half.uniqueKey,
      transactionId: half.uniqueKey,
      bname: "broker-fx",
    });
    const record = decodeRecord(check.body);
    const properties = parseProperties(record.properties);
    expect(record).toMatchObject({ topic: "TopicAsk", queueId: 1 });
    expect(properties.get("WAIT")).toBe("false");
    expect(Number(properties.get("TRANSACTION_CHECK_TIMES"))).toBeGreaterThan(0);
    const copy = {
      ...half,
      queueOffset: Number(check.extFields.get("tranStateTableOffset")),
      physicalOffset: Number(check.extFields.get("commitLogOffset")),
    };
    expect(record.queueOffset).toBe(copy.queueOffset);
    expect(record.physicalOffset).toBe(copy.physicalOffset);
    const group = "PID_ask";
    expect((await end(other, copy, COMMIT, { group, fromTransactionCheck: true })).code).toBe(0);
    expect((await end(peer, half, COMMIT, { group })).code).toBe(0);
    expect(await bodies("TopicAsk", 1)).toEqual(["asked"]);
  });

  test("that was asked about too often is given up, and taken up again as an operator wants", async () => {
    const half = await sendHalf(peer, "TopicGiveUp", "unknown", { group: "PID_nobody" });
    expect(broker.config.values.transactionCheckMax).toBe(3);
    await until(async () => (await bodies(GIVEN_UP_TOPIC)).length > 0, "given up");
    const [message] = await messagesOf(peer, GIVEN_UP_TOPIC);
    expect(message!.properties.get("TRANSACTION_CHECK_TIMES")).toBe("3");
    expect(message!.properties.get("REAL_TOPIC")).toBe("TopicGiveUp");
    // A producer that comes back later still may commit: what it committed isn't lost. But once.
    expect((await end(peer, half, COMMIT, { group: "PID_nobody" })).code).toBe(0);
    expect((await end(peer, half, COMMIT, { group: "PID_nobody" })).code).toBe(0);
    expect(await bodies("TopicGiveUp")).toEqual(["unknown"]);
  });

  test("is not ended by a producer whose own half a power cut took, when another half has its place now", async () => {
    const lost = "7F00000100002A139F0C4B1A2F3C0001";
    const uniqueKey = "7F00000100002A139F0C4B1A2F3C0002";
    const half = await sendHalf(peer, "TopicPlace", "mine", { uniqueKey });
    for (const decision of [COMMIT, ROLL_BACK]) {
      const answer = await end(peer, half, decision, { msgId: lost, transactionId: lost });
      expect([answer.code, answer.remark]).toEqual([
        1,
        "Find prepared transaction message failed",
      ]);
    }
    expect(await bodies("TopicPlace")).toEqual([]);
    expect((await end(peer, half, COMMIT)).code).toBe(0);
    expect(await bodies("TopicPlace")).toEqual(["mine"]);
  });

  test("is ended by whatever ids name no other message, as Apache looks at none of them", async () => {
    const other = "7F00000100002A139F0C4B1A2F3C0001";
    let count = 0;
    for (
      const ids of [
        { msgId: "12345678", transactionId: "123" },
        { msgId: other, transactionId: "" },
        { msgId: "offset id", transactionId: "offset id" },
      ]
    ) {
      const uniqueKey = `7F00000100002A139F0C4B1A2F3C1${String(count).padStart(3, "0")}`;
      const half = await sendHalf(peer, "TopicIds", `m${count++}`, { uniqueKey });
      const offsetId = encodeOffsetMessageId(
        new Uint8Array([127, 0, 0, 1]),
        broker.port,
        half.physicalOffset,
      );
      const isOffset = ids.msgId === "offset id";
      const sent = isOffset ? { msgId: offsetId, transactionId: offsetId } : ids;
      expect((await end(peer, half, COMMIT, sent)).code).toBe(0);
    }
    expect(await bodies("TopicIds")).toEqual(["m0", "m1", "m2"]);
  });

  test("is ended without any ids, as Apache's broker does", async () => {
    const half = await sendHalf(peer, "TopicNoIds", "ended");
    const answer = await call(peer, END_TRANSACTION, {
      producerGroup: "PID_tx",
      tranStateTableOffset: half.queueOffset,
      commitLogOffset: half.physicalOffset,
      commitOrRollback: COMMIT,
    });
    expect([answer.code, await bodies("TopicNoIds")]).toEqual([0, ["ended"]]);
  });

  test("comes again to a consumer that sends it back, like any other message", async () => {
    const half = await sendHalf(peer, "TopicBack", "again");
    await end(peer, half, COMMIT);
    const [message] = await messagesOf(peer, "TopicBack");
    await call(
      peer,
      UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      {},
      Buffer.from('{"groupName":"GID_tx"}'),
    );
    const answer = await call(peer, CONSUMER_SEND_MSG_BACK, {
      offset: message!.physicalOffset,
      group: "GID_tx",
      delayLevel: 1,
      originMsgId: message!.messageId,
      originTopic: "TopicBack",
      maxReconsumeTimes: 16,
    });
    expect([answer.code, answer.remark]).toEqual([0, null]);
    const [delayed] = await messagesOf(peer, "SCHEDULE_TOPIC_XXXX");
    expect(delayed!.properties.get("REAL_TOPIC")).toBe("%RETRY%GID_tx");
    expect([delayed!.reconsumeTimes, new TextDecoder().decode(delayed!.body)])
      .toEqual([1, "again"]);
  });

  test("whose end is unknown stays open", async () => {
    const half = await sendHalf(peer, "TopicUnknown", "?", { group: "PID_later" });
    void end(peer, half, UNKNOWN, { group: "PID_later" });
    expect((await end(peer, half, COMMIT, { group: "PID_later" })).code).toBe(0);
    expect(await bodies("TopicUnknown")).toEqual(["?"]);
  });
});

test("transactions are counted while they are open, in a new topic and in one that is there", async () => {
  await using stack = new AsyncDisposableStack();
  const storePath = temporaryFolder(stack);
  {
    await using broker = await openTestBroker({ storePath });
    using peer = await TestPeer.connect(broker.port);
    const first = await sendHalf(peer, "Counted", "one");
    for (const body of ["two", "three"]) await sendHalf(peer, "Counted", body);
    expect((await end(peer, first, COMMIT)).code).toBe(0);
  }
  const text = readFileSync(`${storePath}/config/transactionMetrics`, "utf8");
  expect(JSON.parse(text)).toMatchObject({ transactionCount: { Counted: { count: 2 } } });
});

test("a store that Apache wrote goes on where its checks were", async () => {
  await using stack = new AsyncDisposableStack();
  const storePath = temporaryFolder(stack);
  extractStore("store/store.tar.gz", storePath);
  const broker = stack.use(
    await openTestBroker({
      storePath,
      settings: {
        mappedFileSizeConsumeQueue: 6000,
        mappedFileSizeConsumeQueueExt: 65_536,
        mapperFileSizeBatchConsumeQueue: 13_800,
        mappedFileSizeTimerLog: 1040,
        fileReservedTime: 87_600,
        transactionTimeOut: 0,
        transactionCheckInterval: 20,
      },
    }),
  );
  using peer = await TestPeer.connect(broker.port);
  await joinProducers(peer, "c@1");
  expect(await messagesOf(peer, HALF_TOPIC)).toHaveLength(21);
  const half = await sendHalf(peer, "TopicTx", "new");
  expect(half.queueOffset).toBe(21);
  await until(() => peer.requests.some(({ code }) => code === 39), "a check");
  const asked = peer.requests.filter(({ code }) => code === 39)
    .map(({ extFields }) => extFields.get("msgId"));
  expect(new Set(asked)).toEqual(new Set([half.uniqueKey]));
  expect((await end(peer, half, COMMIT)).code).toBe(0);
  // What Apache's broker committed long ago: a further end changes nothing.
  const [old] = await messagesOf(peer, HALF_TOPIC);
  const again = { ...half, queueOffset: 0, physicalOffset: old!.physicalOffset };
  expect((await end(peer, again, COMMIT)).code).toBe(0);
  expect((await end(peer, again, ROLL_BACK)).code).toBe(604);
  const seen = await messagesOf(peer, "TopicTx");
  expect(seen.map(({ properties }) => properties.get("KEYS"))).toEqual(["txc1", "txc2", undefined]);
});
