// Finds messages by key and time, or by physical offset, and answers with the stored records (Java:
// QueryMessageProcessor, DefaultMessageStore.queryMessage).
import { copyOf } from "../../../core/bytes/copy.ts";
import { Buffer } from "node:buffer";
import { RequestError } from "../../../core/errors.ts";
import { INDEX_TAG_TYPE, TAG_KEY_PREFIX } from "../../../core/message/property_names.ts";
import { isSound } from "../../../core/message/record_check.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import { QUERY_MESSAGE, VIEW_MESSAGE_BY_ID } from "../../../core/remoting/codes/query.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { IndexLookup, RecordView } from "../../../store/message_store.ts";
import { damagedMessage } from "../damaged_message.ts";
import { KeyMatcher } from "./key_match.ts";
import { QUERY_BYTES_MAX } from "./limits.ts";
import type { QueryOptions } from "./open_query.ts";

export function registerMessageQueries(options: QueryOptions): void {
  const { server, store } = options;

  server.handle(QUERY_MESSAGE, async ({ fields }) => {
    const { topic, beginTimestamp, endTimestamp } = fields;
    const key = indexedKey(fields);
    const maxCount = countOf(options, fields);
    const found = await store.queryIndex(topic, key, maxCount, beginTimestamp, endTimestamp);
    if (found.offsets.length === 0) return notFound(0, 0);
    const body = await recordsOf(options, topic, key, found);
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
  return indexType === INDEX_TAG_TYPE && !_UNIQUE_KEY_QUERY ? TAG_KEY_PREFIX + key : key;
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
async function recordsOf(
  { store }: QueryOptions,
  topic: string,
  key: string,
  { disprove, offsets }: IndexLookup,
): Promise<Buffer> {
  const matcher = new KeyMatcher(topic, key);
  const records: Uint8Array[] = [];
  let bytes = 0;
  for (const offset of offsets.toSorted((left, right) => left - right)) {
    const view = await store.read(offset);
    if (view === null) {
      if (offset >= store.minPhysicalOffset) disprove(offset);
      continue;
    }
    if (!isSound(view)) continue;
    const match = matcher.matchOf(view);
    if (match === "none") disprove(offset);
    if (match !== "key") continue;
    if (bytes + view.size > QUERY_BYTES_MAX) break;
    records.push(bytesOf(view));
    bytes += view.size;
  }
  return Buffer.concat(records, bytes);
}

function bytesOf({ buffer, start, size }: RecordView): Uint8Array {
  return copyOf(buffer.subarray(start, start + size));
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
