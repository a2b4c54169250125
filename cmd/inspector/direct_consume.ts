// Makes one member of a group consume one message now, through the broker that has it.
import { OperationError } from "../../core/errors.ts";
import type { ClientMessage } from "../../core/message/client_message.ts";
import { CONSUME_MESSAGE_DIRECTLY } from "../../core/remoting/codes/client_bound.ts";
import { bodyObject, text } from "./bodies.ts";
import type { RunContext } from "./command.ts";
import { runningInfoOf } from "./consumer_status.ts";
import { isPushType } from "./running_info.ts";

const CONSUME_MS_MAX = 30_000;

/** Prints what the member's listener made of it. Throws OperationError for what isn't a push consumer. */
export async function consumeDirectly(
  { cluster, report }: RunContext,
  message: ClientMessage,
  group: string,
  clientId: string,
): Promise<void> {
  const info = await runningInfoOf(cluster, group, clientId, false);
  if (info === null) throw new OperationError(`no member '${clientId}' in group '${group}'`);
  if (!isPushType(info)) throw new OperationError(`'${clientId}' isn't a push consumer`);
  const fields = {
    consumerGroup: group,
    clientId,
    msgId: message.offsetMessageId,
    topic: message.topic,
  };
  const options = { timeoutMs: CONSUME_MS_MAX };
  const answer = await cluster.ask(CONSUME_MESSAGE_DIRECTLY, message.storeHost, fields, options);
  const result = bodyObject(answer.body, clientId);
  const at = (name: string) => text(result[name]) || "null";
  report.line(
    `ConsumeMessageDirectlyResult [order=${at("order")}, autoCommit=${at("autoCommit")}, ` +
      `consumeResult=${at("consumeResult")}, remark=${at("remark")}, ` +
      `spentTimeMills=${at("spentTimeMills")}]`,
  );
  report.jsonLine({ messageId: message.messageId, group, clientId, result });
  if (at("consumeResult") !== "CR_SUCCESS") report.fail(`it ended ${at("consumeResult")}`);
}
