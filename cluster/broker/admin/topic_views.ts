// Shows topics: all, one, the system's, and one topic's queues with their offsets and times (Java: AdminBrokerProcessor).
import { RequestError } from "../../../core/errors.ts";
import { JsonDouble, type JsonObject, type JsonValue } from "../../../core/json/json_value.ts";
import {
  GET_ALL_TOPIC_CONFIG,
  GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
  GET_TOPIC_CONFIG,
  GET_TOPIC_STATS_INFO,
} from "../../../core/remoting/codes/topics.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { type TopicConfig, topicConfigToJson } from "../topics/topic_config.ts";
import { pageOf } from "../table_pages.ts";
import type { AdminParts } from "./admin_parts.ts";
import { jsonAnswer, queueMap } from "./json_answer.ts";

export function registerTopicViews(parts: AdminParts): void {
  const { server, topics, clock, config } = parts;
  // Static topics aren't served, so that their table never changes.
  const mappingDataVersion = { counter: 0, stateVersion: 0, timestamp: clock.nowMs() };

  server.handle(GET_ALL_TOPIC_CONFIG, ({ fields }) => {
    const { dataVersion, maxTopicNum: countMax, topicSeq: first } = fields;
    const names = [...topics.all()].map(([name]) => name);
    const page = pageOf(names, topics.dataVersion, { dataVersion, first, countMax }, config.values);
    const topicConfigTable = Object.fromEntries(
      page.map((name) => [name, configJson(topics.get(name)!)]),
    );
    return {
      fields: { totalTopicNum: topics.size },
      ...jsonAnswer({
        dataVersion: { ...topics.dataVersion },
        mappingDataVersion,
        topicConfigTable,
        topicQueueMappingDetailMap: {},
        topicQueueMappingInfoMap: {},
      }),
    };
  });

  server.handle(GET_TOPIC_CONFIG, ({ fields: { topic } }) => {
    const config = topics.get(topic);
    if (config !== undefined) return jsonAnswer(configJson(config));
    throw new RequestError(
      ResponseCode.TOPIC_NOT_EXIST,
      `No topic in this broker. topic: ${topic}`,
    );
  });

  server.handle(
    GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
    () => jsonAnswer({ topicList: [...topics.systemTopicNames()] }),
  );

  server.handle(
    GET_TOPIC_STATS_INFO,
    async ({ fields }) => jsonAnswer(await topicStats(parts, fields.topic)),
  );
}

/** The topic, or Apache's refusal. */
export function existingTopic({ topics }: Pick<AdminParts, "topics">, topic: string): TopicConfig {
  const config = topics.get(topic);
  if (config !== undefined) return config;
  throw new RequestError(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
}

function configJson(config: TopicConfig): JsonObject {
  return topicConfigToJson(config) as JsonObject;
}

/** Java: TopicStatsTable. */
async function topicStats(parts: AdminParts, topic: string): Promise<JsonObject> {
  const { store, statistics, config } = parts;
  const { readQueueNums, writeQueueNums } = existingTopic(parts, topic);
  const queues: [string, number, JsonValue][] = [];
  for (let queueId = 0; queueId < Math.max(readQueueNums, writeQueueNums); queueId++) {
    const { minOffset, maxOffset } = store.queueBounds(topic, queueId) ??
      { minOffset: 0, maxOffset: 0 };
    const lastUpdateTimestamp = maxOffset > 0
      ? await store.storeTimestamp(topic, queueId, maxOffset - 1)
      : 0;
    queues.push([topic, queueId, { lastUpdateTimestamp, maxOffset, minOffset }]);
  }
  return {
    offsetTable: queueMap(config.values.brokerName, queues),
    topicPutTps: new JsonDouble(statistics.sink.topicPutTps(topic)),
  };
}
