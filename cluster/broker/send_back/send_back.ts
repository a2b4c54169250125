// Serves CONSUMER_SEND_MSG_BACK: a message that a consumer couldn't process is stored again for its group, delayed more
// with each time, or in the group's dead letter queue (Java: AbstractSendMessageProcessor.consumerSendMsgBack).
import { RequestError } from "../../../core/errors.ts";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { encodeProperties, parseProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { decodeRecord, type MessageRecord } from "../../../core/message/record.ts";
import { isSound } from "../../../core/message/record_check.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import { dlqTopicOf, retryTopicOf } from "../../../core/message/topic_names.ts";
import { type Random, randomBelow } from "../../../core/random.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../../core/remoting/codes/send.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { MessageStore, MessageToStore, PutStatus } from "../../../store/message_store.ts";
import { damagedMessage } from "../damaged_message.ts";
import { FAQ_HINT } from "../faq.ts";
import type { GroupConfig } from "../groups/group_config.ts";
import type { GroupTable } from "../groups/group_table.ts";
import type { PutRules } from "../put_rules.ts";
import type { StatsSink } from "../stats_sink.ts";
import { isWriteable, PERM_READ_WRITE, TOPIC_FLAG_UNIT_SUB } from "../topics/topic_config.ts";
import type { TopicTable } from "../topics/topic_table.ts";

/** Clients from V3_4_9 on send their own limit of deliveries. */
const OWN_MAX_RECONSUME_VERSION = 121;
const DLQ_QUEUE_COUNT = 1;
/** The first retry waits for level 3 (10 s), each further one for the next level. */
const FIRST_RETRY_LEVEL = 3;

/** Configuration keys by Apache's names. */
export interface SendBackSettings {
  brokerIP1: string;
  brokerPermission: number;
}

export interface SendBackParts {
  store: Pick<MessageStore, "read" | "put">;
  topics: TopicTable;
  groups: GroupTable;
  rules: PutRules;
  random: Random;
  clock: Clock;
  stats: StatsSink;
  settings: SendBackSettings;
}

type SendBackFields = RequestFieldsOf<typeof CONSUMER_SEND_MSG_BACK>;

export function registerSendBack(registry: HandlerRegistry, parts: SendBackParts): void {
  registry.handle(CONSUMER_SEND_MSG_BACK, async ({ fields, command }) => {
    const group = checkGroup(parts, fields.group);
    if (group.retryQueueNums <= 0) return {};
    prepareRetryTopic(parts, fields, group);
    await parts.topics.saved();
    const view = await parts.store.read(fields.offset);
    if (view === null) {
      throw new RequestError(
        ResponseCode.SYSTEM_ERROR,
        `look message by offset failed, ${fields.offset}`,
      );
    }
    // Stored again it would have a sum that vouches for the damage. Apache's clients then send the copy that they have.
    if (!isSound(view)) throw damagedMessage(fields.offset);
    // The view is only good for this turn, and everything up to the put happens in it. So a DLQ topic that is made now
    // is saved while its first message is.
    const record = decodeRecord(view.buffer, view.start, view.start + view.size);
    await sendBack(parts, fields, group, command.version, record);
    return {};
  });
}

function checkGroup(parts: SendBackParts, name: string): GroupConfig {
  const { groups, settings } = parts;
  const group = groups.find(name);
  if (group === undefined) {
    throw new RequestError(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group not exist, ${name} ${FAQ_HINT}`,
    );
  }
  if (!isWriteable(settings.brokerPermission)) {
    throw new RequestError(
      ResponseCode.NO_PERMISSION,
      `the broker[${settings.brokerIP1}] sending message is forbidden`,
    );
  }
  return group;
}

/** The retry topic must exist and be writeable, also when the message goes to the dead letters. */
function prepareRetryTopic(
  parts: SendBackParts,
  fields: SendBackFields,
  group: GroupConfig,
): void {
  const topic = retryTopicOf(fields.group);
  const unitFlag = fields.unitMode ? TOPIC_FLAG_UNIT_SUB : 0;
  const config = parts.topics.createForSendBack(
    topic,
    group.retryQueueNums,
    PERM_READ_WRITE,
    unitFlag,
  );
  if (!isWriteable(config.perm)) {
    throw new RequestError(
      ResponseCode.NO_PERMISSION,
      `the topic[${topic}] sending message is forbidden`,
    );
  }
}

async function sendBack(
  parts: SendBackParts,
  fields: SendBackFields,
  group: GroupConfig,
  clientVersion: number,
  record: MessageRecord,
): Promise<void> {
  const own = clientVersion >= OWN_MAX_RECONSUME_VERSION ? fields.maxReconsumeTimes : undefined;
  const isDead = record.reconsumeTimes >= (own ?? group.retryMaxTimes) || fields.delayLevel < 0;
  const level = isDead ? 0 : fields.delayLevel || FIRST_RETRY_LEVEL + record.reconsumeTimes;
  const { message, originTopic } = messageOf(record, level);
  if (isDead) {
    message.topic = dlqTopicOf(fields.group);
    message.queueId = randomBelow(parts.random, DLQ_QUEUE_COUNT);
    parts.topics.createForSendBack(message.topic, DLQ_QUEUE_COUNT, PERM_READ_WRITE, 0);
    parts.stats.sentToDlq(fields.group, fields.originTopic ?? originTopic);
  } else {
    message.topic = retryTopicOf(fields.group);
    message.queueId = randomBelow(parts.random, group.retryQueueNums);
    parts.rules.delay(message, level, parts.clock.nowMs());
  }
  const [result] = await parts.store.put([message]);
  if (result!.status !== "ok") {
    throw new RequestError(ResponseCode.SYSTEM_ERROR, APACHE_STATUS[result!.status]);
  }
  parts.stats.topicPut(message.topic, message.queueId, 1, result!.size);
  parts.stats.sentBack(fields.group, originTopic);
}

/** The message to be stored again, and the topic that it was first sent to. */
function messageOf(
  record: MessageRecord,
  level: number,
): { message: MessageToStore; originTopic: string } {
  const properties = parseProperties(record.properties);
  const originTopic = properties.get(PROPERTY.retryTopic) ?? record.topic;
  properties.set(PROPERTY.retryTopic, originTopic);
  properties.set(PROPERTY.waitStoreOk, "false");
  properties.set(PROPERTY.delayLevel, String(level));
  if (!properties.has(PROPERTY.originMessageId)) {
    properties.set(
      PROPERTY.originMessageId,
      encodeOffsetMessageId(record.storeAddress, record.storePort, record.physicalOffset),
    );
  }
  const message: MessageToStore = {
    topic: record.topic,
    queueId: record.queueId,
    flag: record.flag,
    sysFlag: record.sysFlag,
    bornTimestampMs: record.bornTimestampMs,
    bornAddress: record.bornAddress,
    bornPort: record.bornPort,
    reconsumeTimes: record.reconsumeTimes + 1,
    preparedTransactionOffset: 0,
    body: record.body,
    properties: encodeProperties(properties),
    tagsCode: tagsCode(properties.get(PROPERTY.tags) ?? ""),
    uniqueKey: properties.get(PROPERTY.uniqueKey) ?? "",
    keys: properties.get(PROPERTY.keys) ?? "",
    batchCount: 1,
  };
  return { message, originTopic };
}

/** The name that Apache's answer carries as its remark (Java: PutMessageStatus). */
const APACHE_STATUS: Record<PutStatus, string> = {
  ok: "PUT_OK",
  flush_disk_timeout: "FLUSH_DISK_TIMEOUT",
  message_illegal: "MESSAGE_ILLEGAL",
  properties_too_long: "PROPERTIES_SIZE_EXCEEDED",
  topic_too_long: "MESSAGE_ILLEGAL",
  disk_full: "SERVICE_NOT_AVAILABLE",
  write_failed: "UNKNOWN_ERROR",
  shutting_down: "SERVICE_NOT_AVAILABLE",
  not_writeable: "SERVICE_NOT_AVAILABLE",
};
