// roquet inspector publish: the command's row. What it does is loaded only when it is called.
import { UsageError } from "../core/errors.ts";
import { type CommandRow, defineCommand, type RunContext } from "./inspector/command.ts";
import {
  brokerName,
  count,
  defaulted,
  flag,
  optional,
  queueNumber,
  required,
  text,
  topicName,
  type ValueKind,
} from "./inspector/option.ts";
import type { PublishIo } from "./publish_run.ts";

const inputKind: ValueKind<"lines" | "json"> = {
  metavar: "lines|json",
  parse(value) {
    if (value !== "lines" && value !== "json") {
      throw new UsageError(`'${value}' isn't lines or json`);
    }
    return value;
  },
};

const OPTIONS = {
  topic: required("t", "topic", topicName, "topic to send to"),
  input: defaulted<"lines" | "json">(
    null,
    "input",
    inputKind,
    "lines",
    "a line is a body, or JSON as of subscribe --json",
  ),
  keys: optional("k", "keys", text, "keys of messages that have none, separated by spaces"),
  tags: optional("c", "tags", text, "tag of messages that have none"),
  shardingKey: optional(null, "shardingKey", text, "the same queue for all that have none"),
  broker: optional("b", "brokerName", brokerName, "broker to send to, with -i"),
  queueId: optional("i", "qid", queueNumber, "queue to send to"),
  keepQueues: flag(null, "keepQueues", "send to the queue number that a JSON line has"),
  inFlight: defaulted(null, "inFlight", count, 1024, "messages on their way at a time"),
  retrySeconds: defaulted(null, "retrySeconds", count, 60, "go on trying a line for so long"),
};

export type PublishContext = RunContext<typeof OPTIONS>;

/** Without an argument: of this process. */
export function publishCommand(io?: PublishIo): CommandRow {
  return defineCommand({
    name: "publish",
    summary: "Send the lines of standard input to a topic, a message each",
    options: OPTIONS,
    changes: true,
    example: "-t Orders --input json -n 127.0.0.1:9876",
    async run(context) {
      const { processPublishIo, runPublish } = await import("./publish_run.ts");
      await runPublish(context, io ?? processPublishIo());
    },
  });
}
