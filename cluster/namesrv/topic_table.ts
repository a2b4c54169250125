// Topics by name, each with the share of every broker that has it. Pure: no clock, no socket, no
// file. Never holds a topic that no broker has.
import {
  PERM_READ,
  PERM_WRITE,
  type QueueSettings,
  TOPIC_FLAG_UNIT,
  TOPIC_FLAG_UNIT_SUB,
  type TopicQueueMapping,
} from "./route_model.ts";

/**
 * Distinct settings that are shared; far above what real clusters have, so a flood of odd ones
 * isn't kept.
 */
const SHARED_SETTINGS_MAX = 4096;

interface Topic {
  /** By broker name. */
  readonly queues: Map<string, QueueSettings>;
  /** Static topics only, by broker name. */
  mappings: Map<string, TopicQueueMapping> | null;
}

export class TopicTable {
  private readonly topics = new Map<string, Topic>();
  private readonly revisions = new Map<string, number>();
  private lastRevision = 0;
  private readonly shared = new Map<string, QueueSettings>();

  get size(): number {
    return this.topics.size;
  }

  /**
   * Moves, never to an earlier value, whenever a broker's set of topics changes; 0 when it has none
   * yet.
   */
  revisionOf(brokerName: string): number {
    return this.revisions.get(brokerName) ?? 0;
  }

  has(topic: string, brokerName: string): boolean {
    return this.topics.get(topic)?.queues.has(brokerName) === true;
  }

  names(): string[] {
    return [...this.topics.keys()];
  }

  /** Null when no broker has the topic. */
  queuesOf(topic: string): ReadonlyMap<string, QueueSettings> | null {
    return this.topics.get(topic)?.queues ?? null;
  }

  mappingsOf(topic: string): ReadonlyMap<string, TopicQueueMapping> | null {
    return this.topics.get(topic)?.mappings ?? null;
  }

  set(topic: string, brokerName: string, settings: QueueSettings): void {
    const entry = this.topics.get(topic);
    const known = entry?.queues.get(brokerName);
    if (known !== undefined && equalSettings(known, settings)) return;
    const value = this.share(settings);
    if (entry === undefined) {
      this.topics.set(topic, { queues: new Map([[brokerName, value]]), mappings: null });
    } else {
      entry.queues.set(brokerName, value);
    }
    if (known === undefined) this.moveRevision(brokerName);
  }

  /** Does nothing for a topic that no broker has. */
  setMapping(topic: string, mapping: TopicQueueMapping): void {
    const entry = this.topics.get(topic);
    if (entry === undefined) return;
    entry.mappings ??= new Map();
    entry.mappings.set(mapping.brokerName, mapping);
  }

  delete(topic: string): void {
    const entry = this.topics.get(topic);
    if (entry === undefined) return;
    this.topics.delete(topic);
    for (const brokerName of entry.queues.keys()) this.moveRevision(brokerName);
  }

  deleteFrom(topic: string, brokerNames: Iterable<string>): void {
    const entry = this.topics.get(topic);
    if (entry === undefined) return;
    for (const brokerName of brokerNames) {
      if (entry.queues.delete(brokerName)) this.moveRevision(brokerName);
    }
    if (entry.queues.size === 0) this.topics.delete(topic);
  }

  removeBrokers(brokerNames: ReadonlySet<string>): void {
    if (brokerNames.size === 0) return;
    for (const topic of this.topics.keys()) this.deleteFrom(topic, brokerNames);
    for (const brokerName of brokerNames) this.revisions.delete(brokerName);
  }

  /** Removes the broker from every topic that isn't in `kept`. */
  keepOnly(brokerName: string, kept: ReadonlyMap<string, unknown>): void {
    for (const topic of this.topics.keys()) {
      if (!kept.has(topic)) this.deleteFrom(topic, [brokerName]);
    }
  }

  /** Takes the write permission of all of a broker's topics; returns how many it has. */
  wipeWrite(brokerName: string): number {
    return this.setPerms(brokerName, (perm) => perm & ~PERM_WRITE);
  }

  /**
   * Makes all of a broker's topics readable and writable, whatever they were, as Apache does;
   * returns how many.
   */
  addWrite(brokerName: string): number {
    return this.setPerms(brokerName, () => PERM_READ | PERM_WRITE);
  }

  /** Topics that any of the brokers has. */
  namesOn(brokerNames: ReadonlySet<string>): string[] {
    return this.namesWhere((queues) => {
      for (const brokerName of brokerNames) if (queues.has(brokerName)) return true;
      return false;
    });
  }

  unitTopics(): string[] {
    return this.namesWhere((queues) => (firstFlag(queues) & TOPIC_FLAG_UNIT) !== 0);
  }

  unitSubscribedTopics(): string[] {
    return this.namesWhere((queues) => (firstFlag(queues) & TOPIC_FLAG_UNIT_SUB) !== 0);
  }

  unitSubscribedPlainTopics(): string[] {
    return this.namesWhere((queues) =>
      (firstFlag(queues) & (TOPIC_FLAG_UNIT | TOPIC_FLAG_UNIT_SUB)) === TOPIC_FLAG_UNIT_SUB
    );
  }

  private namesWhere(wanted: (queues: Map<string, QueueSettings>) => boolean): string[] {
    const names: string[] = [];
    for (const [topic, entry] of this.topics) if (wanted(entry.queues)) names.push(topic);
    return names;
  }

  private setPerms(brokerName: string, change: (perm: number) => number): number {
    let count = 0;
    for (const { queues } of this.topics.values()) {
      const settings = queues.get(brokerName);
      if (settings === undefined) continue;
      count++;
      const perm = change(settings.perm);
      if (perm !== settings.perm) queues.set(brokerName, this.share({ ...settings, perm }));
    }
    return count;
  }

  private moveRevision(brokerName: string): void {
    this.revisions.set(brokerName, ++this.lastRevision);
  }

  /**
   * One object for equal settings: ten brokers of ten thousand topics have a handful of distinct
   * ones.
   */
  private share(settings: QueueSettings): QueueSettings {
    const { readQueueCount, writeQueueCount, perm, topicSysFlag } = settings;
    const key = `${readQueueCount},${writeQueueCount},${perm},${topicSysFlag}`;
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const value = { readQueueCount, writeQueueCount, perm, topicSysFlag };
    if (this.shared.size < SHARED_SETTINGS_MAX) this.shared.set(key, value);
    return value;
  }
}

export function equalSettings(one: QueueSettings, other: QueueSettings): boolean {
  return one === other ||
    one.perm === other.perm && one.readQueueCount === other.readQueueCount &&
      one.writeQueueCount === other.writeQueueCount && one.topicSysFlag === other.topicSysFlag;
}

/** Any one broker's flag stands for the topic, as in Apache. */
function firstFlag(queues: Map<string, QueueSettings>): number {
  for (const settings of queues.values()) return settings.topicSysFlag;
  return 0;
}
