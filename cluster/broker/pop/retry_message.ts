// The message that goes to a group's retry topic when it wasn't acknowledged in time: the stored one, once more
// delivered, with the time of its first pop (Java: PopReviveService.reviveRetry). Pure; copies what it takes.
import { copyOf } from "../../../core/bytes/copy.ts";
import { encodeProperties, parseProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import type { HostAddress } from "../../../core/remoting/handler.ts";
import type { MessageToStore, RecordView } from "../../../store/message_store.ts";

export function retryMessageOf(
  view: RecordView,
  group: string,
  popTimeMs: number,
  storeHost: HostAddress,
): Omit<MessageToStore, "topic"> {
  const record = decodeRecord(view.buffer, view.start, view.start + view.size);
  const properties = parseProperties(record.properties);
  if (record.reconsumeTimes === 0 || !properties.has(PROPERTY.firstPopTime)) {
    properties.set(PROPERTY.firstPopTime, String(popTimeMs));
  }
  properties.set(PROPERTY.originGroup, group);
  return {
    queueId: record.queueId,
    flag: record.flag,
    sysFlag: record.sysFlag,
    bornTimestampMs: record.bornTimestampMs,
    bornAddress: storeHost.address,
    bornPort: storeHost.port,
    reconsumeTimes: record.reconsumeTimes + 1,
    preparedTransactionOffset: 0,
    body: copyOf(record.body),
    properties: encodeProperties(properties),
    tagsCode: tagsCode(properties.get(PROPERTY.tags) ?? ""),
    uniqueKey: properties.get(PROPERTY.uniqueKey) ?? "",
    keys: properties.get(PROPERTY.keys) ?? "",
    batchCount: 1,
  };
}
