// RECALL_MESSAGE: puts the record that takes a timed message back into the slot where the message waits. That a message
// was there is known only when the slot's time comes (Java: RecallMessageProcessor).
import { Buffer } from "node:buffer";
import { encodeProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { decodeRecallHandle, type RecallHandle } from "../../../core/message/recall_handle.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import { RequestError } from "../../../core/errors.ts";
import { RECALL_MESSAGE } from "../../../core/remoting/codes/timer.ts";
import type { HandlerRegistry, HostAddress } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { isStored, type MessageStore, type MessageToStore } from "../../../store/message_store.ts";
import type { PutRules } from "../put_rules.ts";
import type { StatsSink } from "../stats_sink.ts";
import { isWriteable } from "../topics/topic_config.ts";
import type { TopicTable } from "../topics/topic_table.ts";

export interface RecallParts {
  store: Pick<MessageStore, "put">;
  topics: TopicTable;
  rules: PutRules;
  clock: Clock;
  stats: StatsSink;
  /** Live configuration values by Apache's names. */
  settings: {
    readonly brokerName: string;
    readonly regionId: string;
    readonly brokerPermission: number;
    readonly recallMessageEnable: boolean;
    readonly allowRecallWhenBrokerNotWriteable: boolean;
    readonly appendTopicForTimerDeleteKey: boolean;
    readonly timerMaxDelaySec: number;
  };
}

const BODY = Buffer.from("0");
const TAG = "_RECALL_TAG_";
const WHOLE_NUMBER = /^\d{1,15}$/;

export function registerRecall(registry: HandlerRegistry, parts: RecallParts): void {
  registry.handle(RECALL_MESSAGE, async ({ fields }, connection) => {
    const region = { MSG_REGION: parts.settings.regionId };
    try {
      const handle = checkRecall(parts, fields.topic, fields.recallHandle);
      const group = fields.producerGroup ?? "";
      await putRecall(parts, recallMessage(parts, handle, group, connection.remoteHost));
      return { fields: { ...region, msgId: handle.uniqueKey } };
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return { code: error.code, remark: error.remark, fields: region };
    }
  });
}

/** The handle of a recall that is taken. Throws RequestError. */
function checkRecall(parts: RecallParts, topic: string, text: string): RecallHandle {
  const { clock, settings, topics } = parts;
  if (!settings.recallMessageEnable) {
    throw refused(ResponseCode.NO_PERMISSION, "recall failed, operation is forbidden");
  }
  if (!isWriteable(settings.brokerPermission) && !settings.allowRecallWhenBrokerNotWriteable) {
    throw refused(
      ResponseCode.SERVICE_NOT_AVAILABLE,
      "recall failed, broker service not available",
    );
  }
  if (topics.get(topic) === undefined) {
    throw refused(ResponseCode.TOPIC_NOT_EXIST, `recall failed, the topic[${topic}] not exist`);
  }
  const handle = decodeRecallHandle(text);
  if (handle === null) throw illegal("recall handle is invalid");
  if (handle.topic !== topic) throw illegal("recall failed, topic not match");
  if (handle.brokerName !== settings.brokerName) {
    throw illegal("recall failed, broker service not available");
  }
  const leftMs = WHOLE_NUMBER.test(handle.deliverMs)
    ? Number(handle.deliverMs) - clock.nowMs()
    : -1;
  if (leftMs <= 0 || leftMs >= settings.timerMaxDelaySec * 1000) {
    throw illegal("recall failed, timestamp invalid");
  }
  return handle;
}

function recallMessage(
  { clock, settings }: RecallParts,
  { deliverMs, topic, uniqueKey }: RecallHandle,
  producerGroup: string,
  bornHost: HostAddress,
): MessageToStore {
  const nowMs = clock.nowMs();
  const deleteKey = settings.appendTopicForTimerDeleteKey ? `${topic}+${uniqueKey}` : uniqueKey;
  const properties: [string, string][] = [
    [PROPERTY.tags, TAG],
    [PROPERTY.timerDeleteUniqueKey, deleteKey],
    [PROPERTY.uniqueKey, uniqueKey],
    [PROPERTY.timerDeliverMs, deliverMs],
    [PROPERTY.bornTimestamp, String(nowMs)],
    [PROPERTY.producerGroup, producerGroup],
  ];
  return {
    topic,
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: nowMs,
    bornAddress: bornHost.address,
    bornPort: bornHost.port,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: BODY,
    properties: encodeProperties(properties.filter(([, value]) => value !== "")),
    tagsCode: tagsCode(TAG),
    uniqueKey,
    keys: "",
    batchCount: 1,
  };
}

/** Throws RequestError with one text for all causes, as Apache does. */
async function putRecall({ clock, rules, stats, store }: RecallParts, message: MessageToStore) {
  try {
    rules.time(message, clock.nowMs());
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw refused(ResponseCode.SYSTEM_ERROR, "recall failed, execute error");
  }
  const [result] = await store.put([message]);
  const { size, status } = result!;
  if (!isStored(status)) {
    throw refused(ResponseCode.SYSTEM_ERROR, "recall failed, execute error");
  }
  stats.topicPut(message.topic, message.queueId, 1, size);
  stats.brokerPut(message.topic, 1);
}

function illegal(remark: string): RequestError {
  return refused(ResponseCode.ILLEGAL_OPERATION, remark);
}

function refused(code: number, remark: string): RequestError {
  return new RequestError(code, remark);
}
