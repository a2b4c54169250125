// roquet inspector subscribe: the command's row. What it does is loaded only when it is called.
import { type CommandRow, defineCommand, type RunContext } from "./inspector/command.ts";
import {
  count,
  defaulted,
  groupName,
  optional,
  required,
  text,
  time,
  topicName,
  type ValueKind,
} from "./inspector/option.ts";
import type { SubscribeIo } from "./subscribe_run.ts";

/** A time of inspector's, or any that JavaScript reads: 2026-11-21T08:30:00Z. */
function timeOf(value: string): number {
  const milliseconds = /^\d{4}-\d\d-\d\d(T|$)/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(milliseconds) ? time.parse(value) : milliseconds;
}

const from: ValueKind<"first" | "last" | Date> = {
  metavar: "first|last|TIME",
  parse: (value) => value === "first" || value === "last" ? value : new Date(timeOf(value)),
};

const until: ValueKind<"end" | number> = {
  metavar: "end|TIME",
  parse: (value) => value === "end" ? value : timeOf(value),
};

const OPTIONS = {
  topic: required("t", "topic", topicName, "topic to read"),
  group: required("g", "group", groupName, "consumer group whose offsets are committed"),
  expression: defaulted("s", "subExpression", text, "*", "tags: 'a || b'"),
  from: defaulted<"first" | "last" | Date>(
    null,
    "from",
    from,
    "last",
    "where a group without offsets begins",
  ),
  count: optional(null, "count", count, "end after so many messages"),
  until: optional(null, "until", until, "end with what is there now, or is stored up to a time"),
  format: optional(null, "format", text, "template of a line: '{keys} {body}'; default '{body}'"),
};

export type SubscribeContext = RunContext<typeof OPTIONS>;

/** Without an argument: of this process. */
export function subscribeCommand(io?: SubscribeIo): CommandRow {
  return defineCommand({
    name: "subscribe",
    summary: "Write a topic's messages to standard output, a line each (--json: JSON lines)",
    options: OPTIONS,
    changes: true,
    example: "-t Orders -g audit --from first --until end -n 127.0.0.1:9876",
    async run(context) {
      const { processSubscribeIo, runSubscribe } = await import("./subscribe_run.ts");
      await runSubscribe(context, io ?? processSubscribeIo());
    },
  });
}
