// Looking messages up: queryMsgById, queryMsgByKey, queryMsgByUniqueKey, queryMsgByOffset.
import { OperationError, UsageError } from "../../core/errors.ts";
import type { ClientMessage } from "../../core/message/client_message.ts";
import { INDEX_KEY_TYPE, INDEX_TAG_TYPE } from "../../core/message/property_names.ts";
import { defineCommand, type RunContext } from "./command.ts";
import { consumeDirectly } from "./direct_consume.ts";
import {
  END_OF_TIME_MS,
  type KeyQuery,
  messageById,
  queryMessages,
  uniqueKeyQuery,
} from "./message_queries.ts";
import { messageJson, reportFields, writeBody } from "./message_text.ts";
import { tracksOf, trackText } from "./message_track.ts";
import * as option from "./option.ts";
import { pull, TOOLS_GROUP } from "./pulls.ts";
import type { Layout } from "./report.ts";
import { resend } from "./sending.ts";

/** A message's fields and how far each group is with it. */
async function showMessage(
  { cluster, report }: RunContext,
  message: ClientMessage,
  options: { withOffsetId: boolean; index?: number; decoder?: TextDecoder | undefined },
): Promise<void> {
  const { decoder, index = 0, withOffsetId } = options;
  const tracks = await tracksOf(cluster, message);
  const bodyPath = writeBody(message, index, report);
  reportFields(report, message, { withOffsetId, bodyPath, decoder });
  report.line();
  report.line();
  if (tracks.length === 0) report.line("WARN: No Consumer");
  for (const track of tracks) report.line(trackText(track));
  report.jsonLine({ ...messageJson(message), tracks: tracks.map((track) => ({ ...track })) });
}

const BODY_FORMAT = "print the body in this charset";
const CLUSTER = option.optional("c", "cluster", option.clusterName, "only brokers of this cluster");
const GROUP = option.optional(
  "g",
  "consumerGroup",
  option.groupName,
  "with -d: let this group's member consume it now",
);
const CLIENT = option.optional("d", "clientId", option.text, "the member, by its client id");

const queryMsgById = defineCommand({
  name: "queryMsgById",
  summary: "Show a message by its offset id or unique key, and whether it was consumed",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    ids: option.required("i", "msgId", { ...option.text, metavar: "ID,ID" }, "message ids"),
    group: GROUP,
    clientId: CLIENT,
    resend: option.defaulted("s", "sendMessage", option.bool, false, "send it again"),
    unitName: option.optional("u", "unitName", option.text, "ignored, as there are no units"),
    decoder: option.optional("f", "bodyFormat", option.charset, BODY_FORMAT),
    cluster: CLUSTER,
  },
  example: "-n 127.0.0.1:9876 -t Orders -i 7F00000100002A9F00000000000003E8",
  async run(context) {
    const { cluster, options, report } = context;
    const { clientId, decoder, group, topic } = options;
    const ids = options.ids.split(",").map((id) => id.trim()).filter((id) => id !== "");
    for (const id of ids) {
      const message = await messageById(cluster, topic, id, options.cluster);
      if (group !== undefined && clientId !== undefined) {
        await consumeDirectly(context, message, group, clientId);
      } else if (options.resend) {
        const sent = await resend(cluster, message);
        report.line(`prepare resend msg. originalMsgId=${id}`);
        report.line(`SendResult [sendStatus=${sent.status}, msgId=${sent.messageId}]`);
        report.jsonLine({ originalMessageId: id, ...sent });
      } else {
        await showMessage(context, message, { withOffsetId: true, decoder });
      }
    }
  },
});

interface Found {
  message: ClientMessage;
  indexKey: string;
}

const FOUND: Layout<Found> = {
  titles: ["#Message ID", "#QID", "#Offset", "#IndexKey"],
  head: "%-50s %4s %40s %-200s",
  row: "%-50s %4d %40d %-200s",
  cells: ({ indexKey, message }) => [
    message.messageId,
    message.queueId,
    message.queueOffset,
    indexKey,
  ],
};

const HOUR_MS = 3_600_000;

/** How the index of 5.4.0 in RocksDB names the entry; it is what -l goes on from. */
function indexKeyOf(message: ClientMessage, { indexType, key, topic }: KeyQuery): string {
  const hourMs = Math.floor(message.storeTimestampMs / HOUR_MS) * HOUR_MS;
  return [hourMs, topic, indexType, key, message.messageId, message.physicalOffset].join("@");
}

const keyType: option.ValueKind<string> = {
  metavar: "K|T",
  parse(value) {
    if (value === INDEX_KEY_TYPE || value === INDEX_TAG_TYPE) return value;
    throw new UsageError(`'${value}' isn't K (keys) or T (tags)`);
  },
};

const queryMsgByKey = defineCommand({
  name: "queryMsgByKey",
  summary: "List the messages that have a key",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    key: option.required("k", "msgKey", option.text, "the key"),
    beginMs: option.defaulted("b", "beginTimestamp", option.long, 0, "stored since then, in ms"),
    endMs: option.optional("e", "endTimestamp", option.long, "stored until then, in ms"),
    maxNum: option.defaulted("m", "maxNum", option.count, 64, "at most so many messages"),
    cluster: CLUSTER,
    keyType: option.defaulted("p", "keyType", keyType, INDEX_KEY_TYPE, "K for keys, T for tags"),
    lastKey: option.optional("l", "lastKey", option.text, "#IndexKey to go on after"),
  },
  example: "-n 127.0.0.1:9876 -t Orders -k order-1",
  async run({ cluster, options, report }) {
    const { beginMs, endMs = END_OF_TIME_MS, key, lastKey, maxNum, topic } = options;
    const query = {
      topic,
      key,
      maxNum,
      beginMs,
      endMs,
      indexType: options.keyType,
      lastKey,
      clusterName: options.cluster,
    };
    const messages = await queryMessages(cluster, query);
    if (messages.length === 0) {
      throw new OperationError(`no message with the key '${key}' in topic '${topic}'`);
    }
    const found = messages.map((message) => ({ message, indexKey: indexKeyOf(message, query) }));
    report.table(FOUND, found);
    report.json(found.map((each) => ({ ...messageJson(each.message), indexKey: each.indexKey })));
  },
});

const queryMsgByUniqueKey = defineCommand({
  name: "queryMsgByUniqueKey",
  summary: "Show a message by the unique key that its producer gave it",
  options: {
    id: option.required("i", "msgId", option.text, "unique key"),
    group: GROUP,
    clientId: CLIENT,
    topic: option.required("t", "topic", option.topicName, "topic name"),
    showAll: option.flag("a", "showAll", "all messages that have it, at most 32"),
    cluster: CLUSTER,
    startMs: option.defaulted("s", "startTime", option.long, 0, "stored since then, in ms"),
    endMs: option.optional("e", "endTime", option.long, "stored until then, in ms"),
  },
  example: "-n 127.0.0.1:9876 -t Orders -i 7F0000010F8418B4AAC29B5B1A2C0000",
  async run(context) {
    const { cluster, options } = context;
    const { clientId, endMs = END_OF_TIME_MS, group, id, startMs, topic } = options;
    const query = uniqueKeyQuery(topic, id, options.cluster);
    const found = await queryMessages(cluster, { ...query, beginMs: startMs, endMs });
    found.sort((one, other) => one.storeTimestampMs - other.storeTimestampMs);
    const [first] = found;
    if (first === undefined) {
      throw new OperationError(`no message with the unique key '${id}' in topic '${topic}'`);
    }
    if (group !== undefined && clientId !== undefined) {
      return await consumeDirectly(context, first, group, clientId);
    }
    for (const [index, message] of (options.showAll ? found : [first]).entries()) {
      await showMessage(context, message, { withOffsetId: false, index });
    }
  },
});

const queryMsgByOffset = defineCommand({
  name: "queryMsgByOffset",
  summary: "Show the message at an offset of a queue",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    broker: option.required("b", "brokerName", option.brokerName, "broker name"),
    queueId: option.required("i", "queueId", option.queueNumber, "queue"),
    offset: option.required("o", "offset", option.long, "offset in the queue"),
    decoder: option.optional("f", "bodyFormat", option.charset, BODY_FORMAT),
  },
  example: "-n 127.0.0.1:9876 -t Orders -b broker-a -i 0 -o 17",
  async run(context) {
    const { cluster, options } = context;
    const { broker, decoder, offset, queueId, topic } = options;
    const [address] = await Promise.all([cluster.addressOfBroker(broker), cluster.route(topic)]);
    const queue = { topic, brokerName: broker, queueId };
    const from = { queue, address, group: TOOLS_GROUP, expression: "*" };
    const { maxOffset, messages, minOffset } = await pull(cluster, from, offset, 1);
    const [message] = messages;
    if (message === undefined || message.queueOffset !== offset) {
      throw new OperationError(
        `no message at offset ${offset} of queue ${queueId} on '${broker}', ` +
          `which has the offsets from ${minOffset} to below ${maxOffset}`,
      );
    }
    await showMessage(context, message, { withOffsetId: true, decoder });
  },
});

export const messageCommands = [
  queryMsgById,
  queryMsgByKey,
  queryMsgByUniqueKey,
  queryMsgByOffset,
];
