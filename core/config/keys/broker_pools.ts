// BrokerConfig, third part: sizes of Apache's thread pools and their queues. None has a counterpart here.
// Declarations only.
import { ignored, int, keysOf, type Machine } from "../key.ts";
import { NO_POOLS } from "./reasons.ts";

const threads = (count: number | ((machine: Machine) => number), work: string, shown?: string) =>
  ignored(int(count, "threads"), NO_POOLS, `Threads for ${work}.`, { defaultText: shown });

const capacity = (count: number, work: string) =>
  ignored(int(count, "requests"), NO_POOLS, `Requests that may wait for ${work}.`);

const upTo4 = (machine: Machine) => Math.min(machine.processors, 4);
const twice = (machine: Machine) => 16 + machine.processors * 2;
const UP_TO_4 = "min(4, processors)";
const TWICE = "16 + 2 × processors";

export const brokerPoolKeys = keysOf("BrokerConfig", {
  sendMessageThreadPoolNums: threads(upTo4, "sends", UP_TO_4),
  putMessageFutureThreadPoolNums: threads(upTo4, "answers to sends", UP_TO_4),
  pullMessageThreadPoolNums: threads(twice, "pulls", TWICE),
  litePullMessageThreadPoolNums: threads(twice, "lite pulls", TWICE),
  ackMessageThreadPoolNums: threads(16, "POP acknowledgements"),
  processReplyMessageThreadPoolNums: threads(twice, "replies", TWICE),
  queryMessageThreadPoolNums: threads(
    (machine) => 8 + machine.processors,
    "queries",
    "8 + processors",
  ),
  adminBrokerThreadPoolNums: threads(16, "admin requests"),
  clientManageThreadPoolNums: threads(32, "client management"),
  consumerManageThreadPoolNums: threads(32, "offsets and consumer lists"),
  loadBalanceProcessorThreadPoolNums: threads(32, "queue assignment"),
  heartbeatThreadPoolNums: threads(
    (machine) => Math.min(32, machine.processors),
    "heartbeats",
    "min(32, processors)",
  ),
  recoverThreadPoolNums: threads(32, "recovering queues"),
  endTransactionThreadPoolNums: threads(
    (machine) => Math.max(8 + machine.processors * 2, upTo4(machine) * 4),
    "ends of transactions",
    "max(8 + 2 × processors, 4 × send threads)",
  ),
  putThreadPoolQueueCapacity: capacity(10_000, "answers to sends"),
  pullThreadPoolQueueCapacity: capacity(100_000, "pulls"),
  litePullThreadPoolQueueCapacity: capacity(100_000, "lite pulls"),
  ackThreadPoolQueueCapacity: capacity(100_000, "POP acknowledgements"),
  replyThreadPoolQueueCapacity: capacity(10_000, "replies"),
  queryThreadPoolQueueCapacity: capacity(20_000, "queries"),
  clientManagerThreadPoolQueueCapacity: capacity(1_000_000, "client management"),
  consumerManagerThreadPoolQueueCapacity: capacity(1_000_000, "offsets and consumer lists"),
  heartbeatThreadPoolQueueCapacity: capacity(50_000, "heartbeats"),
  endTransactionPoolQueueCapacity: capacity(100_000, "ends of transactions"),
  adminBrokerThreadPoolQueueCapacity: capacity(10_000, "admin requests"),
  loadBalanceThreadPoolQueueCapacity: capacity(100_000, "queue assignment"),
});
