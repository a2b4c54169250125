// A whole broker's timer as clients and operators see it: delivery to a waiting consumer, recall, check and counts.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { decodeRecallHandle, encodeRecallHandle } from "../../../core/message/recall_handle.ts";
import { GET_BROKER_RUNTIME_INFO } from "../../../core/remoting/codes/admin.ts";
import { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { DELETE_TOPIC_IN_BROKER } from "../../../core/remoting/codes/topics.ts";
import {
  GET_TIMER_CHECK_POINT,
  GET_TIMER_METRICS,
  RECALL_MESSAGE,
  SWITCH_TIMER_ENGINE,
} from "../../../core/remoting/codes/timer.ts";
import { decodeTimerCheck } from "../../../store/timer/timer_check.ts";
import { call, openTestBroker, send, TestPeer } from "../testing.ts";

/** A pull that the broker holds until something arrives. */
function pull(peer: TestPeer, topic: string, offset: number) {
  return call(peer, PULL_MESSAGE, {
    consumerGroup: "G",
    topic,
    queueId: 0,
    queueOffset: offset,
    maxMsgNums: 32,
    sysFlag: 6,
    commitOffset: 0,
    suspendTimeoutMillis: 15_000,
    subscription: "*",
    subVersion: 0,
    expressionType: "TAG",
  });
}

const timed = (deliverMs: number) => `TIMER_DELIVER_MS\x01${deliverMs}\x02UNIQ_KEY\x01K\x02`;

test("a timed message wakes a waiting consumer when its tick is over", async () => {
  await using broker = await openTestBroker({ settings: { timerPrecisionMs: 100 } });
  using peer = await TestPeer.connect(broker.port);
  const deliverMs = Date.now() + 300;
  expect((await send(peer, "T", "hello", timed(deliverMs))).code).toBe(0);
  const pulled = await pull(peer, "T", 0);
  expect(pulled.code).toBe(0);
  expect(Buffer.from(pulled.body).includes("hello")).toBeTrue();
  expect(Date.now()).toBeGreaterThan(deliverMs - 100);
});

describe("a recall", () => {
  test("takes its message back, and is refused with Apache's words when it can't", async () => {
    await using broker = await openTestBroker();
    using peer = await TestPeer.connect(broker.port);
    const deliverMs = Date.now() + 3_600_000;
    const { extFields } = await send(peer, "T", "hello", timed(deliverMs));
    const recallHandle = extFields.get("recallHandle")!;
    const recall = (topic: string, handle: string) =>
      call(peer, RECALL_MESSAGE, { producerGroup: "P", topic, recallHandle: handle });
    expect(await recall("T", recallHandle)).toMatchObject({
      code: 16,
      remark: "recall failed, operation is forbidden",
    });
    broker.config.update(new Map([["recallMessageEnable", "true"]]));
    const handle = decodeRecallHandle(recallHandle)!;
    expect(handle).toMatchObject({ topic: "T", brokerName: "broker-fx", uniqueKey: "K" });
    const refusals: [string, string, number, string][] = [
      ["Nowhere", recallHandle, 17, "recall failed, the topic[Nowhere] not exist"],
      ["T", "???", 604, "recall handle is invalid"],
      ["TBW102", recallHandle, 604, "recall failed, topic not match"],
      [
        "T",
        encodeRecallHandle({ ...handle, brokerName: "other" }),
        604,
        "recall failed, broker service not available",
      ],
      [
        "T",
        encodeRecallHandle({ ...handle, deliverMs: "5" }),
        604,
        "recall failed, timestamp invalid",
      ],
    ];
    for (const [topic, text, code, remark] of refusals) {
      expect(await recall(topic, text)).toMatchObject({ code, remark });
    }
    const answer = await recall("T", recallHandle);
    expect(answer.code).toBe(0);
    expect(answer.extFields.get("msgId")).toBe("K");
    const metrics = await call(peer, GET_TIMER_METRICS, {});
    expect(JSON.parse(Buffer.from(metrics.body).toString("utf8")).timingCount.T.count).toBe(0);
    await call(peer, DELETE_TOPIC_IN_BROKER, { topic: "T" });
    const after = await call(peer, GET_TIMER_METRICS, {});
    expect(JSON.parse(Buffer.from(after.body).toString("utf8")).timingCount).toEqual({});
  });
});

describe("the timer tells", () => {
  test("slaves its check and its counts, operators what waits", async () => {
    await using broker = await openTestBroker();
    using peer = await TestPeer.connect(broker.port);
    for (let index = 0; index < 3; index++) {
      await send(peer, "T", "hello", timed(Date.now() + 3_600_000));
    }
    const check = await call(peer, GET_TIMER_CHECK_POINT, {});
    expect(check.body).toHaveLength(56);
    expect(decodeTimerCheck(check.body, 0)).toMatchObject({ queueOffset: 3, masterQueueOffset: 3 });
    const info = await call(peer, GET_BROKER_RUNTIME_INFO, {});
    const { table } = JSON.parse(Buffer.from(info.body).toString("utf8"));
    expect(table).toMatchObject({ timerCongestNum: "3", timerOffsetBehind: "0" });
    expect(await call(peer, SWITCH_TIMER_ENGINE, { E_T: "F" })).toMatchObject({ code: 0 });
    expect(await call(peer, SWITCH_TIMER_ENGINE, { E_T: "R" })).toMatchObject({ code: 29 });
    expect(await call(peer, SWITCH_TIMER_ENGINE, { E_T: "x" })).toMatchObject({
      code: 29,
      remark: "param error",
    });
  });

  test("that it is off: messages with a time are refused, its files left alone", async () => {
    await using broker = await openTestBroker({ settings: { timerWheelEnable: false } });
    using peer = await TestPeer.connect(broker.port);
    expect(await send(peer, "T", "hello", timed(Date.now() + 60_000))).toMatchObject({
      code: 1,
      remark: "accurate timer message is not enabled, timerWheelEnable is false",
    });
    for (const row of [GET_TIMER_CHECK_POINT, GET_TIMER_METRICS]) {
      expect((await call(peer, row, {})).code).toBe(1);
    }
  });
});
