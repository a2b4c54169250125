// Light message queues against a whole broker: a message sent to a topic is pulled from the light queues that it names,
// also by pulls that wait, and groups of that kind keep their offsets where Apache looks for them.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { parseLenientJson } from "../../core/json/lenient_reader.ts";
import { decodeRecords } from "../../core/message/record.ts";
import { TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } from "../../core/message/sys_flag.ts";
import {
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} from "../../core/remoting/codes/offsets.ts";
import { PULL_MESSAGE } from "../../core/remoting/codes/pull.ts";
import { end, sendHalf } from "./transactions/testing.ts";
import { call, openTestBroker, send, temporaryFolder, TestPeer } from "./testing.ts";

const SETTINGS = { enableLmq: true, enableMultiDispatch: true };
const SUSPENDS_AND_SUBSCRIBES = 6;
const LIGHT = "%LMQ%device-1";

function pull(peer: TestPeer, queueOffset: number) {
  return call(peer, PULL_MESSAGE, {
    consumerGroup: LIGHT,
    topic: LIGHT,
    queueId: 0,
    queueOffset,
    maxMsgNums: 32,
    sysFlag: SUSPENDS_AND_SUBSCRIBES,
    commitOffset: 0,
    suspendTimeoutMillis: 60_000,
    subVersion: 0,
    subscription: "*",
  });
}

test("a pull that waits on a light queue gets the message that names it, as it stands in its own topic", async () => {
  await using broker = await openTestBroker({ settings: SETTINGS });
  await using peer = await TestPeer.connect(broker.port);
  const waiting = pull(peer, 0);
  await send(peer, "T", "for one", `INNER_MULTI_DISPATCH\x01${LIGHT}\x02`);
  await send(peer, "T", "for nobody", "");
  await send(peer, "T", "for two", `INNER_MULTI_DISPATCH\x01%LMQ%other,${LIGHT}\x02`);
  const first = decodeRecords((await waiting).body);
  const second = decodeRecords((await pull(peer, 1)).body);
  const shown = [...first, ...second].map((
    { topic, body },
  ) => [topic, Buffer.from(body).toString()]);
  expect(shown).toEqual([["T", "for one"], ["T", "for two"]]);
});

test("a transaction's message is pulled from its light queue once it is committed, and never when it is rolled back", async () => {
  await using broker = await openTestBroker({ settings: SETTINGS });
  await using peer = await TestPeer.connect(broker.port);
  const properties = `INNER_MULTI_DISPATCH\x01${LIGHT}\x02`;
  const rolledBack = await sendHalf(peer, "T", "rolled back", { properties });
  const committed = await sendHalf(peer, "T", "committed", { properties });
  await end(peer, rolledBack, TRANSACTION_ROLLBACK);
  await end(peer, committed, TRANSACTION_COMMIT);
  const [record, ...more] = decodeRecords((await pull(peer, 0)).body);
  expect([record!.topic, Buffer.from(record!.body).toString(), more])
    .toEqual(["T", "committed", []]);
});

test("the offsets of its groups outlive a restart, in the file that Apache keeps them in", async () => {
  await using stack = new AsyncDisposableStack();
  const storePath = temporaryFolder(stack);
  const offset = { consumerGroup: LIGHT, topic: LIGHT, queueId: 0 };
  {
    await using broker = await openTestBroker({ settings: SETTINGS, storePath });
    await using peer = await TestPeer.connect(broker.port);
    await send(peer, "T", "one", `INNER_MULTI_DISPATCH\x01${LIGHT}\x02`);
    await call(peer, UPDATE_CONSUMER_OFFSET, { ...offset, commitOffset: 1 });
  }
  const saved = parseLenientJson(
    readFileSync(`${storePath}/config/lmqConsumerOffset.json`, "utf8"),
  );
  expect(saved).toMatchObject({ lmqOffsetTable: { [`${LIGHT}@${LIGHT}`]: 1 } });
  await using broker = await openTestBroker({ settings: SETTINGS, storePath });
  await using peer = await TestPeer.connect(broker.port);
  const answer = await call(peer, QUERY_CONSUMER_OFFSET, offset);
  expect(answer.extFields.get("offset")).toBe("1");
});
