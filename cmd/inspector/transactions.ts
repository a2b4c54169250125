// Transactions that were given up: resumeCheckHalfMessage, which Apache offers to programs alone (MQAdminExt).
import { TRANSACTION_CHECK_MAX_TOPIC } from "../../core/message/topic_names.ts";
import { RESUME_CHECK_HALF_MESSAGE } from "../../core/remoting/codes/transactions.ts";
import { defineCommand } from "./command.ts";
import { messageById } from "./message_queries.ts";
import * as option from "./option.ts";

const resumeCheckHalfMessage = defineCommand({
  name: "resumeCheckHalfMessage",
  summary: "Ask producers again about transactions that were given up",
  changes: true,
  options: {
    ids: option.required(
      "i",
      "msgId",
      { ...option.text, metavar: "ID,ID" },
      `offset ids or unique keys of messages in ${TRANSACTION_CHECK_MAX_TOPIC}`,
    ),
  },
  example: "-n 127.0.0.1:9876 -i 7F00000100002A9F00000000000003E8",
  async run({ cluster, options, report }) {
    const ids = options.ids.split(",").map((id) => id.trim()).filter((id) => id !== "");
    for (const id of ids) {
      const topic = TRANSACTION_CHECK_MAX_TOPIC;
      const found = await messageById(cluster, topic, id, undefined);
      const { offsetMessageId, storeHost, messageId } = found;
      await cluster.ask(RESUME_CHECK_HALF_MESSAGE, storeHost, { topic, msgId: offsetMessageId });
      report.line(`${messageId} is checked again`);
      report.jsonLine({ messageId, offsetMessageId, broker: storeHost });
    }
  },
});

export const transactionCommands = [resumeCheckHalfMessage];
