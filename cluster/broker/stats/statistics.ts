// The statistics that a broker keeps, by the names that VIEW_BROKER_STATS_DATA asks for (Java: BrokerStatsManager).
// Names only; what is counted where is broker_stats.ts.

export const STATISTICS = [
  "TOPIC_PUT_NUMS",
  "TOPIC_PUT_SIZE",
  "GROUP_GET_NUMS",
  "GROUP_GET_SIZE",
  "GROUP_GET_LATENCY",
  "GROUP_ACK_NUMS",
  "GROUP_CK_NUMS",
  "SNDBCK_PUT_NUMS",
  "SNDBCK2DLQ_TIMES",
  "BROKER_PUT_NUMS",
  "BROKER_GET_NUMS",
  "BROKER_ACK_NUMS",
  "BROKER_CK_NUMS",
  "BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC",
  "BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC",
] as const;

/** Kept with enableDetailStat only. */
export const QUEUE_STATISTICS = [
  "QUEUE_PUT_NUMS",
  "QUEUE_PUT_SIZE",
  "QUEUE_GET_NUMS",
  "QUEUE_GET_SIZE",
] as const;

export type Statistic = typeof STATISTICS[number] | typeof QUEUE_STATISTICS[number];

/** Those that idle counters are dropped from (maxStatsIdleTimeInMinutes). */
export const DROPPED_WHEN_IDLE: readonly Statistic[] = [
  "TOPIC_PUT_NUMS",
  "TOPIC_PUT_SIZE",
  "GROUP_GET_NUMS",
  "GROUP_GET_SIZE",
  "SNDBCK_PUT_NUMS",
  "GROUP_GET_LATENCY",
];

/** Where a statistic's key has its topic and its group; negative ones count from the end, as in Array.at. */
export const KEY_LAYOUT: Partial<Record<Statistic, { topic: number; group?: number }>> = {
  TOPIC_PUT_NUMS: { topic: 0 },
  TOPIC_PUT_SIZE: { topic: 0 },
  GROUP_GET_NUMS: { topic: 0, group: -1 },
  GROUP_GET_SIZE: { topic: 0, group: -1 },
  GROUP_GET_LATENCY: { topic: -2, group: -1 },
  GROUP_ACK_NUMS: { topic: 0, group: -1 },
  GROUP_CK_NUMS: { topic: 0, group: -1 },
  SNDBCK_PUT_NUMS: { topic: 0, group: -1 },
  QUEUE_PUT_NUMS: { topic: 0 },
  QUEUE_PUT_SIZE: { topic: 0 },
  QUEUE_GET_NUMS: { topic: 0, group: -1 },
  QUEUE_GET_SIZE: { topic: 0, group: -1 },
};
