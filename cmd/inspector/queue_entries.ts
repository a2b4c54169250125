// The entries of a consume queue: queryCq.
import { OperationError } from "../../core/errors.ts";
import { QUERY_CONSUME_QUEUE } from "../../core/remoting/codes/query.ts";
import { asObject, bodyObject, list, number, text } from "./bodies.ts";
import { defineCommand } from "./command.ts";
import { fastjsonText } from "./fastjson_text.ts";
import * as option from "./option.ts";

const RULE = "======================================";
const DEFAULT_COUNT = 10;

const queryCq = defineCommand({
  name: "queryCq",
  summary: "Show the entries of a consume queue",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    queueId: option.required("q", "queue", option.queueNumber, "queue"),
    index: option.required("i", "index", option.long, "first entry"),
    count: option.defaulted("c", "count", option.count, DEFAULT_COUNT, "how many"),
    broker: option.optional("b", "broker", option.address, "this broker, not the topic's first"),
    group: option.optional("g", "consumer", option.groupName, "with what a group's filter says"),
  },
  example: "-n 127.0.0.1:9876 -t Orders -q 0 -i 0",
  async run({ cluster, options, report }) {
    const { count, group, index, queueId, topic } = options;
    const address = options.broker ?? (await cluster.addressesOfTopic(topic))[0];
    if (address === undefined) throw new OperationError(`no broker of '${topic}' has an address`);
    const { body, remark } = await cluster.ask(QUERY_CONSUME_QUEUE, address, {
      topic,
      queueId,
      index,
      count,
      ...(group !== undefined && { consumerGroup: group }),
    });
    if (body.length === 0) throw new OperationError(remark ?? "no such entry");
    const answer = bodyObject(body, address);
    const entries = list(answer["queueData"]).map((item, at) => {
      const entry = asObject(item);
      return {
        index: index + at,
        physicOffset: number(entry["physicOffset"]),
        physicSize: number(entry["physicSize"]),
        tagsCode: number(entry["tagsCode"]),
        extendDataJson: text(entry["extendDataJson"]) || null,
        bitMap: text(entry["bitMap"]) || null,
        eval: entry["eval"] === true,
        msg: text(entry["msg"]) || null,
      };
    });
    const { filterData, subscriptionData } = answer;
    const [max, min] = [number(answer["maxQueueIndex"]), number(answer["minQueueIndex"])];
    if (subscriptionData) {
      report.line(`Subscription data: \n${fastjsonText(subscriptionData)}\n${RULE}`);
    }
    if (filterData) report.line(`Filter data: \n${text(filterData)}\n${RULE}`);
    report.line(`Queue data: \nmax: ${max}, min: ${min}\n${RULE}`);
    for (const { index: at, ...entry } of entries) {
      report.line(
        `idx: ${at}\nConsumeQueueData{physicOffset=${entry.physicOffset}, ` +
          `physicSize=${entry.physicSize}, tagsCode=${entry.tagsCode}, ` +
          `extendDataJson='${entry.extendDataJson}', bitMap='${entry.bitMap}', ` +
          `eval=${entry.eval}, msg='${entry.msg}'}\n${RULE}`,
      );
    }
    report.json({
      topic,
      queueId,
      minIndex: min,
      maxIndex: max,
      filterData: text(filterData) || null,
      subscriptionData: subscriptionData ?? null,
      entries,
    });
  },
});

export const queueCommands = [queryCq];
