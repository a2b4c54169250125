// A message that goes back is stored anew with sums of its own, so it must be what was sent.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fs from "node:fs";
import { decodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../../core/remoting/codes/groups.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../../core/remoting/codes/send.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { call, openTestBroker, send, temporaryFolder, TestPeer } from "../testing.ts";
import { messagesOf } from "../transactions/testing.ts";

const BODY = "the body that was sent";

test("a message whose body was damaged isn't stored again, and its consumer is told why", async () => {
  await using stack = new AsyncDisposableStack();
  const storePath = temporaryFolder(stack);
  const before = await openTestBroker({ storePath });
  const earlier = await TestPeer.connect(before.port);
  const stored = await send(earlier, "TopicBack", BODY);
  const { physicalOffset } = decodeOffsetMessageId(stored.extFields.get("msgId")!);
  earlier[Symbol.dispose]();
  await before[Symbol.asyncDispose]();
  const logFile = `${storePath}/commitlog/00000000000000000000`;
  const at = fs.readFileSync(logFile).indexOf(BODY);
  const file = fs.openSync(logFile, "r+");
  fs.writeSync(file, "T", at);
  fs.closeSync(file);

  const after = stack.use(await openTestBroker({ storePath }));
  const peer = stack.use(await TestPeer.connect(after.port));
  const group = { groupName: "GID_back", retryQueueNums: 1, retryMaxTimes: 16 };
  await call(peer, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, Buffer.from(JSON.stringify(group)));
  const back = { offset: physicalOffset, group: "GID_back", delayLevel: 1 };
  const { code, remark } = await call(peer, CONSUMER_SEND_MSG_BACK, back);
  expect(code).toBe(ResponseCode.SYSTEM_ERROR);
  expect(remark).toBe(
    `the message at the offset ${physicalOffset} is damaged: its body isn't what was sent`,
  );
  expect(await messagesOf(peer, "%RETRY%GID_back")).toEqual([]);
});
