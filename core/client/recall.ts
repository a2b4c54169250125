// Takes timed messages back, at the broker that each waits at. Keeps nothing.
import { decodeRecallHandle } from "../message/recall_handle.ts";
import { RECALL_MESSAGE } from "../remoting/codes/timer.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { invalid } from "./message.ts";
import type { MessageTrace } from "./message_trace.ts";
import type { Publisher } from "./publisher.ts";
import { mustAsk } from "./remote_calls.ts";

export interface RecallParts {
  core: ClientCore;
  publisher: Publisher;
  trace: MessageTrace | null;
  group: string;
  timeoutMs: number;
}

/** See Producer.recall. */
export async function recall(parts: RecallParts, handle: string): Promise<string> {
  const { core, group, publisher, timeoutMs, trace } = parts;
  const place = decodeRecallHandle(handle);
  if (place === null) throw invalid("the recall handle is none that a broker gave");
  const { brokerName, topic, uniqueKey } = place;
  await publisher.learn(topic);
  const address = core.routes.address(brokerName);
  if (address === undefined) {
    throw new ClientError("no_broker", `the broker ${brokerName} is not in the routes`, {
      brokerName,
    });
  }
  let isRecalled = false;
  try {
    const { fields } = await mustAsk(core.remoting, RECALL_MESSAGE, {
      peer: brokerName,
      address,
      fields: { producerGroup: group, topic, recallHandle: handle, bname: brokerName },
      timeoutMs,
    });
    isRecalled = true;
    return fields.msgId ?? uniqueKey;
  } finally {
    trace?.recalled(topic, uniqueKey, isRecalled);
  }
}
