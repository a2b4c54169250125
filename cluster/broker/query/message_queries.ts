// Finds messages by key and time, or by physical offset, and answers with the stored records (Java:
// QueryMessageProcessor, DefaultMessageStore.queryMessage).
import { Buffer } from "node:buffer";
import { RequestError } from "../../../core/errors.ts";
import { isSound } from "../../../core/message/record_check.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import { QUERY_MESSAGE, VIEW_MESSAGE_BY_ID } from "../../../core/remoting/codes/query.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { RecordView } from "../../../store/message_store.ts";
import { damagedMessage } from "../damaged_message.ts";
import { QUERY_BYTES_MAX } from "./limits.ts";
import type { QueryOptions } from "./open_query.ts";

/** MessageConst.INDEX_TAG_TYPE. */
const TAG_INDEX = "T";

export function registerMessageQueries(options: QueryOptions): void {
  const { server, store } = options;

  server.handle(QUERY_MESSAGE, async ({ fields }) => {
    const { topic, beginTimestamp, endTimestamp } = fields;
    const key = indexedKey(fields);
    const maxCount = countOf(options, fields);
    const found = await store.queryIndex(topic, key, maxCount, beginTimestamp, endTimestamp);
    if (found.offsets.length === 0) return notFound(0, 0);
    const body = await recordsAt(options, found.offsets);
    const { indexLastUpdateTimestampMs, indexLastUpdateOffset } = found;
    if (body.length === 0) return notFound(indexLastUpdateTimestampMs, indexLastUpdateOffset);
    return {
      fields: indexFields(indexLastUpdateTimestampMs, indexLastUpdateOffset),
      body,
    };
  });

  server.handle(VIEW_MESSAGE_BY_ID, async ({ fields: { offset } }) => {
    const view = offset < 0 ? null : await store.read(offset);
    if (view === null) {
      throw new RequestError(
        ResponseCode.SYSTEM_ERROR,
        `can not find message by the offset, ${offset}`,
      );
    }
    if (!isSound(view)) throw damagedMessage(offset);
    return { body: bytesOf(view) };
  });
}

/** Tags stand in the index behind a mark of their own, beside plain and unique keys (Java: IndexService.buildKey). */
function indexedKey(
  { _UNIQUE_KEY_QUERY, indexType, key }: RequestFieldsOf<typeof QUERY_MESSAGE>,
): string {
  return indexType === TAG_INDEX && !_UNIQUE_KEY_QUERY ? `${TAG_INDEX}#${key}` : key;
}

/** A query by unique key has a number of its own; none may have more than maxMsgsNumBatch. */
function countOf(
  { settings }: QueryOptions,
  { maxNum, _UNIQUE_KEY_QUERY }: RequestFieldsOf<typeof QUERY_MESSAGE>,
): number {
  const asked = _UNIQUE_KEY_QUERY ? settings.defaultQueryMaxNum : maxNum;
  return Math.max(0, Math.min(asked, settings.maxMsgsNumBatch));
}

/** The records in the order of the log, as many as an answer may hold; those that are gone or damaged are left out. */
async function recordsAt({ store }: QueryOptions, offsets: readonly number[]): Promise<Buffer> {
  const records: Uint8Array[] = [];
  let bytes = 0;
  for (const offset of offsets.toSorted((left, right) => left - right)) {
    const view = await store.read(offset);
    if (view === null || !isSound(view)) continue;
    if (bytes + view.size > QUERY_BYTES_MAX) break;
    records.push(bytesOf(view));
    bytes += view.size;
  }
  return Buffer.concat(records, bytes);
}

function bytesOf({ buffer, start, size }: RecordView): Uint8Array {
  return new Uint8Array(buffer.subarray(start, start + size));
}

function indexFields(timestampMs: number, physicalOffset: number) {
  return {
    indexLastUpdateTimestamp: timestampMs,
    indexLastUpdatePhyoffset: physicalOffset,
  };
}

function notFound(timestampMs: number, physicalOffset: number) {
  return {
    code: ResponseCode.QUERY_NOT_FOUND,
    remark: "can not find message, maybe time range not correct",
    fields: indexFields(timestampMs, physicalOffset),
  };
}
