// How far groups are: offsets, lag and rates by queue, of one group or of all (Java: AdminBrokerProcessor).
import { RequestError } from "../../../core/errors.ts";
import { JsonDouble, type JsonObject, type JsonValue } from "../../../core/json/json_value.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import {
  GET_BROKER_CONSUME_STATS,
  GET_CONSUME_STATS,
  QUERY_CONSUME_TIME_SPAN,
} from "../../../core/remoting/codes/groups.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { type AdminParts, TOPIC_LIST_LENGTH_MAX } from "./admin_parts.ts";
import { jsonAnswer, queueJson, queueMap } from "./json_answer.ts";
import { localTimeText } from "./local_time.ts";
import { existingTopic } from "./topic_views.ts";

/** One queue as a group stands in it (Java: OffsetWrapper). */
interface QueueProgress {
  brokerOffset: number;
  consumerOffset: number;
  lastTimestamp: number;
  pullOffset: number;
}

export function registerConsumeStats(parts: AdminParts): void {
  const { server } = parts;

  server.handle(GET_CONSUME_STATS, async ({ fields }) => {
    const group = fields.consumerGroup;
    const queues: [string, number, JsonValue][] = [];
    let consumeTps = 0;
    for (const topic of topicsAskedFor(parts, fields)) {
      const config = parts.topics.get(topic);
      if (config === undefined) continue;
      for (let queueId = 0; queueId < config.readQueueNums; queueId++) {
        queues.push([topic, queueId, { ...await progress(parts, group, topic, queueId) }]);
      }
      consumeTps += parts.statistics.sink.groupGetTps(group, topic);
    }
    return jsonAnswer(consumeStats(parts, consumeTps, queues));
  });

  server.handle(
    GET_BROKER_CONSUME_STATS,
    async ({ fields }) => jsonAnswer(await allConsumeStats(parts, fields.isOrder)),
  );

  server.handle(QUERY_CONSUME_TIME_SPAN, async ({ fields: { topic, group } }) => {
    const { writeQueueNums } = existingTopic(parts, topic);
    const consumeTimeSpanSet: JsonValue[] = [];
    for (let queueId = 0; queueId < writeQueueNums; queueId++) {
      consumeTimeSpanSet.push(await timeSpan(parts, topic, group, queueId));
    }
    return jsonAnswer({ consumeTimeSpanSet });
  });
}

/** Topics that are listed explicitly, or those of the group that it still subscribes to. */
function topicsAskedFor(
  parts: AdminParts,
  { consumerGroup, topic, topicList }: RequestFieldsOf<typeof GET_CONSUME_STATS>,
): string[] {
  const listed = (topicList ?? "").split(";").map((name) => name.trim())
    .filter((name) => name !== "");
  if (listed.length > TOPIC_LIST_LENGTH_MAX) {
    throw new RequestError(
      ResponseCode.INVALID_PARAMETER,
      `topicList has more than ${TOPIC_LIST_LENGTH_MAX} topics`,
    );
  }
  if (listed.length > 0) return [...new Set(listed)];
  const topics = topic === undefined || topic.trim() === ""
    ? [...parts.offsets.topicsOf(consumerGroup)]
    : [topic];
  return topics.filter((name) => stillSubscribes(parts, consumerGroup, name));
}

/** False when the group is connected and subscribes to other topics only. */
export function stillSubscribes(
  { consumers }: Pick<AdminParts, "consumers">,
  group: string,
  topic: string,
): boolean {
  if (consumers.subscription(group, topic) !== undefined) return true;
  return (consumers.group(group)?.subscriptions.size ?? 0) === 0;
}

async function progress(
  { store, offsets }: AdminParts,
  group: string,
  topic: string,
  queueId: number,
): Promise<QueueProgress> {
  const brokerOffset = store.queueBounds(topic, queueId)?.maxOffset ?? 0;
  const consumerOffset = Math.max(0, offsets.query(topic, group, queueId));
  const pulled = offsets.queryPulled(topic, group, queueId);
  const lastTimestamp = consumerOffset === 0
    ? 0
    : await store.storeTimestamp(topic, queueId, consumerOffset - 1);
  return {
    brokerOffset,
    consumerOffset,
    lastTimestamp: Math.max(0, lastTimestamp),
    pullOffset: Math.max(consumerOffset, pulled),
  };
}

/** Java: ConsumeStats. */
function consumeStats(
  { config }: AdminParts,
  consumeTps: number,
  queues: readonly [string, number, JsonValue][],
): JsonObject {
  return {
    consumeTps: new JsonDouble(consumeTps),
    offsetTable: queueMap(config.values.brokerName, queues),
  };
}

/** Java: ConsumeStatsList. What was pulled and not committed counts from 0: Apache sends no pull offsets here. */
async function allConsumeStats(
  parts: AdminParts,
  orderedOnly: boolean | undefined,
): Promise<JsonObject> {
  const consumeStatsList: JsonValue[] = [];
  let totalDiff = 0;
  let totalInflightDiff = 0;
  for (const group of [...parts.groups.all().keys()]) {
    const ofGroup: JsonValue[] = [];
    for (const topic of parts.offsets.topicsOf(group)) {
      const config = parts.topics.get(topic);
      if (config === undefined || (orderedOnly && !config.order)) continue;
      if (!stillSubscribes(parts, group, topic)) continue;
      const queues: [string, number, JsonValue][] = [];
      for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
        const known = await progress(parts, group, topic, queueId);
        queues.push([topic, queueId, { ...known, pullOffset: 0 }]);
        totalDiff += known.brokerOffset - known.consumerOffset;
        totalInflightDiff -= known.consumerOffset;
      }
      const tps = parts.statistics.sink.groupGetTps(group, topic);
      ofGroup.push(consumeStats(parts, tps, queues));
    }
    consumeStatsList.push({ [group]: ofGroup });
  }
  return { brokerAddr: parts.brokerAddress, consumeStatsList, totalDiff, totalInflightDiff };
}

/** Java: QueueTimeSpan. */
async function timeSpan(
  { store, offsets, clock, config }: AdminParts,
  topic: string,
  group: string,
  queueId: number,
): Promise<JsonObject> {
  const maxOffset = store.queueBounds(topic, queueId)?.maxOffset ?? 0;
  const minTimeStamp = await store.earliestStoreTimestamp(topic, queueId);
  const maxTimeStamp = await store.storeTimestamp(topic, queueId, maxOffset - 1);
  const consumerOffset = offsets.query(topic, group, queueId);
  const consumeTimeStamp = consumerOffset > 0
    ? await store.storeTimestamp(topic, queueId, consumerOffset - 1)
    : minTimeStamp;
  // A group without an offset asks for the entry at -1, whose time is -1, as in Apache.
  const delayTime = consumerOffset < maxOffset
    ? clock.nowMs() - await store.storeTimestamp(topic, queueId, consumerOffset)
    : 0;
  return {
    consumeTimeStamp,
    consumeTimeStampStr: localTimeText(consumeTimeStamp),
    delayTime,
    maxTimeStamp,
    maxTimeStampStr: localTimeText(maxTimeStamp),
    messageQueue: queueJson(topic, config.values.brokerName, queueId),
    minTimeStamp,
    minTimeStampStr: localTimeText(minTimeStamp),
  };
}
