// The options of the clients: types, defaults and checks, one zod entry each. Checked once when a
// client is made, never a message.
import { z } from "zod";
import { COMPRESS_BODY_BYTES_MIN, COMPRESSION_LEVEL } from "../message/compression.ts";
import { groupProblem, topicProblem, TRACE_TOPIC } from "../message/topic_names.ts";
import type { ClientHook as RequestHook } from "../remoting/client.ts";
import { type AllocationStrategy, average } from "./allocation.ts";
import { ClientError } from "./client_error.ts";
import type { ClientHooks } from "./hooks.ts";
import * as limits from "./limits.ts";
import type { MessageQueue } from "./message.ts";
import { withNamespace } from "./namespace.ts";
import type { TransactionCheck } from "./transactions.ts";

const milliseconds = z.number().int().positive().max(24 * 3600_000);
const count = (max: number) => z.number().int().min(1).max(max);
const address = /^\s*(\[[0-9a-fA-F:.%]+\]|[^\s:;,]+):\d{1,5}\s*$/;

const nameServers = z.union([z.string(), z.array(z.string())])
  .transform((given) => (typeof given === "string" ? given.split(/[;,]/) : given))
  .transform((given) => given.map((each) => each.trim()).filter((each) => each !== ""))
  .refine((given) => given.length > 0, "name at least one name server, as host:port")
  .refine(
    (given) => given.every((each) => address.test(each)),
    "each name server is host:port",
  );

const group = z.string().superRefine((name, context) => {
  const problem = groupProblem(name);
  if (problem !== null) context.addIssue({ code: "custom", message: problem });
});

const topic = z.string().superRefine((name, context) => {
  const problem = topicProblem(name);
  if (problem !== null) context.addIssue({ code: "custom", message: problem });
});

const common = {
  /** "host:port;host:port" or a list. Default: the environment's NAMESRV_ADDR. */
  nameServers: nameServers.optional(),
  /**
   * Tells clients of one process apart; part of the client id. Default: one for each client. Two
   * clients of one group may not share one.
   */
  instanceName: z.string().min(1).max(120).regex(/^[^\s@]+$/).optional(),
  /** How often routes are asked for, in ms. */
  routePollMs: milliseconds.default(limits.ROUTE_POLL_MS),
  heartbeatMs: milliseconds.default(limits.HEARTBEAT_MS),
  /** Time-out of calls other than sends and pulls, in ms. */
  requestTimeoutMs: milliseconds.default(limits.REQUEST_TIMEOUT_MS),
  /** Called around sends and consumption; the first one outermost. */
  hooks: z.array(z.custom<ClientHooks>((given) => typeof given === "object" && given !== null))
    .default([]),
  /** See each request before it is sent and its answer; sends then go a slower way. */
  requestHooks: z.array(
    z.custom<RequestHook>((given) => typeof given === "object" && given !== null),
  ).default([]),
  /** Signs every request, for brokers that check who asks. */
  credentials: z.strictObject({
    accessKey: z.string().min(1),
    secretKey: z.string().min(1),
    securityToken: z.string().min(1).optional(),
  }).optional(),
  /** Writes message traces (enableMsgTrace); a text: into this topic. */
  trace: z.union([z.boolean(), topic]).default(false)
    .transform((given) => given === true ? TRACE_TOPIC : given),
  /** Part of the names of all topics and groups: NS%Orders. */
  namespace: z.string().regex(/^[a-zA-Z0-9_-]{1,60}$/, "1 to 60 of A-Z a-z 0-9 _ -").optional(),
  /** Said with every request beside the names (namespaceV2). */
  namespaceV2: z.string().min(1).max(120).optional(),
  /** Of a deployment in units: part of the client id. */
  unitName: z.string().min(1).max(60).regex(/^[^\s@]+$/).optional(),
  unitMode: z.boolean().default(false),
};

const producerSchema = z.strictObject({
  ...common,
  group: group.default("DEFAULT_PRODUCER"),
  /** Time-out of a send with all its attempts, in ms. */
  sendTimeoutMs: milliseconds.default(limits.SEND_TIMEOUT_MS),
  /** Further attempts after the first one failed in a way that another one may mend. */
  sendRetries: z.number().int().min(0).max(100).default(limits.SEND_RETRIES),
  /** Also try another broker when the message was stored, but not as safely as asked. */
  retryWhenNotStoredAsAsked: z.boolean().default(false),
  /** Avoids brokers that were slow or failed for a while (sendLatencyFaultEnable). */
  avoidSlowBrokers: z.boolean().default(false),
  /** With avoidSlowBrokers: asks those that can't be reached until they can (startDetectorEnable). */
  detectBrokers: z.boolean().default(false),
  detectIntervalMs: milliseconds.default(limits.DETECT_INTERVAL_MS),
  /** Sends to the brokers' fast ports, two below the main ones (vipChannelEnabled). */
  vipChannel: z.boolean().default(false),
  /** Messages of one kind that are sent within a few ms travel together. */
  autoBatch: z.union([
    z.boolean(),
    z.strictObject({
      /** A batch leaves when its bodies have so many bytes (batchMaxBytes). */
      batchBytes: count(4 * 1024 * 1024).default(limits.AUTO_BATCH_BYTES),
      /** Or when its first message has waited so long, in ms (batchMaxDelayMs). */
      waitMs: count(30_000).default(limits.AUTO_BATCH_WAIT_MS),
      /** Bytes of all that wait; further messages go by themselves (totalBatchMaxBytes). */
      waitingBytesMax: count(2 ** 31).default(limits.AUTO_BATCH_WAITING_BYTES_MAX),
    }),
  ]).default(false).transform((given) =>
    given === true
      ? {
        batchBytes: limits.AUTO_BATCH_BYTES,
        waitMs: limits.AUTO_BATCH_WAIT_MS,
        waitingBytesMax: limits.AUTO_BATCH_WAITING_BYTES_MAX,
      }
      : given
  ),
  maxMessageBytes: count(16 * 1024 * 1024 - 64 * 1024).default(limits.MESSAGE_BYTES_MAX),
  /** Bodies of so many bytes and more are compressed; false: none. */
  compressFromBytes: z.union([z.literal(false), z.number().int().min(1)])
    .default(COMPRESS_BODY_BYTES_MIN).transform((bytes) => bytes === false ? Infinity : bytes),
  compression: z.enum(["zlib", "lz4", "zstd"]).default("zlib"),
  compressionLevel: z.number().int().min(0).max(22).default(COMPRESSION_LEVEL),
  /** Sends on their way at a time; further ones wait for a place. */
  sendsInFlightMax: count(65_536).default(limits.SENDS_IN_FLIGHT_MAX),
  sendsWaitingMax: z.number().int().min(0).default(limits.SENDS_WAITING_MAX),
  /** Queues of a topic that a broker creates on its first message. */
  autoCreateQueues: count(1024).default(limits.AUTO_CREATE_QUEUES),
  /** Tells brokers how transactions of this group ended; needed for `sendInTransaction`. */
  checkTransaction: z.custom<TransactionCheck>(
    (given) => typeof given === "function",
    "not a function",
  ).optional(),
  /** Topics whose brokers may ask from the start, about what an earlier process left open. */
  transactionTopics: z.array(z.string().min(1)).default([]),
}).refine(
  ({ compression, compressionLevel }) => compression !== "zlib" || compressionLevel <= 9,
  { path: ["compressionLevel"], message: "zlib has the levels 0 to 9" },
);

function isStrategy(given: unknown): boolean {
  return typeof given === "object" && given !== null && "allocate" in given && "name" in given;
}

const expression = z.union([z.string().min(1), z.strictObject({ sql: z.string().min(1) })]);

const consumeFrom = z.union([
  z.enum(["last", "first"]),
  z.date(),
]).default("last");

const consumer = {
  ...common,
  group,
  /** How long a broker holds a pull while there is nothing, in ms. */
  pullHoldMs: milliseconds.default(limits.PULL_HOLD_MS),
  /** Most messages of one pull. */
  pullBatchSize: count(1024).default(limits.PULL_BATCH_SIZE),
};

const pushConsumerSchema = z.strictObject({
  ...consumer,
  /** Topic to expression: "*", tags "a || b", or { sql: "price > 5" }. More by `subscribe`. */
  subscriptions: z.record(z.string(), expression).default({}),
  /** "clustering": each message to one member. "broadcasting": each to all, without retries. */
  model: z.enum(["clustering", "broadcasting"]).default("clustering"),
  /** Where a queue begins that the group has no offset for: its end, its start, or a time. */
  consumeFrom,
  /** How the group's queues are shared out. All members must have the same. Default: AVG. */
  strategy: z.custom<AllocationStrategy>(isStrategy, "not a strategy").default(average),
  /** Listener calls at a time. */
  concurrency: count(10_000).default(limits.CONSUME_CONCURRENCY),
  /** Messages of one call, for listeners with `onMessages`. */
  consumeBatchMax: count(1024).default(1),
  /**
   * Each queue's messages one call after the other, in order; what fails is tried again in place,
   * and the queue rests meanwhile. Queues are locked at their brokers.
   */
  orderly: z.boolean().default(false),
  /** Orderly: false when the listener says "commit" for what counts as consumed. */
  autoCommit: z.boolean().default(true),
  /** Orderly: how long a queue rests before what failed comes again, in ms. */
  suspendMs: z.number().int().min(limits.SUSPEND_MS_MIN).max(limits.SUSPEND_MS_MAX)
    .default(limits.SUSPEND_MS),
  /**
   * Deliveries after the first before a message goes to %DLQ%group. Default: 16; when orderly, there
   * is no end to them.
   */
  maxReconsumeTimes: z.number().int().min(0).max(limits.ORDERLY_RECONSUME_TIMES_MAX).optional(),
  /** A listener that takes longer loses the message to a retry, in ms. */
  consumeTimeoutMs: milliseconds.default(limits.CONSUME_TIMEOUT_MS),
  queueMessagesMax: count(65_535).default(limits.QUEUE_MESSAGES_MAX),
  queueBytesMax: count(2 ** 31).default(limits.QUEUE_BYTES_MAX),
  queueSpanMax: count(65_535).default(limits.QUEUE_SPAN_MAX),
  /** What all queues of this member may hold together, shared out among them; null: no such limit. */
  topicMessagesMax: count(6_553_500).nullable().default(null),
  topicBytesMax: count(2 ** 40).nullable().default(null),
  /** Wait between a pull that found messages and the next one of its queue, in ms. */
  pullIntervalMs: z.number().int().min(0).max(65_535).default(0),
  rebalanceMs: milliseconds.default(limits.REBALANCE_MS),
  offsetCommitMs: milliseconds.default(limits.OFFSET_COMMIT_MS),
  /** How long closing waits for listeners that run, in ms. */
  closeTimeoutMs: z.number().int().min(0).default(limits.CONSUMER_CLOSE_MS),
  /** Offsets of broadcasting consumers are kept below it. Default: ~/.rocketmq_offsets. */
  offsetFolder: z.string().min(1).optional(),
});

const litePullConsumerSchema = z.strictObject({
  ...consumer,
  /** Topic to expression; queues are shared with the group's other members. More by `subscribe`. */
  subscriptions: z.record(z.string(), expression).default({}),
  model: z.enum(["clustering", "broadcasting"]).default("clustering"),
  consumeFrom,
  strategy: z.custom<AllocationStrategy>(isStrategy, "not a strategy").default(average),
  /** How long a broker holds a pull while there is nothing, in ms. */
  pullHoldMs: milliseconds.default(limits.LITE_PULL_HOLD_MS),
  pullBatchSize: count(1024).default(limits.LITE_PULL_BATCH_SIZE),
  /** Whether polls commit what polls before them gave, every autoCommitMs. */
  autoCommit: z.boolean().default(true),
  autoCommitMs: milliseconds.min(limits.AUTO_COMMIT_MS_MIN).default(limits.AUTO_COMMIT_MS),
  /** How long `poll` waits for messages, in ms. */
  pollTimeoutMs: z.number().int().min(0).default(limits.POLL_TIMEOUT_MS),
  /** Messages that wait to be polled: of all queues, of one queue, their bytes, their span. */
  messagesMax: count(6_553_500).default(limits.LITE_MESSAGES_MAX),
  queueMessagesMax: count(65_535).default(limits.QUEUE_MESSAGES_MAX),
  queueBytesMax: count(2 ** 31).default(limits.QUEUE_BYTES_MAX),
  queueSpanMax: count(65_535).default(limits.QUEUE_SPAN_MAX),
  rebalanceMs: milliseconds.default(limits.REBALANCE_MS),
  /** Offsets of broadcasting consumers are kept below it. Default: ~/.rocketmq_offsets. */
  offsetFolder: z.string().min(1).optional(),
});

const pullConsumerSchema = z.strictObject({
  ...consumer,
  model: z.enum(["clustering", "broadcasting"]).default("clustering"),
});

const popConsumerSchema = z.strictObject({
  ...common,
  group,
  /** For how long a popped message is nobody else's, in ms. */
  invisibleMs: milliseconds.min(limits.POP_INVISIBLE_MS_MIN).default(limits.POP_INVISIBLE_MS),
  /** How long a broker holds a pop while there is nothing, in ms. */
  popHoldMs: z.number().int().min(0).default(limits.POP_HOLD_MS),
  /** Most messages of one pop. */
  popBatchSize: count(limits.POP_BATCH_SIZE_MAX).default(limits.POP_BATCH_SIZE_MAX),
  /** Handlers of `consume` at a time. */
  concurrency: count(10_000).default(limits.CONSUME_CONCURRENCY),
  /** When a message whose handler failed comes again, in ms. */
  retryMs: milliseconds.default(limits.POP_RETRY_MS),
  /** Where a new group begins: at the first message, or at the last. */
  from: z.enum(["first", "last"]).default("first"),
}).transform((checked) => ({ ...checked, consumeFrom: checked.from }));

export type ProducerOptions = z.input<typeof producerSchema>;
export type PushConsumerOptions = z.input<typeof pushConsumerSchema>;
export type LitePullConsumerOptions = z.input<typeof litePullConsumerSchema>;
export type PullConsumerOptions = z.input<typeof pullConsumerSchema>;
export type PopConsumerOptions = z.input<typeof popConsumerSchema>;

/** Chooses the queue of a message among those that take messages now. */
export type QueueSelector = (queues: readonly MessageQueue[]) => MessageQueue;

export type CheckedProducerOptions = z.output<typeof producerSchema>;
export type CheckedPushConsumerOptions = z.output<typeof pushConsumerSchema>;
export type CheckedLitePullConsumerOptions = z.output<typeof litePullConsumerSchema>;
export type CheckedPullConsumerOptions = z.output<typeof pullConsumerSchema>;
export type CheckedPopConsumerOptions = z.output<typeof popConsumerSchema>;
export type CommonOptions = Pick<CheckedPullConsumerOptions, keyof typeof common>;

/** These throw ClientError "invalid_options" that lists every problem. */
export function checkProducerOptions(given: ProducerOptions): CheckedProducerOptions {
  return withFullGroup(check(producerSchema, given));
}

export function checkPushConsumerOptions(given: PushConsumerOptions): CheckedPushConsumerOptions {
  return withFullGroup(check(pushConsumerSchema, given));
}

export function checkPullConsumerOptions(given: PullConsumerOptions): CheckedPullConsumerOptions {
  return withFullGroup(check(pullConsumerSchema, given));
}

export function checkPopConsumerOptions(given: PopConsumerOptions): CheckedPopConsumerOptions {
  return withFullGroup(check(popConsumerSchema, given));
}

export function checkLitePullConsumerOptions(
  given: LitePullConsumerOptions,
): CheckedLitePullConsumerOptions {
  return withFullGroup(check(litePullConsumerSchema, given));
}

export function checkNameServers(given: string): string[] {
  return check(z.object({ nameServers }), { nameServers: given }).nameServers;
}

function withFullGroup<T extends { group: string; namespace?: string | undefined }>(checked: T): T {
  return { ...checked, group: withNamespace(checked.namespace, checked.group) };
}

function check<S extends z.ZodType>(schema: S, given: z.input<S>): z.output<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const where = issue.path.join(".");
    return where === "" ? issue.message : `${where}: ${issue.message}`;
  });
  throw new ClientError("invalid_options", problems.join("; "), { cause: result.error });
}
