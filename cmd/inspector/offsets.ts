// Moving the offsets of groups: resetOffsetByTime, cloneGroupOffset.
import { compareQueues } from "../../core/client/rebalance.ts";
import { OperationError } from "../../core/errors.ts";
import {
  GET_MAX_OFFSET,
  INVOKE_BROKER_TO_RESET_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
  UPDATE_CONSUMER_OFFSET,
} from "../../core/remoting/codes/offsets.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { bodyObject, number, queueEntries } from "./bodies.ts";
import { type Cluster, Refusal } from "./cluster.ts";
import { defineCommand, type RunContext } from "./command.ts";
import { progressAt, progressOn } from "./consume_stats.ts";
import { front } from "./java_text.ts";
import * as option from "./option.ts";
import type { Layout } from "./report.ts";
import { addressesOf } from "./routes.ts";
import { topicStatusOf } from "./topics.ts";

/** The time that stands for the end of the queues. */
const LATEST_MS = -1;

interface Reset {
  group: string;
  topic: string;
  timestampMs: number;
  /** The time as it was given. */
  timeText: string;
  force: boolean;
}

interface NewOffset {
  brokerName: string;
  queueId: number;
  offset: number;
}

const NEW_OFFSETS: Layout<NewOffset> = {
  titles: ["#brokerName", "#queueId", "#offset"],
  head: "%-40s  %-40s  %-40s",
  row: "%-40s  %-40d  %-40d",
  cells: (row) => [front(row.brokerName, 32), row.queueId, row.offset],
};

/** What both ways print of the request. */
function timeWords({ timeText, timestampMs }: Reset): string {
  return `timestamp(string)[${timeText}], timestamp(long)[${timestampMs}]`;
}

async function offsetAt(
  cluster: Cluster,
  address: string,
  topic: string,
  queueId: number,
  timestampMs: number,
): Promise<number> {
  const answer = timestampMs === LATEST_MS
    ? await cluster.ask(GET_MAX_OFFSET, address, { topic, queueId })
    : await cluster.ask(SEARCH_OFFSET_BY_TIMESTAMP, address, {
      topic,
      queueId,
      timestamp: timestampMs,
    });
  return answer.fields.offset ?? 0;
}

/** One queue of one broker. */
async function resetQueue(
  { cluster, report }: RunContext,
  reset: Reset,
  broker: string,
  queueId: number,
  given: number | undefined,
): Promise<void> {
  const { group, topic, timestampMs } = reset;
  report.line(
    `start reset consumer offset by specified, group[${group}], topic[${topic}], ` +
      `queueId[${queueId}], broker[${broker}], ${timeWords(reset)}`,
  );
  const offset = given ?? await offsetAt(cluster, broker, topic, queueId, timestampMs);
  const fields = { consumerGroup: group, topic, queueId, commitOffset: offset };
  await cluster.ask(UPDATE_CONSUMER_OFFSET, broker, fields);
  await cluster.ask(INVOKE_BROKER_TO_RESET_OFFSET, broker, {
    topic,
    group,
    queueId,
    offset,
    timestamp: 0,
    isForce: true,
  });
  report.line(`reset consumer offset to ${offset}`);
  report.json({ group, topic, queues: [{ address: broker, queueId, offset }] });
}

/** By the brokers, which tell the members; null when they refuse because none is online. */
async function resetOnline(
  cluster: Cluster,
  addresses: readonly string[],
  { force, group, timestampMs, topic }: Reset,
): Promise<NewOffset[] | null> {
  const row = INVOKE_BROKER_TO_RESET_OFFSET;
  const fields = { topic, group, timestamp: timestampMs, isForce: force };
  const offsets: NewOffset[] = [];
  for (const address of addresses) {
    const answer = await cluster.askAny(row, address, fields, { timeoutMs: 15_000 });
    if (answer.code === ResponseCode.CONSUMER_NOT_ONLINE) return null;
    if (answer.code === ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST) {
      await cluster.failMissingGroup(group);
    }
    if (answer.code !== ResponseCode.SUCCESS) {
      throw new Refusal(answer.code, answer.remark ?? "", address, row);
    }
    for (const [queue, offset] of queueEntries(bodyObject(answer.body, address)["offsetTable"])) {
      offsets.push({ ...queue, offset: number(offset) });
    }
  }
  return offsets.sort((one, other) => compareQueues({ topic, ...one }, { topic, ...other }));
}

interface Rollback {
  brokerName: string;
  queueId: number;
  brokerOffset: number;
  consumerOffset: number;
  timestampOffset: number;
  resetOffset: number;
}

const ROLLBACKS: Layout<Rollback> = {
  titles: [
    "#brokerName",
    "#queueId",
    "#brokerOffset",
    "#consumerOffset",
    "#timestampOffset",
    "#resetOffset",
  ],
  head: "%-20s  %-20s  %-20s  %-20s  %-20s  %-20s",
  row: "%-20s  %-20d  %-20d  %-20d  %-20d  %-20d",
  cells: (row) => [
    front(row.brokerName, 32),
    row.queueId,
    row.brokerOffset,
    row.consumerOffset,
    row.timestampOffset,
    row.resetOffset,
  ],
};

/** Writes the offsets of a group that nobody is online of, queue by queue. */
async function resetOffline(
  cluster: Cluster,
  address: string,
  { force, group, timestampMs, topic }: Reset,
): Promise<Rollback[]> {
  const known = (await progressOn(cluster, address, group, undefined)).queues
    .filter((queue) => queue.topic === topic);
  const queues = known.length > 0
    ? known
    : (await topicStatusOf(cluster, address, topic)).queues.map((queue) => ({
      ...queue,
      brokerOffset: queue.maxOffset,
      consumerOffset: queue.minOffset,
    }));
  return await Promise.all(queues.map(async (queue) => {
    const { brokerName, brokerOffset, consumerOffset, queueId } = queue;
    const timestampOffset = await offsetAt(cluster, address, topic, queueId, timestampMs);
    const moves = force || timestampOffset <= consumerOffset;
    const resetOffset = moves ? timestampOffset : consumerOffset;
    if (moves) {
      const fields = { consumerGroup: group, topic, queueId, commitOffset: resetOffset };
      await cluster.ask(UPDATE_CONSUMER_OFFSET, address, fields);
    }
    return {
      brokerName,
      queueId,
      brokerOffset,
      consumerOffset,
      timestampOffset,
      resetOffset,
    };
  }));
}

async function resetTopic(
  { cluster, report }: RunContext,
  reset: Reset,
  addresses: readonly string[],
): Promise<void> {
  const { force, group, topic } = reset;
  const online = await resetOnline(cluster, addresses, reset);
  const words = `[${group}], topic[${topic}], force[${force}], ${timeWords(reset)}`;
  if (online !== null) {
    report.line(`start reset consumer offset by specified, group${words}`);
    report.table(NEW_OFFSETS, online);
    report.json({ group, topic, queues: online.map((each) => ({ ...each })) });
    return;
  }
  const parts = await Promise.all(
    addresses.map((address) => resetOffline(cluster, address, reset)),
  );
  report.line(`reset consumer offset by specified consumerGroup${words}`);
  report.table(ROLLBACKS, parts.flat());
  report.json({ group, topic, queues: parts.flat().map((each) => ({ ...each })) });
}

const resetOffsetByTime = defineCommand({
  name: "resetOffsetByTime",
  summary: "Move a group's offsets to a time; running consumers go on from there",
  options: {
    group: option.required("g", "group", option.groupName, "consumer group"),
    topic: option.required("t", "topic", option.topicName, "topic"),
    timestamp: option.required("s", "timestamp", option.timeOrNow, "the time; -1 for the end"),
    force: option.defaulted("f", "force", option.bool, true, "also where it means going forward"),
    broker: option.optional("b", "broker", option.address, "only a queue of this broker"),
    queue: option.optional("q", "queue", option.queueNumber, "the queue"),
    offset: option.optional("o", "offset", option.long, "this offset instead of a time"),
    cluster: option.optional("c", "cluster", option.clusterName, "cluster whose brokers are asked"),
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -g order_service -t Orders -s 2026-11-21#08:00:00:000",
  async run(context) {
    const { clock, cluster, options } = context;
    const { broker, force, group, queue, timestamp, topic } = options;
    const timestampMs = timestamp.atMs ?? clock.nowMs();
    const reset = { group, topic, timestampMs, timeText: timestamp.text, force };
    if (broker !== undefined && queue !== undefined) {
      return await resetQueue(context, reset, broker, queue, options.offset);
    }
    const addresses = options.cluster === undefined
      ? await cluster.addressesOfTopic(topic)
      : addressesOf(await cluster.brokersOfCluster(options.cluster));
    await resetTopic(context, reset, addresses);
  },
});

const cloneGroupOffset = defineCommand({
  name: "cloneGroupOffset",
  summary: "Give a group the offsets that another one has for a topic",
  options: {
    source: option.required("s", "srcGroup", option.groupName, "group to copy from"),
    target: option.required("d", "destGroup", option.groupName, "group to copy to"),
    topic: option.required("t", "topic", option.topicName, "topic"),
    offline: option.optional("o", "offline", option.text, "ignored, as in Apache's tool"),
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -s order_service -d order_audit -t Orders",
  async run({ cluster, options, report }) {
    const { source, target, topic } = options;
    const { brokers } = await cluster.route(topic);
    const progress = await progressAt(cluster, addressesOf(brokers), source, topic);
    const queues = progress.queues.filter((queue) =>
      queue.topic === topic && queue.consumerOffset >= 0
    );
    if (queues.length === 0) {
      throw new OperationError(`group '${source}' has no offsets of topic '${topic}'`);
    }
    await Promise.all(queues.map(async ({ brokerName, consumerOffset, queueId }) => {
      const broker = brokers.find((each) => each.brokerName === brokerName);
      const [address] = broker === undefined ? [] : addressesOf([broker]);
      if (address === undefined) throw new OperationError(`no route to broker '${brokerName}'`);
      const fields = { consumerGroup: target, topic, queueId, commitOffset: consumerOffset };
      const { code, remark } = await cluster.askAny(UPDATE_CONSUMER_OFFSET, address, fields);
      if (code === ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST) {
        throw new OperationError(
          `group '${target}' doesn't exist on '${brokerName}': make it with updateSubGroup`,
        );
      }
      if (code !== ResponseCode.SUCCESS) {
        throw new Refusal(code, remark ?? "", address, UPDATE_CONSUMER_OFFSET);
      }
    }));
    report.line(
      `clone group offset success. srcGroup[${source}], destGroup=[${target}], topic[${topic}]`,
    );
    report.json({
      srcGroup: source,
      destGroup: target,
      topic,
      queues: queues.map(({ brokerName, consumerOffset, queueId }) => ({
        brokerName,
        queueId,
        offset: consumerOffset,
      })),
    });
  },
});

export const offsetCommands = [resetOffsetByTime, cloneGroupOffset];
