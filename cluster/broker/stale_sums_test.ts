// enabledAppendPropCRC is switched off under a store with half-finished business: what is stored again must not carry the
// sum of its earlier self, which recovery would take for that of a torn record.
import { expect, test } from "bun:test";
import { decodeOffsetMessageId } from "../../core/message/message_id.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../core/remoting/codes/groups.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../core/remoting/codes/send.ts";
import { call, openTestBroker, send, temporaryFolder, TestPeer } from "./testing.ts";
import { COMMIT, end, messagesOf, sendHalf, until } from "./transactions/testing.ts";

const SUM = "__CRC32#";

test("what is delayed, timed, sent back or committed after sums were switched off carries none", async () => {
  await using stack = new AsyncDisposableStack();
  const storePath = temporaryFolder(stack);
  const open = (enabledAppendPropCRC: boolean) =>
    openTestBroker({
      storePath,
      settings: { enabledAppendPropCRC, messageDelayLevel: "1s 1s 1s" },
    });
  const before = await open(true);
  const earlier = await TestPeer.connect(before.port);
  const plain = await send(earlier, "TopicPlain", "plain");
  const { physicalOffset } = decodeOffsetMessageId(plain.extFields.get("msgId")!);
  const half = await sendHalf(earlier, "TopicHalf", "committed");
  await send(earlier, "TopicLevel", "delayed", "DELAY\x011\x02");
  await send(earlier, "TopicTimed", "timed", `TIMER_DELIVER_MS\x01${Date.now() + 1000}\x02`);
  const [stored] = await messagesOf(earlier, "TopicPlain");
  expect([...stored!.properties.keys()]).toContain(SUM);
  earlier[Symbol.dispose]();
  await before[Symbol.asyncDispose]();

  const after = stack.use(await open(false));
  const peer = stack.use(await TestPeer.connect(after.port));
  const group = { groupName: "GID_back", retryQueueNums: 1, retryMaxTimes: 16 };
  await call(
    peer,
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    {},
    new TextEncoder().encode(JSON.stringify(group)),
  );
  const back = { offset: physicalOffset, group: "GID_back", delayLevel: 1 };
  expect((await call(peer, CONSUMER_SEND_MSG_BACK, back)).code).toBe(0);
  expect((await end(peer, half, COMMIT)).code).toBe(0);
  for (const topic of ["TopicHalf", "TopicLevel", "TopicTimed", "%RETRY%GID_back"]) {
    await until(async () => (await messagesOf(peer, topic)).length === 1, `a message of ${topic}`);
    const [message] = await messagesOf(peer, topic);
    expect([...message!.properties.keys()]).not.toContain(SUM);
  }
});
