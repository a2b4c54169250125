// Message traces as Apache's clients write them into the trace topic, one line of fields for each
// event (TraceDataEncoder): encoded and decoded. Pure.

const FIELD_END = "\x01";
const RECORD_END = "\x02";
/** What Java writes for a tag or keys that a message hasn't. */
const ABSENT = "null";

/** Where a message came from and what became of it at its broker. */
export interface PublishTrace {
  kind: "Pub";
  timestampMs: number;
  region: string;
  group: string;
  topic: string;
  messageId: string;
  tags: string | null;
  keys: string | null;
  storeHost: string;
  bodyBytes: number;
  costMs: number;
  /** 0 normal, 1 of a transaction, 2 its end, 3 delayed, 4 ordered (MessageType). */
  messageType: number;
  offsetMessageId: string;
  success: boolean;
  /** Only some clients say it. */
  clientHost?: string;
}

/** A consumer has the message before it. */
export interface ConsumeBeginTrace {
  kind: "SubBefore";
  timestampMs: number;
  region: string;
  group: string;
  /** Joins beginning and end. */
  requestId: string;
  messageId: string;
  retryTimes: number;
  keys: string | null;
}

export interface ConsumeEndTrace {
  kind: "SubAfter";
  requestId: string;
  messageId: string;
  costMs: number;
  success: boolean;
  keys: string | null;
  /** 0 success, 1 too late, 2 exception, 3 nothing returned, 4 failed (ConsumeReturnType). */
  returnType: number;
  timestampMs: number;
  group: string;
}

export interface TransactionEndTrace {
  kind: "EndTransaction";
  timestampMs: number;
  region: string;
  group: string;
  topic: string;
  messageId: string;
  tags: string | null;
  keys: string | null;
  storeHost: string;
  messageType: number;
  transactionId: string | null;
  /** COMMIT_MESSAGE, ROLLBACK_MESSAGE or UNKNOW, as Java spells it. */
  state: string;
  fromCheck: boolean;
}

export interface RecallTrace {
  kind: "Recall";
  timestampMs: number;
  region: string;
  group: string;
  topic: string;
  messageId: string;
  success: boolean;
}

export type TraceRecord =
  | PublishTrace
  | ConsumeBeginTrace
  | ConsumeEndTrace
  | TransactionEndTrace
  | RecallTrace;

export function encodeTrace(record: TraceRecord): string {
  const fields = fieldsOf(record).map((field) => field === null ? ABSENT : String(field));
  return [record.kind, ...fields].join(FIELD_END) + RECORD_END;
}

function fieldsOf(record: TraceRecord): (string | number | boolean | null)[] {
  const { messageId } = record;
  switch (record.kind) {
    case "Pub": {
      const { timestampMs, region, group, topic, tags, keys, storeHost, bodyBytes, costMs } =
        record;
      const { messageType, offsetMessageId, success } = record;
      const sent = [timestampMs, region, group, topic, messageId, tags, keys, storeHost];
      return [...sent, bodyBytes, costMs, messageType, offsetMessageId, success];
    }
    case "SubBefore": {
      const { timestampMs, region, group, requestId, retryTimes, keys } = record;
      return [timestampMs, region, group, requestId, messageId, retryTimes, keys];
    }
    case "SubAfter": {
      const { requestId, costMs, success, keys, returnType, timestampMs, group } = record;
      return [requestId, messageId, costMs, success, keys, returnType, timestampMs, group];
    }
    case "EndTransaction": {
      const { timestampMs, region, group, topic, tags, keys, storeHost, messageType } = record;
      const { transactionId, state, fromCheck } = record;
      const sent = [timestampMs, region, group, topic, messageId, tags, keys, storeHost];
      return [...sent, messageType, transactionId, state, fromCheck];
    }
    case "Recall": {
      const { timestampMs, region, group, topic, success } = record;
      return [timestampMs, region, group, topic, messageId, success];
    }
  }
}

/** The records of a trace message's body; lines of unknown kinds are left out. */
export function decodeTraces(text: string): TraceRecord[] {
  return text.split(RECORD_END).flatMap((line) => {
    const [kind, ...fields] = line.split(FIELD_END);
    const record = decoders[kind as TraceRecord["kind"]]?.(fields);
    return record === undefined ? [] : [record];
  });
}

const text = (field: string | undefined) => field ?? "";
const orNull = (field: string | undefined) =>
  field === undefined || field === ABSENT ? null : field;
const isTrue = (field: string | undefined) => field?.toLowerCase() === "true";

/** What most kinds begin with. */
const messageOfTopic = (f: string[]) => ({
  timestampMs: Number(f[0]),
  region: text(f[1]),
  group: text(f[2]),
  topic: text(f[3]),
  messageId: text(f[4]),
});

const sentMessage = (f: string[]) => ({
  ...messageOfTopic(f),
  tags: orNull(f[5]),
  keys: orNull(f[6]),
  storeHost: text(f[7]),
});

const decoders: Record<TraceRecord["kind"], (fields: string[]) => TraceRecord> = {
  Pub(f) {
    // Clients before 4.4 have no offset id; some tell their host behind the rest.
    const hasOffsetId = f.length >= 13;
    return {
      kind: "Pub",
      ...sentMessage(f),
      bodyBytes: Number(f[8]),
      costMs: Number(f[9]),
      messageType: Number(f[10]),
      offsetMessageId: hasOffsetId ? text(f[11]) : "",
      success: isTrue(hasOffsetId ? f[12] : f[11]),
      ...(f[13] !== undefined && { clientHost: f[13] }),
    };
  },
  SubBefore: (f) => ({
    kind: "SubBefore",
    timestampMs: Number(f[0]),
    region: text(f[1]),
    group: text(f[2]),
    requestId: text(f[3]),
    messageId: text(f[4]),
    retryTimes: Number(f[5]),
    keys: orNull(f[6]),
  }),
  SubAfter: (f) => ({
    kind: "SubAfter",
    requestId: text(f[0]),
    messageId: text(f[1]),
    costMs: Number(f[2]),
    success: isTrue(f[3]),
    keys: orNull(f[4]),
    returnType: Number(f[5] ?? 0),
    timestampMs: Number(f[6] ?? 0),
    group: text(f[7]),
  }),
  EndTransaction: (f) => ({
    kind: "EndTransaction",
    ...sentMessage(f),
    messageType: Number(f[8]),
    transactionId: orNull(f[9]),
    state: text(f[10]),
    fromCheck: isTrue(f[11]),
  }),
  Recall: (f) => ({
    kind: "Recall",
    ...messageOfTopic(f),
    success: isTrue(f[5]),
  }),
};
