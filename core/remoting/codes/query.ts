// Looking at single messages and queue entries.
import { optional, required, row, tolerated } from "../code_row.ts";
import { topicFields } from "./common.ts";

export const QUERY_MESSAGE = row({
  code: 12,
  name: "QUERY_MESSAGE",
  doc: "Messages by key or unique key and time (body: records).",
  servedBy: ["broker"],
  request: {
    topic: tolerated("string", "Topic.", ""),
    key: tolerated("string", "Key.", ""),
    maxNum: required("int", "At most so many messages."),
    beginTimestamp: required("long", "From, in ms."),
    endTimestamp: required("long", "To, in ms."),
    indexType: optional("string", "Which kind of key: T for tags, otherwise keys."),
    lastKey: optional("string", "Where the last page ended, in an index in RocksDB."),
    _UNIQUE_KEY_QUERY: optional("boolean", "The key is a UNIQ_KEY.", false),
    ...topicFields,
  },
  response: {
    indexLastUpdateTimestamp: required("long", "Time of the index's last entry, in ms."),
    indexLastUpdatePhyoffset: required("long", "Physical offset of the index's last entry."),
  },
});

export const VIEW_MESSAGE_BY_ID = row({
  code: 33,
  name: "VIEW_MESSAGE_BY_ID",
  doc: "The message at a physical offset (body: one record).",
  servedBy: ["broker"],
  request: {
    topic: optional("string", "Topic."),
    offset: required("long", "Physical offset of the record."),
  },
  response: {},
});

export const QUERY_CONSUME_QUEUE = row({
  code: 321,
  name: "QUERY_CONSUME_QUEUE",
  doc: "A queue's entries (body: QueryConsumeQueueResponseBody).",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    queueId: optional("int", "Queue of the topic.", 0),
    index: optional("long", "First entry.", 0),
    count: optional("int", "At most so many entries.", 0),
    consumerGroup: optional("string", "Consumer group."),
    ...topicFields,
  },
  response: {},
});
