// The topics of a broker: looked up on every send and pull, created on demand, saved on every change.
// Registers nothing itself: whoever subscribes with onChange does (Java: TopicConfigManager).
import { parseLenientJson } from "../../../core/json/lenient_reader.ts";
import type { Logger } from "../../../core/log.ts";
import {
  AUTO_CREATE_TOPIC,
  isLmq,
  isSystemTopic,
  systemTopics,
  TRANSACTION_CHECK_MAX_TOPIC,
} from "../../../core/message/topic_names.ts";
import type { Clock } from "../../../core/time/clock.ts";
import {
  type DataVersion,
  firstDataVersion,
  nextDataVersion,
  parseDataVersion,
} from "../data_version.ts";
import { type TableFile, tableText } from "../table_file.ts";
import { TableSaver } from "../table_saver.ts";
import { alterAttributes, TOPIC_ATTRIBUTES } from "./attributes.ts";
import { topicsAtBoot, type TopicsAtBootSettings } from "./boot_topics.ts";
import {
  isInherited,
  newTopicConfig,
  PERM_INHERIT,
  PERM_READ_WRITE,
  sameTopicConfig,
  TOPIC_FLAG_UNIT,
  TOPIC_FLAG_UNIT_SUB,
  type TopicConfig,
  topicConfigFromJson,
  topicConfigToJson,
} from "./topic_config.ts";

export interface TopicTableOptions {
  settings: TopicsAtBootSettings & { enableLmq?: boolean };
  file: TableFile;
  clock: Clock;
  log: Logger;
}

/** Called after topics were created or changed and saved; resolves when the name servers know. */
export type TopicChangeListener = (changed: readonly TopicConfig[]) => Promise<void>;

export class TopicTable {
  private readonly topics = new Map<string, TopicConfig>();
  private readonly systemTopics = new Set<string>(systemTopics());
  private listener: TopicChangeListener = () => Promise.resolve();
  private version: DataVersion;
  private readonly saver: TableSaver;

  /** Loads the file over the topics that exist at boot. Throws DecodeError when it can't be read. */
  constructor(private readonly options: TopicTableOptions) {
    this.version = firstDataVersion(options.clock.nowMs());
    this.saver = new TableSaver(options.file, () => this.encode(), options.log);
    for (const topic of topicsAtBoot(options.settings)) {
      this.topics.set(topic.topicName, topic);
      this.systemTopics.add(topic.topicName);
    }
    const text = options.file.load();
    if (text !== null) this.decode(text);
  }

  /** Who registers changes with the name servers. One listener: the broker's registration. */
  onChange(listener: TopicChangeListener): void {
    this.listener = listener;
  }

  get(topic: string): TopicConfig | undefined {
    const known = this.topics.get(topic);
    if (known !== undefined || !this.options.settings.enableLmq || !isLmq(topic)) return known;
    return newTopicConfig(topic, { readQueueNums: 1, writeQueueNums: 1 });
  }

  /** Light queues count as topics of one queue without being made (Java: LmqTopicConfigManager). */
  has(topic: string): boolean {
    return this.get(topic) !== undefined;
  }

  get size(): number {
    return this.topics.size;
  }

  /** All topics; not to be changed by the caller. */
  all(): ReadonlyMap<string, TopicConfig> {
    return this.topics;
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  isOrder(topic: string): boolean {
    return this.topics.get(topic)?.order ?? false;
  }

  isSystem(topic: string): boolean {
    return this.systemTopics.has(topic) || isSystemTopic(topic);
  }

  /** Every name that counts as the system's, with those of this broker and cluster (code 305). */
  systemTopicNames(): ReadonlySet<string> {
    return this.systemTopics;
  }

  /**
   * The topic for a message that a producer sends, made after `defaultTopic` when it doesn't exist and that one may be
   * inherited from. Saved, and registered or given up on, when it resolves. Null when it can't be made.
   */
  async createForSend(
    topic: string,
    defaultTopic: string,
    remoteAddress: string,
    clientQueueCount: number,
    topicSysFlag: number,
  ): Promise<TopicConfig | null> {
    const existing = this.get(topic);
    if (existing !== undefined) return existing;
    const { log, settings } = this.options;
    const base = this.topics.get(defaultTopic);
    if (base === undefined) {
      log.warn("topic not created: its default topic doesn't exist", {
        topic,
        defaultTopic,
        remoteAddress,
      });
      return null;
    }
    // Java changes the default topic itself here, so that from now on nothing inherits from it.
    if (defaultTopic === AUTO_CREATE_TOPIC && !settings.autoCreateTopicEnable) {
      base.perm = PERM_READ_WRITE;
    }
    if (!isInherited(base.perm)) {
      log.warn("topic not created: its default topic can't be inherited from", {
        topic,
        defaultTopic,
        remoteAddress,
      });
      return null;
    }
    const queueCount = Math.max(0, Math.min(clientQueueCount, base.writeQueueNums));
    const created = newTopicConfig(topic, {
      readQueueNums: queueCount,
      writeQueueNums: queueCount,
      perm: base.perm & ~PERM_INHERIT,
      topicSysFlag,
      topicFilterType: base.topicFilterType,
    });
    log.info("topic created for a producer", { topic, defaultTopic, queueCount, remoteAddress });
    this.put([created]);
    await this.saver.saved();
    await this.listener([created]);
    return created;
  }

  /** The %RETRY% or %DLQ% topic of a group, made when it doesn't exist; saved and registered in the background. */
  createForSendBack(
    topic: string,
    queueCount: number,
    perm: number,
    topicSysFlag: number,
    order = false,
  ): TopicConfig {
    const existing = this.topics.get(topic);
    if (existing !== undefined) {
      if (existing.order === order) return existing;
      const changed = { ...existing, order };
      this.put([changed]);
      return changed;
    }
    return this.createIfAbsent(newTopicConfig(topic, {
      readQueueNums: queueCount,
      writeQueueNums: queueCount,
      perm,
      topicSysFlag,
      order,
    }));
  }

  /** The topic of half messages that were checked too often. */
  createTransCheckMaxTime(queueCount: number, perm: number): TopicConfig {
    return this.createForSendBack(TRANSACTION_CHECK_MAX_TOPIC, queueCount, perm, 0);
  }

  /** Makes the topic unless there is one; registered in the background. */
  createIfAbsent(config: TopicConfig): TopicConfig {
    const existing = this.topics.get(config.topicName);
    if (existing !== undefined) return existing;
    this.options.log.info("topic created", { topic: config.topicName });
    this.put([config]);
    void this.listener([config]);
    return config;
  }

  /** Makes topics that don't exist, with so many queues, and has so many queues of the others read; gives how many. */
  restore(queueCounts: ReadonlyMap<string, number>): number {
    const restored: TopicConfig[] = [];
    for (const [topic, count] of queueCounts) {
      const existing = this.topics.get(topic);
      if (existing === undefined) {
        restored.push(newTopicConfig(topic, { readQueueNums: count, writeQueueNums: count }));
      } else if (existing.readQueueNums < count) {
        restored.push({ ...existing, readQueueNums: count });
      }
    }
    if (restored.length === 0) return 0;
    this.put(restored);
    void this.listener(restored);
    return restored.length;
  }

  /**
   * Creates or changes topics as an administrator asks: their attributes hold changes ("+key", "-key"). All or nothing;
   * throws OperationError with Apache's text. Resolves when registered.
   */
  async update(requested: readonly TopicConfig[]): Promise<void> {
    const updated = requested.map((config) => {
      const current = this.topics.get(config.topicName);
      const attributes = alterAttributes(
        TOPIC_ATTRIBUTES,
        current === undefined,
        current?.attributes ?? {},
        config.attributes,
      );
      return { ...config, attributes };
    });
    this.put(updated, updated.length);
    await this.saver.saved();
    await this.listener(updated);
  }

  /** True when an update to `requested` would change nothing. */
  isCurrent(requested: TopicConfig): boolean {
    const current = this.topics.get(requested.topicName);
    return current !== undefined && sameTopicConfig(current, requested);
  }

  /** Forgets a topic; its queues are the store's business. False when there was none. Not saved yet: see `saved`. */
  delete(topic: string): boolean {
    const existed = this.topics.delete(topic);
    if (existed) this.changed(1);
    return existed;
  }

  /** Marks the unit flags of a topic (Java: updateTopicUnitFlag, updateTopicUnitSubFlag). */
  setUnitFlag(topic: string, flag: typeof TOPIC_FLAG_UNIT | typeof TOPIC_FLAG_UNIT_SUB): void {
    const config = this.topics.get(topic);
    if (config === undefined || (config.topicSysFlag & flag) !== 0) return;
    const changed = { ...config, topicSysFlag: config.topicSysFlag | flag };
    this.put([changed]);
    void this.listener([changed]);
  }

  /** Topics that the name servers keep as ordered become ordered here (Java: updateOrderTopicConfig). */
  markOrdered(topics: Iterable<string>): void {
    let changed = false;
    for (const topic of topics) {
      const config = this.topics.get(topic);
      if (config === undefined || config.order) continue;
      this.topics.set(topic, { ...config, order: true });
      changed = true;
    }
    if (changed) this.changed(1);
  }

  /** Moves the version although no topic changed: what is registered of them did (brokerPermission). */
  renewVersion(): void {
    this.changed(1);
  }

  /** The file's text now. */
  encode(): string {
    const topicConfigTable: Record<string, unknown> = {};
    for (const [name, config] of this.topics) topicConfigTable[name] = topicConfigToJson(config);
    return tableText({ dataVersion: this.version, topicConfigTable });
  }

  /** Resolves when the table as it is now would survive a crash. */
  save(): Promise<void> {
    return this.saver.save();
  }

  /** Resolves when every change so far would survive a crash. */
  saved(): Promise<void> {
    return this.saver.saved();
  }

  private put(configs: readonly TopicConfig[], changes = 1): void {
    for (const config of configs) this.topics.set(config.topicName, config);
    this.changed(changes);
  }

  private changed(changes: number): void {
    for (let change = 0; change < changes; change++) {
      this.version = nextDataVersion(this.version, this.options.clock.nowMs());
    }
    void this.save();
  }

  private decode(text: string): void {
    const root = parseLenientJson(text) as Record<string, unknown>;
    const table = root["topicConfigTable"];
    if (typeof table === "object" && table !== null) {
      for (const [name, value] of Object.entries(table)) {
        this.topics.set(name, topicConfigFromJson(value, name));
      }
    }
    this.version = parseDataVersion(root["dataVersion"]);
  }
}
