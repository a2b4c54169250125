// What the hot paths count and what admin commands read of it: by topic, group and queue, and for the whole broker.
// Counting is a map look-up or two and some additions, once a request; it makes no string once a name is known.
import type { Clock } from "../../../core/time/clock.ts";
import type { StatsSink } from "../stats_sink.ts";
import { CounterTable, KEY_SEPARATOR, type WindowName } from "./counter_table.ts";
import type { Counter } from "./counter.ts";
import {
  DROPPED_WHEN_IDLE,
  KEY_LAYOUT,
  QUEUE_STATISTICS,
  type Statistic,
  STATISTICS,
} from "./statistics.ts";
import { DAY, HOUR, MINUTE, SampleTimes, type WindowFigures } from "./window.ts";

/** Configuration keys by Apache's names. */
export interface StatsSettings {
  brokerClusterName: string;
  /** Counts by queue too. */
  enableDetailStat: boolean;
  autoDeleteUnusedStats: boolean;
  maxStatsIdleTimeInMinutes: number;
}

export interface BrokerStatsParts {
  clock: Clock;
  settings: StatsSettings;
  isSystemTopic: (topic: string) => boolean;
}

/** A statistic's windows, as VIEW_BROKER_STATS_DATA shows them. */
export interface StatisticFigures {
  minute: WindowFigures;
  hour: WindowFigures;
  day: WindowFigures;
}

/** The counters of one topic, or of one group in one topic, found by one or two look-ups. */
interface Traffic {
  messages: Counter;
  bytes: Counter;
  queues: Map<number, QueueTraffic>;
}

interface GroupTraffic extends Traffic {
  /** Of groups that pop. */
  acknowledged: Counter | null;
  checkpoints: Counter | null;
}

interface QueueTraffic {
  messages: Counter;
  bytes: Counter;
  /** Of groups only. */
  latency: Counter | null;
  behindBytes: number;
}

const IDLE_MINUTES_MIN = 30;
/** Below this, Java takes IDLE_MINUTES_MIN. */
const IDLE_MINUTES_TOO_SHORT = 10;
/** What Java writes for the owner of a message that carries none. */
const NO_OWNER = "null";

export class BrokerStats implements StatsSink {
  private readonly tables = new Map<Statistic, CounterTable>();
  private readonly samples: Readonly<Record<WindowName, SampleTimes>> = {
    minute: new SampleTimes(MINUTE),
    hour: new SampleTimes(HOUR),
    day: new SampleTimes(DAY),
  };
  private readonly puts = new Map<string, Traffic>();
  private readonly gets = new Map<string, Map<string, GroupTraffic>>();
  private readonly putsOfBroker: Counter;
  private readonly getsOfBroker: Counter;
  private readonly acksOfBroker: Counter;
  private readonly checkpointsOfBroker: Counter;
  private readonly userPuts: Counter;
  private readonly userGets: Counter;
  private found = 0;
  private missed = 0;
  private latencyMsMax = 0;

  constructor(private readonly parts: BrokerStatsParts) {
    const names: readonly Statistic[] = parts.settings.enableDetailStat
      ? [...STATISTICS, ...QUEUE_STATISTICS]
      : STATISTICS;
    for (const name of names) this.tables.set(name, new CounterTable());
    const cluster = parts.settings.brokerClusterName;
    this.putsOfBroker = this.counter("BROKER_PUT_NUMS", cluster);
    this.getsOfBroker = this.counter("BROKER_GET_NUMS", cluster);
    this.acksOfBroker = this.counter("BROKER_ACK_NUMS", cluster);
    this.checkpointsOfBroker = this.counter("BROKER_CK_NUMS", cluster);
    this.userPuts = this.counter("BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC", cluster);
    this.userGets = this.counter("BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC", cluster);
  }

  topicPut(topic: string, queueId: number, messageCount: number, bytes: number): void {
    const traffic = this.puts.get(topic) ?? this.startPuts(topic);
    traffic.messages.add(messageCount, 1);
    traffic.bytes.add(bytes, 1);
    if (!this.parts.settings.enableDetailStat) return;
    const queue = traffic.queues.get(queueId) ?? this.startQueuePuts(traffic, topic, queueId);
    queue.messages.add(messageCount, 1);
    queue.bytes.add(bytes, 1);
  }

  brokerPut(topic: string, messageCount: number): void {
    this.putsOfBroker.add(messageCount, 0);
    if (!this.parts.isSystemTopic(topic)) this.userPuts.add(messageCount, 0);
  }

  groupGot(
    group: string,
    topic: string,
    queueId: number,
    messageCount: number,
    bytes: number,
  ): void {
    this.found++;
    const traffic = this.trafficOf(group, topic);
    traffic.messages.add(messageCount, 1);
    traffic.bytes.add(bytes, 1);
    if (!this.parts.settings.enableDetailStat) return;
    const queue = this.queueOf(traffic, group, topic, queueId);
    queue.messages.add(messageCount, 1);
    queue.bytes.add(bytes, 1);
  }

  brokerGot(topic: string, messageCount: number): void {
    this.getsOfBroker.add(messageCount, 0);
    if (!this.parts.isSystemTopic(topic)) this.userGets.add(messageCount, 0);
  }

  getMissed(): void {
    this.missed++;
  }

  groupGetLatency(group: string, topic: string, queueId: number, latencyMs: number): void {
    const wholeMs = Math.floor(latencyMs);
    this.latencyMsMax = Math.max(this.latencyMsMax, wholeMs);
    this.queueOf(this.trafficOf(group, topic), group, topic, queueId).latency?.add(wholeMs, 1);
  }

  fellBehind(group: string, topic: string, queueId: number, bytes: number): void {
    this.queueOf(this.trafficOf(group, topic), group, topic, queueId).behindBytes = bytes;
  }

  checkpointed(group: string, topic: string): void {
    const traffic = this.trafficOf(group, topic);
    traffic.checkpoints ??= this.counter("GROUP_CK_NUMS", joined(topic, group));
    traffic.checkpoints.add(1, 1);
    this.checkpointsOfBroker.add(1, 0);
  }

  acknowledged(group: string, topic: string, messageCount: number): void {
    const traffic = this.trafficOf(group, topic);
    traffic.acknowledged ??= this.counter("GROUP_ACK_NUMS", joined(topic, group));
    traffic.acknowledged.add(messageCount, 1);
    this.acksOfBroker.add(messageCount, 0);
  }

  sentBack(group: string, topic: string): void {
    this.counter("SNDBCK_PUT_NUMS", joined(topic, group)).add(1, 1);
  }

  sentToDlq(group: string, topic: string): void {
    this.counter("SNDBCK2DLQ_TIMES", joined(NO_OWNER, topic, group, "SEND_BACK_TO_DLQ")).add(1, 1);
  }

  topicDeleted(topic: string): void {
    if (!this.parts.settings.autoDeleteUnusedStats) return;
    this.forget(topic, "topic");
    this.puts.delete(topic);
    this.gets.delete(topic);
  }

  groupDeleted(group: string): void {
    if (!this.parts.settings.autoDeleteUnusedStats) return;
    this.forget(group, "group");
    for (const groups of this.gets.values()) groups.delete(group);
  }

  /** A statistic's windows for a key ("T", "T@G" …); null when there is no such statistic or key. */
  figures(statistic: string, key: string): StatisticFigures | null {
    const counter = this.tables.get(statistic as Statistic)?.get(key);
    if (counter === undefined) return null;
    const { minute, hour, day } = this.samples;
    return {
      minute: counter.minute.figures(minute),
      hour: counter.hour.figures(hour),
      day: counter.day.figures(day),
    };
  }

  /** Messages a second that a topic took in, over the last minute. */
  topicPutTps(topic: string): number {
    return this.puts.get(topic)?.messages.minute.figures(this.samples.minute).tps ?? 0;
  }

  /** Messages a second that a group got of a topic, over the last minute. */
  groupGetTps(group: string, topic: string): number {
    const messages = this.gets.get(topic)?.get(group)?.messages;
    return messages?.minute.figures(this.samples.minute).tps ?? 0;
  }

  /** How far behind the log's end a group last read a queue, in bytes; 0 when it never did. */
  behindBytes(group: string, topic: string, queueId: number): number {
    return this.gets.get(topic)?.get(group)?.queues.get(queueId)?.behindBytes ?? 0;
  }

  /** Totals since the start, without system topics where it says so. */
  totals(): BrokerTotals {
    return {
      userPutMessages: this.userPuts.value,
      userGetMessages: this.userGets.value,
      getFoundRequests: this.found,
      getMissedRequests: this.missed,
      gotMessages: this.getsOfBroker.value,
      getLatencyMsMax: this.latencyMsMax,
    };
  }

  /** Takes a sample of every counter for one window; the background task's. */
  sample(window: WindowName): void {
    const samples = this.samples[window];
    samples.begin(this.parts.clock.nowMs());
    for (const table of this.tables.values()) table.sample(window, samples);
  }

  /** Drops counters that nothing was added to for long, when maxStatsIdleTimeInMinutes asks for it. */
  forgetIdle(): void {
    const minutes = this.parts.settings.maxStatsIdleTimeInMinutes;
    if (minutes < 0) return;
    const idleMs = (minutes <= IDLE_MINUTES_TOO_SHORT ? IDLE_MINUTES_MIN : minutes) * 60_000;
    const nowMs = this.parts.clock.nowMs();
    let dropped = 0;
    for (const name of DROPPED_WHEN_IDLE) {
      dropped += this.tables.get(name)!.forgetIdle(nowMs, idleMs);
    }
    if (dropped === 0) return;
    // The short ways to the dropped counters go too; those still in use are found again in the tables.
    this.puts.clear();
    this.gets.clear();
  }

  private counter(statistic: Statistic, key: string): Counter {
    const table = this.tables.get(statistic) ?? new CounterTable();
    return table.ensure(key, this.parts.clock.nowMs());
  }

  private startPuts(topic: string): Traffic {
    const traffic: Traffic = {
      messages: this.counter("TOPIC_PUT_NUMS", topic),
      bytes: this.counter("TOPIC_PUT_SIZE", topic),
      queues: new Map(),
    };
    this.puts.set(topic, traffic);
    return traffic;
  }

  private startQueuePuts(traffic: Traffic, topic: string, queueId: number): QueueTraffic {
    const key = joined(topic, queueId);
    const queue: QueueTraffic = {
      messages: this.counter("QUEUE_PUT_NUMS", key),
      bytes: this.counter("QUEUE_PUT_SIZE", key),
      latency: null,
      behindBytes: 0,
    };
    traffic.queues.set(queueId, queue);
    return queue;
  }

  private trafficOf(group: string, topic: string): GroupTraffic {
    return this.gets.get(topic)?.get(group) ?? this.startGets(group, topic);
  }

  private startGets(group: string, topic: string): GroupTraffic {
    const key = joined(topic, group);
    const traffic: GroupTraffic = {
      messages: this.counter("GROUP_GET_NUMS", key),
      bytes: this.counter("GROUP_GET_SIZE", key),
      queues: new Map(),
      acknowledged: null,
      checkpoints: null,
    };
    const groups = this.gets.get(topic) ?? new Map<string, GroupTraffic>();
    this.gets.set(topic, groups.set(group, traffic));
    return traffic;
  }

  private queueOf(traffic: Traffic, group: string, topic: string, queueId: number): QueueTraffic {
    return traffic.queues.get(queueId) ?? this.startQueueGets(traffic, group, topic, queueId);
  }

  private startQueueGets(
    traffic: Traffic,
    group: string,
    topic: string,
    queueId: number,
  ): QueueTraffic {
    const key = joined(topic, queueId, group);
    const latencyKey = this.parts.settings.enableDetailStat
      ? joined(queueId, topic, group)
      : joined(topic, group);
    const queue: QueueTraffic = {
      messages: this.counter("QUEUE_GET_NUMS", key),
      bytes: this.counter("QUEUE_GET_SIZE", key),
      latency: this.counter("GROUP_GET_LATENCY", latencyKey),
      behindBytes: 0,
    };
    traffic.queues.set(queueId, queue);
    return queue;
  }

  /** What went to the DLQ stays on the record, as Apache leaves it. */
  private forget(name: string, kind: "topic" | "group"): void {
    for (const [statistic, table] of this.tables) {
      const position = KEY_LAYOUT[statistic]?.[kind];
      if (position !== undefined) table.forget(name, position);
    }
  }
}

export interface BrokerTotals {
  userPutMessages: number;
  userGetMessages: number;
  getFoundRequests: number;
  getMissedRequests: number;
  gotMessages: number;
  getLatencyMsMax: number;
}

function joined(...parts: (string | number)[]): string {
  return parts.join(KEY_SEPARATOR);
}
