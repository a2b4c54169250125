// What the hot send path needs of a topic, worked out once and kept until the topics change: bytes, limits, queues.
// Finds a topic by its bytes in a frame without making a string when it is the one seen last.
import { Buffer } from "node:buffer";
import { javaHash } from "../../../core/bytes/java_hash.ts";
import { sameBytes } from "../../../core/bytes/same_bytes.ts";
import { TAG_KEY_PREFIX } from "../../../core/message/property_names.ts";
import { TOPIC_BYTES_MAX } from "../../../core/limits.ts";
import type { DispatchQueue } from "../../../store/dispatch.ts";
import type { TopicConfig } from "../topics/topic_config.ts";
import { type MovedKind, WAITING_TOPICS } from "./send_kinds.ts";

export interface TopicPlan {
  readonly topic: string;
  readonly bytes: Buffer;
  /** Queue ids below this are taken (the larger of read and write counts, as Apache). */
  readonly queueCount: number;
  readonly writeQueueCount: number;
  /** String.hashCode of "topic#", from which the hash of an index key goes on. */
  readonly keyHashSeed: number;
  /** The same of "topic#T#", for the tags. */
  readonly tagHashSeed: number;
  /** Handles by queue id, made when first used. */
  readonly queues: (DispatchQueue | null)[];
}

/** What the plans are made from. */
export interface TopicPlanSource {
  /** The topic's configuration when plain messages may be sent to it the hot way; null for everything else. */
  sendable(topic: string): TopicConfig | null;
  /** Another object whenever the topics have changed: plans made before may be wrong. */
  revision(): object;
  /** The broker's own permission bits, which decide too. */
  permission(): number;
  queue(topic: string, queueId: number): DispatchQueue;
}

/** Plans kept at once; a broker with more busy topics makes them anew. */
const PLANS_MAX = 10_000;

export class TopicPlans {
  private readonly plans = new Map<string, TopicPlan>();
  private last: TopicPlan | null = null;
  private readonly waitingPlans: (TopicPlan | undefined)[] = [];
  private revision: object | null = null;
  private permission = -1;

  constructor(private readonly source: TopicPlanSource) {}

  /** Forgets the plans when what they were made from has changed. */
  refresh(): void {
    const revision = this.source.revision();
    const permission = this.source.permission();
    if (revision === this.revision && permission === this.permission) return;
    this.revision = revision;
    this.permission = permission;
    this.plans.clear();
    this.last = null;
    this.waitingPlans.length = 0;
  }

  /** The plan of the topic in which messages of a kind wait, though nobody may send to it. */
  waiting(kind: MovedKind): TopicPlan {
    return this.waitingPlans[kind] ??= planOf(WAITING_TOPICS[kind], 1, 1);
  }

  /** The plan of the topic named by `buffer[start…end)`; null when the general path must decide. */
  find(buffer: Buffer, start: number, end: number): TopicPlan | null {
    const last = this.last;
    if (last !== null && sameBytes(last.bytes, buffer, start, end)) return last;
    if (end - start > TOPIC_BYTES_MAX) return null;
    return this.findByName(buffer.toString("latin1", start, end));
  }

  queue(plan: TopicPlan, queueId: number): DispatchQueue {
    return plan.queues[queueId] ??= this.source.queue(plan.topic, queueId);
  }

  private findByName(topic: string): TopicPlan | null {
    const known = this.plans.get(topic);
    if (known !== undefined) return this.last = known;
    const config = this.source.sendable(topic);
    if (config === null) return null;
    if (this.plans.size >= PLANS_MAX) this.plans.clear();
    const queueCount = Math.max(config.writeQueueNums, config.readQueueNums);
    const plan = planOf(topic, queueCount, config.writeQueueNums);
    this.plans.set(topic, plan);
    return this.last = plan;
  }
}

function planOf(topic: string, queueCount: number, writeQueueCount: number): TopicPlan {
  return {
    topic,
    bytes: Buffer.from(topic, "latin1"),
    queueCount,
    writeQueueCount,
    keyHashSeed: javaHash(`${topic}#`),
    tagHashSeed: javaHash(`${topic}#${TAG_KEY_PREFIX}`),
    queues: new Array<DispatchQueue | null>(queueCount).fill(null),
  };
}
