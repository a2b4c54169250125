// Shows a stretch of a queue's entries (Java: AdminBrokerProcessor.queryConsumeQueue).
import { RequestError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json/json_value.ts";
import { writeJson } from "../../../core/json/json_writer.ts";
import { QUERY_CONSUME_QUEUE } from "../../../core/remoting/codes/query.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { QueueCursor } from "../../../store/message_store.ts";
import { subscriptionJson } from "../admin/json_answer.ts";
import { QUEUE_ENTRIES_MAX } from "./limits.ts";
import type { QueryOptions } from "./open_query.ts";

/** A tags code at or below this is the address of an extension unit (Java: ConsumeQueueExt.MAX_ADDR). */
const EXTENSION_ADDRESS_MAX = -2147483649;
/** What Java leaves in answers whose remark nobody sets. */
const REMARK_NOT_SET = "not set any response code";

export function registerQueueEntries({ server, store, consumers }: QueryOptions): void {
  server.handle(QUERY_CONSUME_QUEUE, ({ fields }) => {
    const { topic, queueId, index, count, consumerGroup } = fields;
    const bounds = store.queueBounds(topic, queueId);
    if (bounds === null) {
      throw new RequestError(ResponseCode.SYSTEM_ERROR, `${queueId}@${topic} is not exist!`);
    }
    const isWithin = index >= bounds.minOffset && index < bounds.maxOffset;
    const cursor = isWithin ? store.openCursor(topic, queueId, index) : null;
    if (cursor === null) return { remark: `Index ${index} of ${queueId}@${topic} is not exist!` };
    const subscription = consumerGroup === undefined
      ? undefined
      : consumers.subscription(consumerGroup, topic);
    const body: JsonObject = {
      filterData: filterText(consumerGroup, topic, subscription !== undefined),
      maxQueueIndex: bounds.maxOffset,
      minQueueIndex: bounds.minOffset,
      queueData: entriesFrom(cursor, Math.min(count, QUEUE_ENTRIES_MAX)),
      subscriptionData: subscription && subscriptionJson(subscription),
    };
    return { remark: REMARK_NOT_SET, body: new TextEncoder().encode(writeJson(body)) };
  });
}

/** Filters computed when messages arrive aren't kept, which Java shows as the text "null". */
function filterText(
  group: string | undefined,
  topic: string,
  isOnline: boolean,
): string | undefined {
  if (group === undefined) return undefined;
  return isOnline ? "null" : `${group}@${topic} is not online!`;
}

/** Java: ConsumeQueueData. */
function entriesFrom(cursor: QueueCursor, count: number): JsonObject[] {
  const entries: JsonObject[] = [];
  while (entries.length < count && cursor.next()) {
    const { physicalOffset, size, tagsCode } = cursor;
    const hasExtension = tagsCode <= EXTENSION_ADDRESS_MAX;
    entries.push({
      eval: false,
      msg: hasExtension ? `Cq extend not exist!addr: ${tagsCode}` : undefined,
      physicOffset: physicalOffset,
      physicSize: size,
      tagsCode,
    });
  }
  return entries;
}
