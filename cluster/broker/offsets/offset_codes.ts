// Serves consumers' offsets and the bounds of queues (Java: ConsumerManageProcessor, AdminBrokerProcessor).
import { RequestError } from "../../../core/errors.ts";
import {
  GET_EARLIEST_MSG_STORETIME,
  GET_MAX_OFFSET,
  GET_MIN_OFFSET,
  QUERY_CONSUMER_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
  UPDATE_CONSUMER_OFFSET,
} from "../../../core/remoting/codes/offsets.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { GroupTable } from "../groups/group_table.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import type { OffsetSettings, OffsetTable } from "./offset_table.ts";
import { isFirstEntryInMemory } from "./queue_memory.ts";

export interface OffsetCodeParts {
  store: MessageStore;
  topics: TopicTable;
  groups: GroupTable;
  offsets: OffsetTable;
  settings: OffsetSettings & { accessMessageInMemoryMaxRatio: number };
  physicalMemoryBytes: number;
}

export function registerOffsetCodes(registry: HandlerRegistry, parts: OffsetCodeParts): void {
  registerConsumerOffsets(registry, parts);
  registerQueueBounds(registry, parts.store);
}

function registerConsumerOffsets(registry: HandlerRegistry, parts: OffsetCodeParts): void {
  const { topics, groups, offsets, settings } = parts;

  registry.handle(QUERY_CONSUMER_OFFSET, ({ fields }) => {
    const { topic, consumerGroup, queueId, setZeroIfNotFound } = fields;
    const offset = offsets.query(topic, consumerGroup, queueId);
    if (offset >= 0) return { fields: { offset } };
    if (setZeroIfNotFound === false) {
      throw notFound("Not found, do not set to zero, maybe this group boot first");
    }
    if (isFirstEntryInMemory(parts, topic, queueId)) return { fields: { offset: 0 } };
    throw notFound("Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
  });

  registry.handle(UPDATE_CONSUMER_OFFSET, ({ fields }) => {
    const { topic, consumerGroup, queueId, commitOffset } = fields;
    if (!groups.has(consumerGroup)) {
      throw new RequestError(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `Group ${consumerGroup} not exist!`,
      );
    }
    if (!topics.has(topic)) {
      throw new RequestError(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} not exist!`);
    }
    if (settings.useServerSideResetOffset && offsets.hasReset(topic, consumerGroup, queueId)) {
      return { remark: "Offset has been previously reset" };
    }
    offsets.commit(topic, consumerGroup, queueId, commitOffset);
    return {};
  });
}

function registerQueueBounds(registry: HandlerRegistry, store: MessageStore): void {
  registry.handle(GET_MAX_OFFSET, ({ fields }) => ({
    fields: { offset: store.queueBounds(fields.topic, fields.queueId)?.maxOffset ?? 0 },
  }));

  registry.handle(GET_MIN_OFFSET, ({ fields }) => {
    const bounds = store.queueBounds(fields.topic, fields.queueId);
    const isWithoutPast = bounds === null || bounds.maxOffset === 0;
    return {
      remark: "",
      fields: { offset: isWithoutPast ? store.emptyMinOffset(fields.topic) : bounds.minOffset },
    };
  });

  registry.handle(SEARCH_OFFSET_BY_TIMESTAMP, async ({ fields }) => {
    const { topic, queueId, timestamp, boundaryType } = fields;
    const boundary = boundaryType?.toUpperCase() === "UPPER" ? "upper" : "lower";
    return {
      fields: { offset: await store.offsetByTimestamp(topic, queueId, timestamp, boundary) },
    };
  });

  registry.handle(GET_EARLIEST_MSG_STORETIME, async ({ fields }) => ({
    fields: { timestamp: await store.earliestStoreTimestamp(fields.topic, fields.queueId) },
  }));
}

function notFound(remark: string): RequestError {
  return new RequestError(ResponseCode.QUERY_NOT_FOUND, remark);
}
