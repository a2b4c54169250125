// Reading whole queues: printMsg, printMsgByQueue, consumeMessage.
import { OperationError, UsageError } from "../../core/errors.ts";
import type { ClientMessage } from "../../core/message/client_message.ts";
import { PROPERTY } from "../../core/message/property_names.ts";
import { compareTexts, queueText } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand, type RunContext } from "./command.ts";
import { messageJson, printedLine } from "./message_text.ts";
import * as option from "./option.ts";
import {
  offsetRange,
  pull,
  PULL_BATCH,
  type Pulled,
  type PullQueue,
  TOOLS_GROUP,
} from "./pulls.ts";
import { readableQueues } from "./topics.ts";

const UTF8 = new TextDecoder();
/** Brokers give fewer; this keeps the number within what a request can say. */
const PULL_MAX = 1024;
const RULE = "--------------------------------------------------------";

/** All queues of a topic that can be read, with their brokers. */
async function queuesOf(
  cluster: Cluster,
  topic: string,
  group: string,
  expression: string,
  routeTopic = topic,
): Promise<PullQueue[]> {
  const route = await cluster.route(routeTopic);
  const queues = readableQueues(topic, route);
  return await Promise.all(queues.map(async (queue) => {
    const address = await cluster.addressOfBroker(queue.brokerName);
    return { queue, address, group, expression };
  }));
}

/** One queue by its broker's name. Throws OperationError when the topic hasn't it. */
async function queueOf(
  cluster: Cluster,
  topic: string,
  brokerName: string,
  queueId: number,
  group: string,
  expression: string,
): Promise<PullQueue> {
  const [route, address] = await Promise.all([
    cluster.route(topic),
    cluster.addressOfBroker(brokerName),
  ]);
  const there = route.queues.find((queues) => queues.brokerName === brokerName);
  if (there === undefined) {
    throw new OperationError(`broker '${brokerName}' doesn't have the topic '${topic}'`);
  }
  if (queueId >= there.readQueueNums) {
    throw new OperationError(
      `topic '${topic}' has the queues 0 to ${there.readQueueNums - 1} on '${brokerName}'`,
    );
  }
  return { queue: { topic, brokerName, queueId }, address, group, expression };
}

/** Pulls one after the other from an offset until `each` says that it is enough. */
async function readFrom(
  cluster: Cluster,
  from: PullQueue,
  range: { minOffset: number; maxOffset: number },
  each: (pulled: Pulled) => boolean,
): Promise<void> {
  for (let offset = range.minOffset; offset < range.maxOffset;) {
    const pulled = await pull(cluster, from, offset, PULL_BATCH);
    if (each(pulled)) return;
    offset = Math.max(pulled.nextOffset, offset + 1);
  }
}

const CHARSET = option.defaulted("c", "charsetName", option.charset, UTF8, "charset of the bodies");
const TAGS = option.defaulted(
  "s",
  "subExpression",
  option.tagExpression,
  "*",
  "tags, as TagA || TagB",
);
const BEGIN = option.optional("b", "beginTimestamp", option.time, "stored since then");
const END = option.optional("e", "endTimestamp", option.time, "stored until then");

const printMsg = defineCommand({
  name: "printMsg",
  summary: "Print the messages of a topic, queue by queue",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    charset: CHARSET,
    expression: TAGS,
    begin: BEGIN,
    end: END,
    printBody: option.defaulted("d", "printBody", option.bool, true, "with the bodies"),
    parentTopic: option.optional("l", "lmqParentTopic", option.topicName, "topic of the route"),
  },
  example: "-n 127.0.0.1:9876 -t Orders -b 2026-11-21#08:00:00:000",
  async run({ cluster, options, report }) {
    const { begin, charset, end, expression, parentTopic, printBody, topic } = options;
    const queues = await queuesOf(cluster, topic, TOOLS_GROUP, expression, parentTopic);
    const ranges = await Promise.all(queues.map((from) => offsetRange(cluster, from, begin, end)));
    for (const [index, from] of queues.entries()) {
      const { maxOffset, minOffset } = ranges[index]!;
      const name = queueText(from.queue);
      report.line(`minOffset=${minOffset}, maxOffset=${maxOffset}, ${name}`);
      await readFrom(
        cluster,
        from,
        { minOffset, maxOffset },
        ({ messages, nextOffset, status }) => {
          for (const message of messages) {
            if (message.queueOffset >= maxOffset) break;
            const { brokerName } = from.queue;
            report.line(printedLine(message, brokerName, printBody ? charset : null));
            report.jsonLine({ brokerName, ...messageJson(message) });
          }
          if (status === "FOUND") return false;
          const isOver = status !== "NO_MATCHED_MSG";
          const what = isOver ? "print msg finished." : "no matched msg.";
          report.line(`${name} ${what} status=${status}, offset=${nextOffset}`);
          return isOver;
        },
      );
      report.line(RULE);
      report.flush();
    }
  },
});

/** How many messages have each tag, the most frequent first. */
function tagCounts(tags: ReadonlyMap<string, number>): [string, number][] {
  return [...tags].sort(([one, count], [other, otherCount]) =>
    otherCount - count || compareTexts(one, other)
  );
}

const printMsgByQueue = defineCommand({
  name: "printMsgByQueue",
  summary: "Print the messages of one queue, or count them by tag",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    broker: option.required("a", "brokerName", option.brokerName, "broker name"),
    queueId: option.required("i", "queueId", option.queueNumber, "queue"),
    charset: CHARSET,
    expression: TAGS,
    begin: BEGIN,
    end: END,
    printMsg: option.defaulted("p", "printMsg", option.bool, false, "print the messages"),
    printBody: option.defaulted("d", "printBody", option.bool, false, "with the bodies"),
    calculate: option.defaulted("f", "calculate", option.bool, false, "count them by tag"),
  },
  example: "-n 127.0.0.1:9876 -t Orders -a broker-a -i 0 -p true -d true",
  async run({ cluster, options, report }) {
    const { begin, broker, calculate, charset, end, expression, printBody, topic } = options;
    const from = await queueOf(cluster, topic, broker, options.queueId, TOOLS_GROUP, expression);
    const range = await offsetRange(cluster, from, begin, end);
    const tags = new Map<string, number>();
    const isPrinted = options.printMsg || (report.asJson && !calculate);
    await readFrom(cluster, from, range, ({ messages, status }) => {
      for (const message of messages) {
        if (message.queueOffset >= range.maxOffset) break;
        const tag = message.properties.get(PROPERTY.tags) ?? "";
        if (tag.trim() !== "") tags.set(tag, (tags.get(tag) ?? 0) + 1);
        if (!isPrinted) continue;
        report.line(printedLine(message, broker, printBody ? charset : null));
        report.jsonLine({ brokerName: broker, ...messageJson(message) });
      }
      return status === "NO_NEW_MSG" || status === "OFFSET_ILLEGAL";
    });
    if (!calculate) return;
    for (const [tag, count] of tagCounts(tags)) report.printf("Tag: %-30s Count: %s", tag, count);
    report.jsonLine({ tags: tagCounts(tags).map(([tag, count]) => ({ tag, count })) });
  },
});

/** Messages of one queue up to an offset, in the words of Apache's consumeMessage. */
async function consumeQueue(
  { cluster, report }: RunContext,
  from: PullQueue,
  range: { minOffset: number; maxOffset: number },
): Promise<void> {
  const { brokerName } = from.queue;
  const show = (message: ClientMessage) => {
    report.line(printedLine(message, brokerName, UTF8));
    report.jsonLine({ brokerName, ...messageJson(message) });
  };
  for (let offset = range.minOffset; offset <= range.maxOffset;) {
    const wanted = Math.min(range.maxOffset - offset + 1, PULL_MAX);
    const pulled = await pull(cluster, from, offset, wanted);
    offset = Math.max(pulled.nextOffset, offset + 1);
    const name = queueText(from.queue);
    const state = `status=${pulled.status}, offset=${pulled.nextOffset}`;
    if (pulled.status === "FOUND") {
      report.line("Consume ok");
      pulled.messages.filter((each) => each.queueOffset <= range.maxOffset).forEach(show);
    } else if (pulled.status === "NO_MATCHED_MSG") {
      report.line(`${name} no matched msg. ${state}`);
    } else {
      report.line(`${name} print msg finished. ${state}`);
      return;
    }
  }
}

/** Some messages of each queue in turn, until there are enough. */
async function consumeTopic(
  context: RunContext,
  queues: readonly PullQueue[],
  wanted: { count: number; begin: number | undefined; end: number | undefined },
): Promise<void> {
  const { cluster, report } = context;
  const { begin, count, end } = wanted;
  let left = count;
  for (const from of queues) {
    if (left <= 0) return;
    const range = await offsetRange(cluster, from, begin, end);
    const there = range.maxOffset - range.minOffset;
    if (there > left) {
      const { queueId } = from.queue;
      report.line(`The older ${left} message of the ${queueId} queue will be provided`);
      range.maxOffset = range.minOffset + left - 1;
    }
    left -= there;
    await consumeQueue(context, from, range);
  }
}

const consumeMessage = defineCommand({
  name: "consumeMessage",
  summary: "Print some messages of a topic or a queue; offsets of the group don't move",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    broker: option.optional("b", "brokerName", option.brokerName, "broker name"),
    queueId: option.optional("i", "queueId", option.queueNumber, "queue, with -b"),
    offset: option.optional("o", "offset", option.long, "offset to begin at, with -i"),
    group: option.defaulted("g", "consumerGroup", option.groupName, TOOLS_GROUP, "read as"),
    begin: option.optional("s", "beginTimestamp", option.time, "stored since then"),
    end: option.optional("e", "endTimestamp", option.time, "stored until then"),
    count: option.defaulted("c", "MessageNumber", option.count, 128, "at most so many messages"),
  },
  example: "-n 127.0.0.1:9876 -t Orders -c 10",
  async run(context) {
    const { clock, cluster, options, report } = context;
    const { begin, broker, count, end, group, offset = 0, queueId, topic } = options;
    if (queueId !== undefined && broker === undefined) {
      throw new UsageError("-i (--queueId) needs -b (--brokerName)");
    }
    if (options.offset !== undefined && queueId === undefined) {
      throw new UsageError("-o (--offset) needs -i (--queueId)");
    }
    const nowMs = clock.nowMs();
    if ((begin ?? 0) > nowMs || (end ?? 0) > nowMs || (begin ?? 0) > (end ?? nowMs)) {
      throw new UsageError("times go from -s to -e and lie in the past");
    }
    if (broker === undefined || queueId === undefined) {
      const all = await queuesOf(cluster, topic, group, "*");
      const queues = all.filter(({ queue }) => broker === undefined || queue.brokerName === broker);
      return await consumeTopic(context, queues, { count, begin, end });
    }
    const from = await queueOf(cluster, topic, broker, queueId, group, "*");
    const range = await offsetRange(cluster, from, begin, end);
    if (offset > range.maxOffset) {
      throw new OperationError(
        `queue ${queueId} ends at offset ${range.maxOffset}, before ${offset}`,
      );
    }
    range.minOffset = Math.max(range.minOffset, offset);
    if (range.maxOffset - range.minOffset > count) {
      report.line(`The oldler ${count} message will be provided`);
      range.maxOffset = range.minOffset + count - 1;
    }
    await consumeQueue(context, from, range);
  },
});

export const printCommands = [printMsg, printMsgByQueue, consumeMessage];
