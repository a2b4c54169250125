// Serves the making, changing and deleting of topics; codes and remarks are Apache's (Java: AdminBrokerProcessor).
import { OperationError, RequestError } from "../../../core/errors.ts";
import {
  popRetryTopicV1,
  popRetryTopicV2,
  topicProblem,
} from "../../../core/message/topic_names.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import {
  DELETE_TOPIC_IN_BROKER,
  UPDATE_AND_CREATE_TOPIC,
  UPDATE_AND_CREATE_TOPIC_LIST,
} from "../../../core/remoting/codes/topics.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { JsonFields } from "../json_fields.ts";
import type { OffsetTable } from "../offsets/offset_table.ts";
import type { StatsSink } from "../stats_sink.ts";
import { MESSAGE_TYPE, parseAttributeChange } from "./attributes.ts";
import { newTopicConfig, type TopicConfig, topicConfigFromJson } from "./topic_config.ts";
import type { TopicTable } from "./topic_table.ts";

/** Configuration keys by Apache's names. */
export interface TopicCodeSettings {
  validateSystemTopicWhenUpdateTopic: boolean;
  clearRetryTopicWhenDeleteTopic: boolean;
  enableMixedMessageType: boolean;
}

export interface TopicCodeParts {
  store: Pick<MessageStore, "deleteTopic">;
  topics: TopicTable;
  offsets: OffsetTable;
  stats: StatsSink;
  /** Forgets how many timed messages of a topic wait. */
  timer?: { metrics: { remove(topic: string): void } } | null;
  settings: TopicCodeSettings;
}

/** What RemotingCommand.createResponseCommand leaves in answers whose remark nobody sets. */
const REMARK_NOT_SET = "not set any response code";

export function registerTopicCodes(registry: HandlerRegistry, parts: TopicCodeParts): void {
  const { topics } = parts;

  registry.handle(UPDATE_AND_CREATE_TOPIC, async ({ fields }) => {
    checkName(parts, fields.topic);
    await update(parts, [requestedTopic(fields)]);
    return { remark: REMARK_NOT_SET };
  });

  registry.handle(UPDATE_AND_CREATE_TOPIC_LIST, async ({ body }) => {
    const requested = decodeTopicList(body);
    for (const config of requested) checkName(parts, config.topicName);
    await update(parts, requested);
    return { remark: REMARK_NOT_SET };
  });

  registry.handle(DELETE_TOPIC_IN_BROKER, async ({ fields: { topic } }) => {
    if (topic.trim() === "") throw invalid("The specified topic is blank.");
    checkNotSystem(parts, topic);
    const names = [topic, ...popRetryTopics(parts, topic)];
    for (const name of names) {
      topics.delete(name);
      parts.offsets.removeTopic(name);
      parts.stats.topicDeleted(name);
      parts.timer?.metrics.remove(name);
    }
    // Before the queues go: a start that misses queues of a topic that it knows makes them again from the log.
    await topics.saved();
    for (const name of names) await parts.store.deleteTopic(name);
    return {};
  });
}

/** The retry topics that pop consumers of a topic have made. */
function popRetryTopics(parts: TopicCodeParts, topic: string): string[] {
  if (!parts.settings.clearRetryTopicWhenDeleteTopic) return [];
  const names: string[] = [];
  for (const group of parts.offsets.groupsOf(topic)) {
    names.push(popRetryTopicV2(topic, group), popRetryTopicV1(topic, group));
  }
  return names.filter((name) => parts.topics.has(name));
}

function requestedTopic(fields: RequestFieldsOf<typeof UPDATE_AND_CREATE_TOPIC>): TopicConfig {
  const { topicFilterType } = fields;
  if (topicFilterType !== "SINGLE_TAG" && topicFilterType !== "MULTI_TAG") {
    throw new RequestError(
      ResponseCode.SYSTEM_ERROR,
      `topicFilterType = [${topicFilterType}] value invalid`,
    );
  }
  return newTopicConfig(fields.topic, {
    readQueueNums: fields.readQueueNums,
    writeQueueNums: fields.writeQueueNums,
    topicFilterType,
    perm: fields.perm,
    topicSysFlag: fields.topicSysFlag ?? 0,
    order: fields.order,
    attributes: asRefusal(() => parseAttributeChange(fields.attributes ?? "")),
  });
}

/** Java: CreateTopicListRequestBody. */
function decodeTopicList(body: Uint8Array): TopicConfig[] {
  const list = JsonFields.ofBody(body, "createTopicList").items("topicConfigList");
  return list.map((item) => topicConfigFromJson(item));
}

async function update(parts: TopicCodeParts, requested: readonly TopicConfig[]): Promise<void> {
  const { topics, settings } = parts;
  for (const config of requested) {
    if (!settings.enableMixedMessageType && config.attributes[`+${MESSAGE_TYPE}`] === "MIXED") {
      throw invalid("MIXED message type is not supported.");
    }
  }
  // Apache leaves a list alone as soon as one of its topics is as asked for; here only those are left alone.
  const changed = requested.filter((config) => !topics.isCurrent(config));
  if (changed.length === 0) return;
  try {
    await topics.update(changed);
  } catch (error) {
    throw refusalOf(error);
  }
}

function asRefusal<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw refusalOf(error);
  }
}

/** A refused change answers SYSTEM_ERROR with its text. */
function refusalOf(error: unknown): unknown {
  return error instanceof OperationError
    ? new RequestError(ResponseCode.SYSTEM_ERROR, error.message)
    : error;
}

function checkName(parts: TopicCodeParts, topic: string): void {
  const problem = topicProblem(topic);
  if (problem !== null) throw invalid(problem);
  checkNotSystem(parts, topic);
}

function checkNotSystem(parts: TopicCodeParts, topic: string): void {
  if (parts.settings.validateSystemTopicWhenUpdateTopic && parts.topics.isSystem(topic)) {
    throw invalid(`The topic[${topic}] is conflict with system topic.`);
  }
}

function invalid(remark: string): RequestError {
  return new RequestError(ResponseCode.INVALID_PARAMETER, remark);
}
