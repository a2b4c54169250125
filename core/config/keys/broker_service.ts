// BrokerConfig, second part: topics, groups, sending, pulling, offsets, flow control, statistics.
// Declarations only.
import {
  bool,
  choice,
  ignored,
  important,
  int,
  keysOf,
  live,
  long,
  pattern,
  refused,
  used,
} from "../key.ts";
import {
  ALWAYS_SO,
  APACHE_UNUSED,
  AUTH,
  FILTER,
  IN_TURN,
  NO_COLD_DATA,
  NO_POOLS,
  POP,
} from "./reasons.ts";

const TOPIC = /^[%|a-zA-Z0-9_-]{1,127}$/;

const topicsAndGroups = keysOf("BrokerConfig", {
  autoCreateTopicEnable: important(live(
    bool(true),
    "A send to a topic that doesn't exist creates it from the default topic TBW102.",
  )),
  defaultTopicQueueNums: used(
    int(8, "", { min: 1, max: 65536 }),
    "Most queues that an automatically created topic gets. Read at the start only, as by Apache.",
  ),
  clusterTopicEnable: used(bool(true), "Makes a topic of the cluster's name at start."),
  brokerTopicEnable: used(bool(true), "Makes a topic of the broker's name at start."),
  autoCreateSubscriptionGroup: important(live(
    bool(true),
    "A consumer group that doesn't exist is created by its first heartbeat or pull.",
  )),
  enableCreateSysGroup: used(bool(true), "Creates the system's own consumer groups at start."),
  traceTopicEnable: important(used(
    bool(false),
    "Makes the trace topic at start.",
  )),
  msgTraceTopicName: important(used(
    pattern("RMQ_SYS_TRACE_TOPIC", TOPIC, "1 to 127 letters, digits, or any of % | _ -"),
    "Topic that clients send their message traces to.",
  )),
  storeReplyMessageEnable: live(
    bool(true),
    "Stores replies of request-reply as messages too.",
  ),
  validateSystemTopicWhenUpdateTopic: live(
    bool(true),
    "Refuses to update or delete a system topic.",
  ),
  enableMixedMessageType: live(
    bool(false),
    "Allows topics of the type MIXED, which take messages of all kinds.",
  ),
  clearRetryTopicWhenDeleteTopic: live(
    bool(true),
    "Deleting a topic deletes its POP retry topics too.",
  ),
  useStaticSubscription: ignored(
    bool(false),
    "statically allotted topics aren't implemented yet",
    "Lets a group subscribe only what its configuration lists.",
  ),
  recallMessageEnable: live(bool(false), "Lets producers recall a timed message."),
  allowRecallWhenBrokerNotWriteable: live(
    bool(true),
    "Recalls even while the broker has no write permission.",
  ),
});

const clients = keysOf("BrokerConfig", {
  channelExpiredTimeout: used(
    long(120_000, "ms", { min: 1000 }),
    "Silence after which a client is dropped from its groups.",
  ),
  subscriptionExpiredTimeout: used(
    long(600_000, "ms", { min: 1000 }),
    "How long the subscription of a group without members is remembered.",
  ),
  enableRegisterProducer: ignored(
    bool(true),
    ALWAYS_SO,
    "Keeps track of producers by their heartbeats.",
  ),
  enableFastChannelEventProcess: ignored(
    bool(false),
    ALWAYS_SO,
    "A closed connection is removed from its groups by a direct look-up.",
  ),
  printChannelGroups: ignored(bool(false), ALWAYS_SO, "Logs groups of a connection."),
  printChannelGroupsMinNum: ignored(int(5), ALWAYS_SO, "Groups of a connection worth logging."),
  notifyConsumerIdsChangedEnable: live(
    bool(true),
    "Tells the members of a consumer group when its membership changes.",
  ),
  realTimeNotifyConsumerChange: ignored(
    bool(true),
    ALWAYS_SO,
    "Tells them at once rather than with their next rebalance.",
  ),
  rejectPullConsumerEnable: live(
    bool(false),
    "Refuses consumers that pull by themselves instead of subscribing.",
  ),
  aclEnable: important(refused(
    bool(false),
    {
      when: (on) => on,
      because: AUTH,
      instead: "protect the port by the network, and set it to false",
    },
    "Access control lists of the 4.x kind.",
  )),
});

const sending = keysOf("BrokerConfig", {
  startAcceptSendRequestTimeStamp: live(
    long(0, "ms"),
    "Time since 1970 before which sends are refused.",
  ),
  brokerFastFailureEnable: ignored(
    bool(true),
    IN_TURN,
    "Refuses requests that waited too long instead of serving them late.",
  ),
  waitTimeMillsInSendQueue: ignored(
    long(200, "ms"),
    IN_TURN,
    "How long a send may wait to be stored before it is refused as busy.",
  ),
  waitTimeMillsInPullQueue: ignored(
    long(5000, "ms"),
    IN_TURN,
    "The same for a pull.",
  ),
  waitTimeMillsInLitePullQueue: ignored(
    long(5000, "ms"),
    IN_TURN,
    "The same for a lite pull.",
  ),
  waitTimeMillsInHeartbeatQueue: ignored(
    long(31_000, "ms"),
    IN_TURN,
    "The same for a heartbeat.",
  ),
  waitTimeMillsInTransactionQueue: ignored(
    long(3000, "ms"),
    IN_TURN,
    "The same for the end of a transaction.",
  ),
  waitTimeMillsInAckQueue: ignored(
    long(3000, "ms"),
    IN_TURN,
    "The same for a POP acknowledgement.",
  ),
  waitTimeMillsInAdminBrokerQueue: ignored(
    long(5000, "ms"),
    IN_TURN,
    "The same for an admin request.",
  ),
  sendThreadPoolQueueCapacity: used(
    int(10_000, "requests", { min: 1 }),
    "Sends that may wait for the log at once, under SYNC_FLUSH for the device; more are refused with SYSTEM_BUSY.",
  ),
  asyncSendEnable: ignored(bool(true), NO_POOLS, "Answers sends from another thread."),
  enableNetWorkFlowControl: ignored(
    bool(false),
    "back-pressure is always on, by connection",
    "Stops reading from connections while requests pile up.",
  ),
  traceOn: live(bool(true), "Tells producers (TRACE_ON) that traces are wanted."),
  forwardTimeout: ignored(
    long(3000, "ms"),
    "requests aren't forwarded to another broker yet",
    "How long a forwarded request may take.",
  ),
  highSpeedMode: ignored(bool(false), APACHE_UNUSED, "Meant for a faster way of storing."),
});

const pulling = keysOf("BrokerConfig", {
  longPollingEnable: live(bool(true), "Holds a pull that finds nothing until messages arrive."),
  shortPollingTimeMills: live(
    long(1000, "ms", { min: 1 }),
    "How long such a pull is held when longPollingEnable is off.",
  ),
  transferMsgByHeap: ignored(
    bool(true),
    "messages are always read into a buffer before they are sent",
    "Copies pulled messages instead of sending them from the mapped file.",
  ),
  litePullMessageEnable: live(bool(true), "Serves lite pulls (code 361)."),
  slaveReadEnable: live(
    bool(false),
    "Lets consumers read from a slave when the master is slow or gone.",
  ),
  disableConsumeIfConsumerReadSlowly: ignored(
    bool(false),
    "slow groups aren't disabled, they read from disk without disturbing others",
    "Disables a group that falls too far behind.",
  ),
  consumerFallbehindThreshold: ignored(
    long(17_179_869_184, "bytes"),
    "slow groups aren't disabled, they read from disk without disturbing others",
    "How far is too far.",
  ),
  coldCtrStrategyEnable: ignored(bool(false), NO_COLD_DATA, "Limits reads of old data."),
  usePIDColdCtrStrategy: ignored(bool(true), NO_COLD_DATA, "Adapts that limit to the load."),
  cgColdReadThreshold: ignored(long(3_145_728, "bytes"), NO_COLD_DATA, "Limit for one group."),
  globalColdReadThreshold: ignored(
    long(104_857_600, "bytes"),
    NO_COLD_DATA,
    "Limit for all groups together.",
  ),
  enablePropertyFilter: live(bool(false), "Lets consumers filter by SQL92."),
  filterSupportRetry: used(
    bool(false),
    "Filters a retry topic's messages by the group's filter of the topic that they came from.",
  ),
  enableCalcFilterBitMap: used(
    bool(false),
    "Notes in extended queue units which groups' filters each message passes.",
  ),
  expectConsumerNumUseFilter: used(
    int(32, "", { min: 1 }),
    "Groups that the bit positions in consumerFilter.json are sized for.",
  ),
  maxErrorRateOfBloomFilter: used(
    int(20, "percent", { min: 1, max: 99 }),
    "Errors that those positions are sized for.",
  ),
  filterDataCleanTimeSpan: used(
    long(86_400_000, "ms"),
    "How long the filters of a gone group are kept.",
  ),
  estimateAccumulation: ignored(
    bool(true),
    FILTER,
    "Estimates a group's backlog by sampling what its filter lets through.",
  ),
});

const offsets = keysOf("BrokerConfig", {
  flushConsumerOffsetInterval: used(
    int(5000, "ms", { min: 1 }),
    "Between two writes of consumerOffset.json.",
  ),
  flushConsumerOffsetHistoryInterval: ignored(
    int(60_000, "ms"),
    "no history of offsets is kept, as by Apache 5.4.0",
    "Between two writes of the history of offsets.",
  ),
  consumerOffsetUpdateVersionStep: used(
    long(500, "", { min: 1 }),
    "Commits after which the version of the offsets moves on.",
  ),
  delayOffsetUpdateVersionStep: used(
    long(200, "", { min: 1 }),
    "Deliveries after which the version of the delay offsets moves on.",
  ),
  useServerSideResetOffset: live(
    bool(true),
    "Resetting a group's offsets is done by the broker alone, not by its consumers.",
  ),
  enableBroadcastOffsetStore: used(
    bool(true),
    "Follows the offsets of broadcasting consumers that pull through a proxy.",
  ),
  broadcastOffsetExpireSecond: used(
    long(120, "s", { min: 1 }),
    "How long they are followed after the consumer has gone.",
  ),
  broadcastOffsetExpireMaxSecond: used(
    long(300, "s", { min: 1 }),
    "How long they are followed at most without a commit.",
  ),
});

const assignment = keysOf("BrokerConfig", {
  serverLoadBalancerEnable: used(bool(true), "Assigns queues to consumers that ask."),
  defaultMessageRequestMode: used(
    choice("PULL", ["PULL", "POP"]),
    "How such consumers fetch unless their group says otherwise.",
  ),
  defaultPopShareQueueNum: used(
    int(-1, "", { min: -1 }),
    "Consumers that share a queue under POP; -1 means all.",
  ),
  loadBalancePollNameServerInterval: used(
    long(30_000, "ms", { min: 100 }),
    "Between two fetches of the routes that assignment rests on.",
  ),
  cleanOfflineBrokerInterval: ignored(
    int(30_000, "ms"),
    POP,
    "Between two removals of gone brokers from those routes.",
  ),
});

const transactions = keysOf("BrokerConfig", {
  rejectTransactionMessage: important(live(
    bool(false),
    "Refuses transactional messages.",
  )),
  transactionTimeOut: important(live(
    long(6000, "ms", { min: 0 }),
    "Age at which an undecided message is first asked about.",
  )),
  transactionCheckMax: important(live(
    int(15, "", { min: 0 }),
    "Times that it is asked about before it is given up.",
  )),
  transactionCheckInterval: important(live(
    long(30_000, "ms", { min: 10 }),
    "Between two rounds of asking.",
  )),
  transactionMetricFlushInterval: live(
    long(10_000, "ms", { min: 10 }),
    "Between two writes of the counts of undecided messages.",
  ),
  transactionOpMsgMaxSize: live(
    int(4096, "bytes", { min: 1, max: 1024 * 1024 }),
    "Size of a batch of decisions.",
  ),
  transactionOpBatchInterval: live(
    int(3000, "ms", { min: 0 }),
    "How long a decision may wait for its batch.",
  ),
});

const recovery = keysOf("BrokerConfig", {
  recoverConcurrently: important(ignored(
    bool(false),
    "queues are recovered without threads",
    "Recovers queues with several threads.",
  )),
});

export const brokerServiceKeys = {
  ...topicsAndGroups,
  ...clients,
  ...sending,
  ...pulling,
  ...offsets,
  ...assignment,
  ...transactions,
  ...recovery,
};
