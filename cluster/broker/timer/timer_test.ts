// A whole broker's timer: messages sent with a time are delivered at it, survive a restart, and can be taken back.
import { describe, expect, test } from "bun:test";
import { call, openTestBroker, send, type TestBroker, TestPeer } from "../testing.ts";
import { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";

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

describe("a timed message", () => {
  test("is delivered to a waiting consumer when its tick is over", async () => {
    await using broker: TestBroker = await openTestBroker();
    using peer = await TestPeer.connect(broker.port);
    const deliverMs = Date.now() + 1_000;
    const sent = await send(peer, "T", "hello", `TIMER_DELIVER_MS\x01${deliverMs}\x02`);
    expect(sent.code).toBe(0);
    const pulled = await pull(peer, "T", 0);
    expect(pulled.code).toBe(0);
    expect(Date.now()).toBeGreaterThanOrEqual(deliverMs - 1000);
    console.log(Buffer.from(pulled.body).toString("latin1"), Date.now() - deliverMs);
  });
});
