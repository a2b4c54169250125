// Sending one message: sendMessage.
import type { MessageQueue, SendOptions } from "../../core/client/mod.ts";
import { OperationError, UsageError } from "../../core/errors.ts";
import { defineCommand } from "./command.ts";
import * as option from "./option.ts";
import type { Layout } from "./report.ts";
import { checkTopic, openProducer, send, type Sent } from "./sending.ts";

const SENT: Layout<Sent> = {
  titles: ["#Broker Name", "#QID", "#Send Result", "#MsgId"],
  head: "%-32s  %-4s  %-20s    %s",
  cells: (row) => [row.brokerName, row.queueId, row.status, row.messageId],
};

const sendMessage = defineCommand({
  name: "sendMessage",
  summary: "Send a message",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    body: option.required("p", "body", option.text, "the body, as UTF-8"),
    keys: option.optional("k", "key", option.text, "keys, separated by blanks"),
    tags: option.optional("c", "tags", option.text, "tag"),
    broker: option.optional("b", "broker", option.brokerName, "broker to send to, by its name"),
    queueId: option.optional("i", "qid", option.queueNumber, "queue to send to, with -b"),
    trace: option.defaulted("m", "msgTraceEnable", option.bool, false, "send a trace too"),
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -t Orders -p 'hello' -k order-1 -c created",
  async run({ cluster, options, report }) {
    const { body, broker, keys, queueId, tags, topic, trace } = options;
    if (queueId !== undefined && broker === undefined) {
      throw new UsageError("-i (--qid) needs -b (--broker)");
    }
    if (trace) throw new UsageError("-m (--msgTraceEnable): traces aren't sent yet");
    await checkTopic(cluster, topic);
    if (broker !== undefined) await cluster.brokerByName(broker);
    await using producer = await openProducer(cluster);
    const message = {
      topic,
      body,
      ...(tags !== undefined && { tags }),
      ...(keys !== undefined && { keys }),
    };
    const result = await send(producer, message, queueChoice(topic, broker, queueId));
    report.table(SENT, [result]);
    report.json({ ...result });
    if (result.status !== "SEND_OK") report.fail(`stored, but not as asked: ${result.status}`);
  },
});

function queueChoice(
  topic: string,
  brokerName: string | undefined,
  queueId: number | undefined,
): SendOptions {
  if (brokerName === undefined) return {};
  if (queueId !== undefined) return { queue: { topic, brokerName, queueId } };
  return {
    select(queues: readonly MessageQueue[]): MessageQueue {
      const [first] = queues.filter((queue) => queue.brokerName === brokerName);
      if (first === undefined) {
        throw new OperationError(`broker '${brokerName}' has no queue of '${topic}' to write to`);
      }
      return first;
    },
  };
}

export const sendCommands = [sendMessage];
