import { expect, test } from "bun:test";
import { Producer } from "../../core/client/mod.ts";
import { startRoquet } from "../embedded.ts";
import { processEnvironment, runInspector } from "./main.ts";

test("queryMsgTraceById shows who sent a message, and fails for one without traces", async () => {
  await using mq = await startRoquet({ broker: { traceTopicEnable: true } });
  const inspect = async (...words: string[]) => {
    const lines: string[] = [];
    const environment = processEnvironment({
      print: (text) => void lines.push(text),
      complain: (text) => void lines.push(text),
    });
    const code = await runInspector(["queryMsgTraceById", ...words], {
      ...environment,
      isTerminal: false,
      variables: { NAMESRV_ADDR: mq.nameServer },
    });
    return { code, text: lines.join("\n") };
  };
  const producer = await Producer.open({
    nameServers: mq.nameServer,
    group: "traced",
    trace: true,
  });
  const { messageId } = await producer.send({ topic: "Orders", body: "1" });
  // Closing writes what waits.
  await producer.close();
  const { code, text } = await inspect("-i", messageId);
  expect([code, text]).toEqual([0, expect.stringMatching(/^Pub +traced +127\.0\.0\.1 /m)]);
  const asJson = JSON.parse((await inspect("-i", messageId, "--json")).text);
  expect(asJson).toMatchObject([{ kind: "Pub", topic: "Orders", messageId, success: true }]);
  expect(await inspect("-i", "nothing")).toMatchObject({
    code: 1,
    text: expect.stringContaining("no trace of the message 'nothing'"),
  });
});
