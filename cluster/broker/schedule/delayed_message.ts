// A delayed message as it is delivered: the stored record for its real topic and queue, its properties unchanged.
// Apache clears DELAY and the timer properties only after it has taken the text that it stores, so the delivered record
// keeps them (Java: ScheduleMessageService.messageTimeUp; expected/store.json shows it).
import { copyOf } from "../../../core/bytes/copy.ts";
import { parseProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import { isSound } from "../../../core/message/record_check.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import type { MessageToStore, RecordView } from "../../../store/message_store.ts";

const QUEUE_ID = /^\d{1,9}$/;

/** Copies what it takes from the view. Null when it is damaged, or its properties don't say where it was going. */
export function delayedMessageOf(view: RecordView): MessageToStore | null {
  // Stored again it would have a CRC that vouches for the damage.
  if (!isSound(view)) return null;
  const record = decodeRecord(view.buffer, view.start, view.start + view.size);
  const stored = record.properties;
  const properties = parseProperties(stored);
  const topic = properties.get(PROPERTY.realTopic);
  const queueId = properties.get(PROPERTY.realQueueId) ?? "";
  if (topic === undefined || !QUEUE_ID.test(queueId)) return null;
  return {
    topic,
    queueId: Number(queueId),
    flag: record.flag,
    sysFlag: record.sysFlag,
    bornTimestampMs: record.bornTimestampMs,
    bornAddress: copyOf(record.bornAddress),
    bornPort: record.bornPort,
    reconsumeTimes: record.reconsumeTimes,
    preparedTransactionOffset: 0,
    body: copyOf(record.body),
    properties: copyOf(stored),
    tagsCode: tagsCode(properties.get(PROPERTY.tags) ?? ""),
    uniqueKey: properties.get(PROPERTY.uniqueKey) ?? "",
    keys: properties.get(PROPERTY.keys) ?? "",
    batchCount: 1,
  };
}
