// queryMsgTraceById: what producers and consumers wrote into the trace topic about a message. Reads the traces of Apache's
// clients and ours; writes none.
import { decodeTraces, type TraceRecord } from "../../core/client/trace_records.ts";
import { OperationError } from "../../core/errors.ts";
import type { ClientMessage } from "../../core/message/client_message.ts";
import { INDEX_KEY_TYPE } from "../../core/message/property_names.ts";
import { TRACE_TOPIC } from "../../core/message/topic_names.ts";
import { defineCommand } from "./command.ts";
import { dayAndTime, inHashMapOrder } from "./java_text.ts";
import { END_OF_TIME_MS, queryMessages } from "./message_queries.ts";
import * as option from "./option.ts";
import type { Layout } from "./report.ts";

interface TraceRow {
  type: "Pub" | "Sub";
  group: string;
  clientHost: string;
  timestampMs: number;
  costMs: number;
  success: boolean;
}

const FORMAT = "%-10s %-20s %-20s %-20s %-10s %-10s";

function layout(group: string, time: string): Layout<TraceRow> {
  return {
    titles: ["#Type", group, "#ClientHost", time, "#CostTimes", "#Status"],
    head: FORMAT,
    cells: ({ type, group, clientHost, timestampMs, costMs, success }) => [
      type,
      group,
      clientHost,
      dayAndTime(timestampMs),
      `${costMs}ms`,
      success ? "success" : "failed",
    ],
  };
}

const PUBLISHED = layout("#ProducerGroup", "#SendTime");
const CONSUMED = layout("#ConsumerGroup", "#ConsumerTime");

interface Found {
  record: TraceRecord;
  clientHost: string;
}

/** The records about one message, out of trace messages that may hold those of many. */
function recordsOf(messages: readonly ClientMessage[], id: string): Found[] {
  const decoder = new TextDecoder();
  return messages.flatMap(({ body, bornHost }) => {
    const clientHost = bornHost.slice(0, bornHost.lastIndexOf(":"));
    return decodeTraces(decoder.decode(body))
      .filter((record) => record.messageId.split(",").includes(id))
      .map((record) => ({ record, clientHost }));
  });
}

function rowOf({ record, clientHost }: Found): TraceRow | null {
  if (record.kind !== "Pub" && record.kind !== "SubAfter") return null;
  const { costMs, group, success, timestampMs } = record;
  const type = record.kind === "Pub" ? "Pub" : "Sub";
  return { type, group, clientHost, timestampMs, costMs, success };
}

const queryMsgTraceById = defineCommand({
  name: "queryMsgTraceById",
  summary: "Show who sent a message and who consumed it, from its traces",
  options: {
    id: option.required("i", "msgId", option.text, "message id"),
    traceTopic: option.defaulted(
      "t",
      "traceTopic",
      option.topicName,
      TRACE_TOPIC,
      "where the traces are",
    ),
    beginMs: option.defaulted("b", "beginTimestamp", option.long, 0, "stored since then, in ms"),
    endMs: option.optional("e", "endTimestamp", option.long, "stored until then, in ms"),
    maxNum: option.defaulted("c", "maxNum", option.count, 64, "at most so many trace messages"),
  },
  example: "-n 127.0.0.1:9876 -i 7F0000010F8418B4AAC29B5B1A2C0000",
  async run({ cluster, options, report }) {
    const { beginMs, endMs = END_OF_TIME_MS, id, maxNum, traceTopic: topic } = options;
    const query = { topic, key: id, maxNum, beginMs, endMs, indexType: INDEX_KEY_TYPE };
    const messages = await queryMessages(cluster, query);
    const found = recordsOf(messages, id);
    if (found.length === 0) {
      throw new OperationError(`no trace of the message '${id}' in topic '${topic}'`);
    }
    const rows = found.map(rowOf).filter((row) => row !== null);
    for (const row of rows.filter(({ type }) => type === "Pub")) {
      report.table(PUBLISHED, [row]);
      report.line();
    }
    const byGroup = new Map<string, TraceRow[]>();
    for (const row of rows.filter(({ type }) => type === "Sub")) {
      byGroup.set(row.group, [...byGroup.get(row.group) ?? [], row]);
    }
    for (const [, consumed] of inHashMapOrder(byGroup, 16)) {
      report.table(CONSUMED, consumed);
      report.line();
    }
    report.json(found.map(({ record, clientHost }) => ({ clientHost, ...record })));
  },
});

export const traceCommands = [queryMsgTraceById];
