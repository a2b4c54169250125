// A device that stands still under SYNC_FLUSH: sends wait up to a number, more are refused with the cause, and all goes on
// when it moves again.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { formatProperties } from "../../../core/message/properties.ts";
import { GET_BROKER_RUNTIME_INFO } from "../../../core/remoting/codes/admin.ts";
import { SEND_MESSAGE_V2 } from "../../../core/remoting/codes/send.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { Rig, TOPIC } from "../simulation/rig.ts";
import { propertiesOf, sendFields } from "../simulation/workloads/messages.ts";

const CAPACITY = 4;
const REMARK = "[OVERLOAD]system busy, start flow control for a while: " +
  "4 sends wait for the log, sendThreadPoolQueueCapacity is 4";

/** Sends without waiting: the hot way, or the general way by a delay level. */
function sendMany(rig: Rig, count: number, isPlain: boolean) {
  return Array.from({ length: count }, (_, index) => {
    const delay: [string, string][] = isPlain ? [] : [["DELAY", "18"]];
    const properties = formatProperties([...propertiesOf(`m${index}`), ...delay]);
    const fields = sendFields(rig.life, { topic: TOPIC, queueId: 0 }, properties);
    return rig.life.call(SEND_MESSAGE_V2, fields, Buffer.from("body"));
  });
}

async function runtimeInfo(rig: Rig): Promise<Record<string, string>> {
  const { body } = await rig.call(GET_BROKER_RUNTIME_INFO, {});
  return JSON.parse(Buffer.from(body).toString()).table;
}

for (const isPlain of [true, false]) {
  test(`more sends than may wait are refused as busy, ${isPlain ? "plain" : "delayed"} ones`, async () => {
    const rig = new Rig({ flushDiskType: "SYNC_FLUSH", sendThreadPoolQueueCapacity: CAPACITY });
    await rig.open();
    await rig.send(10);
    rig.memory.holdSyncs();
    const sends = sendMany(rig, CAPACITY + 3, isPlain);
    for (const refused of sends.slice(CAPACITY)) {
      const { code, remark } = await rig.wait(refused);
      expect([code, remark]).toEqual([ResponseCode.SYSTEM_BUSY, REMARK]);
    }
    expect(await runtimeInfo(rig)).toMatchObject({
      sendThreadPoolQueueSize: String(CAPACITY),
      sendRefusedBusyTotal: "3",
    });
    rig.memory.releaseSyncs();
    for (const waiting of sends.slice(0, CAPACITY)) {
      expect((await rig.wait(waiting)).code).toBe(ResponseCode.SUCCESS);
    }
    expect((await rig.send(10))[1].code).toBe(ResponseCode.SUCCESS);
    expect((await runtimeInfo(rig))["sendThreadPoolQueueSize"]).toBe("0");
    expect(rig.entries.filter(({ text }) => text.includes("refused as busy"))).toHaveLength(1);
    await rig.life.close();
  });
}

test("a burst of more sends than may wait is taken when nothing is waited for", async () => {
  const rig = new Rig({ flushDiskType: "ASYNC_FLUSH", sendThreadPoolQueueCapacity: CAPACITY });
  await rig.open();
  await rig.send(10);
  for (const send of sendMany(rig, 5 * CAPACITY, true)) {
    expect((await rig.wait(send)).code).toBe(ResponseCode.SUCCESS);
  }
  await rig.life.close();
});
