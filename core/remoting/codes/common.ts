// Field groups that several request codes share: what Apache's abstract request headers carry, and the headers of
// sending, pulling, creating topics and resetting offsets. Declares no request code.
import { optional, required, strict, tolerated } from "../code_row.ts";
import { ResponseCode } from "../response_codes.ts";

/** What every header of Apache's RpcRequestHeader may carry. */
export const rpcFields = {
  ns: optional("string", "Namespace of the resource names."),
  nsd: optional("boolean", "The names carry their namespace already."),
  bname: optional("string", "Broker that the request is for (static topics, proxy)."),
  oway: optional("boolean", "Sent one-way through a proxy."),
};

/** The same and the logical-queue mark of TopicRequestHeader. */
export const topicFields = {
  lo: optional("boolean", "Logical queue of a static topic: false asks for the physical one."),
  ...rpcFields,
};

/** Sending with one-letter names (310, 320, 325). */
export const sendV2Request = strict({
  a: tolerated("string", "Producer group.", ""),
  b: required("string", "Topic."),
  c: tolerated("string", "Topic whose settings an automatically created one takes.", ""),
  d: tolerated("int", "Queues of an automatically created topic.", 4),
  e: required("int", "Queue of the topic; negative lets the broker choose."),
  f: required("int", "Flags: see MessageSysFlag."),
  g: required("long", "When the client made it, in ms."),
  h: required("int", "The user's flag."),
  i: optional("string", "name \\x01 value \\x02 …"),
  j: optional("int", "Deliveries so far."),
  k: optional("boolean", "Unit mode."),
  l: optional("int", "Deliveries before the DLQ."),
  m: optional("boolean", "The body holds several messages."),
  n: optional("string", "Broker name."),
  ...topicFields,
});

/** Sending with long names (10, 324). */
export const sendRequest = {
  producerGroup: tolerated("string", "Producer group.", ""),
  topic: required("string", "Topic."),
  defaultTopic: tolerated("string", "Topic whose settings an automatically created one takes.", ""),
  defaultTopicQueueNums: tolerated("int", "Queues of an automatically created topic.", 4),
  queueId: required("int", "Queue of the topic; negative lets the broker choose."),
  sysFlag: required("int", "Flags: see MessageSysFlag."),
  bornTimestamp: required("long", "When the client made it, in ms."),
  flag: required("int", "The user's flag."),
  properties: optional("string", "name \\x01 value \\x02 …"),
  reconsumeTimes: optional("int", "Deliveries so far."),
  unitMode: optional("boolean", "Unit mode."),
  batch: optional("boolean", "The body holds several messages."),
  maxReconsumeTimes: optional("int", "Deliveries before the DLQ."),
  ...topicFields,
};

/** What a send answers. */
export const sendResponse = {
  msgId: required("string", "Offset id; a comma list for a batch."),
  queueId: required("int", "Queue that it went to."),
  queueOffset: required("long", "The message's offset in the queue."),
  transactionId: optional("string", "UNIQ_KEY of the transaction."),
  batchUniqId: optional("string", "UNIQ_KEY of a batch that is one record."),
  recallHandle: optional("string", "Handle that takes a timed message back."),
  TRACE_ON: optional("string", "Whether the broker wants traces."),
  MSG_REGION: optional("string", "The broker's region."),
};

/** Pulling (11, 361). */
export const pullRequest = strict({
  consumerGroup: required("string", "Consumer group."),
  topic: required("string", "Topic."),
  queueId: required("int", "Queue of the topic."),
  queueOffset: required("long", "Offset in the queue."),
  maxMsgNums: required("int", "At most so many messages."),
  sysFlag: required("int", "Flags: see PullSysFlag."),
  commitOffset: tolerated("long", "Consumed up to here."),
  suspendTimeoutMillis: tolerated("long", "How long the broker may hold the pull, in ms.", 0),
  subscription: optional("string", "Filter expression."),
  subVersion: tolerated("long", "Version of the subscription, in ms.", 0),
  expressionType: optional("string", "TAG or SQL92."),
  maxMsgBytes: optional("int", "At most so many bytes."),
  requestSource: optional("int", "Who asks: a client or a proxy."),
  proxyFrowardClientId: optional(
    "string",
    "Client that a proxy speaks for (spelled so on the wire).",
  ),
  ...topicFields,
});

/** What a pull answers. */
export const pullResponse = {
  suggestWhichBrokerId: required("long", "Broker id to pull from next."),
  nextBeginOffset: required("long", "Offset to go on with."),
  minOffset: required("long", "Smallest offset."),
  maxOffset: required("long", "Largest offset."),
  offsetDelta: optional("long", "Static topics: what to add to offsets."),
  topicSysFlag: optional("int", "The topic's flags."),
  groupSysFlag: optional("int", "The group's flags."),
  forbiddenType: optional("int", "Why the group may not read."),
};

/** Creating a topic (17, 513). */
export const createTopicRequest = {
  topic: required("string", "Topic."),
  defaultTopic: tolerated("string", "Topic whose settings an automatically created one takes.", ""),
  readQueueNums: required("int", "Queues to read."),
  writeQueueNums: required("int", "Queues to write."),
  perm: required("int", "r=4, w=2, x=1."),
  topicFilterType: required("string", "SINGLE_TAG or MULTI_TAG."),
  topicSysFlag: optional("int", "The topic's flags."),
  order: optional("boolean", "Ordered.", false),
  attributes: optional("string", "Attribute changes: +key=value,-key."),
  force: optional("boolean", "Skip the checks of a static topic.", false),
  ...topicFields,
};

/** Resetting offsets (222, and 220 to the clients). */
export const resetOffsetRequest = {
  group: required("string", "Consumer group.", ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST),
  topic: required("string", "Topic."),
  queueId: optional("int", "Only this queue; -1 for all.", -1),
  offset: optional("long", "The offset to go to; absent: by time."),
  timestamp: optional("long", "The time to go to, in ms; -1 for the end.", 0),
  isForce: optional("boolean", "Also where the offset would move forward.", false),
  ...topicFields,
};

/** Offsets as the clients have them (223, and 221 to the clients). */
export const consumerStatusRequest = {
  topic: required("string", "Topic."),
  group: required("string", "Consumer group."),
  clientAddr: optional("string", "Only this client id."),
  ...topicFields,
};
