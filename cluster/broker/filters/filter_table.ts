// The filters that connected groups have announced, by topic and group, as Apache keeps them in consumerFilter.json: a
// group that goes leaves its filters behind for a day. Knows no pulls (Java: ConsumerFilterManager).
import { DecodeError } from "../../../core/errors.ts";
import type { MessageFilter } from "../../../core/filter/compile_filter.ts";
import type { Logger } from "../../../core/log.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { isTagType, type Subscription } from "../clients/subscription.ts";
import type { TableFile } from "../table_file.ts";
import { TableSaver } from "../table_saver.ts";
import { bloomPositionOf, type BloomSettings, sameBloomPosition } from "./bloom_position.ts";
import type { Expressions } from "./expressions.ts";
import { decodeFilters, encodeFilters, type GroupFilter } from "./filter_file.ts";

/** Configuration keys by Apache's names. */
export interface FilterSettings extends BloomSettings {
  /** Off: groups' filters are neither loaded, kept nor saved. */
  enablePropertyFilter: boolean;
  /** How long the filters of a gone group are kept. */
  filterDataCleanTimeSpan: number;
}

export interface FilterTableOptions {
  settings: FilterSettings;
  file: TableFile;
  expressions: Expressions;
  clock: Clock;
  log: Logger;
}

/** Between two saves of a table that changes. */
export const FILTER_SAVE_INTERVAL_MS = 10_000;
/** Filters that were alive when the file was saved count as having died so long before it is loaded. */
const DEAD_BEFORE_LOAD_MS = 30_000;

const NO_FILTERS: readonly GroupFilter[] = [];

export class FilterTable {
  /** Topic → group → its filter. */
  private topics = new Map<string, Map<string, GroupFilter>>();
  private readonly saver: TableSaver;
  private isChanged = false;
  private isLoaded = false;

  /** Throws DecodeError when the file can't be read. */
  constructor(private readonly options: FilterTableOptions) {
    this.saver = new TableSaver(options.file, () => encodeFilters(this.topics), options.log);
    if (options.settings.enablePropertyFilter) this.loadFile();
  }

  /** The filter of a group in a topic, whether the group is there or gone. */
  get(topic: string, group: string): GroupFilter | undefined {
    return this.topics.get(topic)?.get(group);
  }

  /** The filters of all groups in a topic. */
  ofTopic(topic: string): readonly GroupFilter[] {
    const groups = this.topics.get(topic);
    return groups === undefined ? NO_FILTERS : [...groups.values()];
  }

  /** What a group subscribes to now. Filters in topics that it has left are dead from here on. */
  register(group: string, subscriptions: readonly Subscription[]): void {
    if (!this.options.settings.enablePropertyFilter) return;
    if (!this.isLoaded) this.loadLate();
    const topics = new Set<string>();
    for (const subscription of subscriptions) {
      topics.add(subscription.topic);
      if (isTagType(subscription.expressionType) || subscription.subString === "") continue;
      this.registerOne(group, subscription);
    }
    for (const [topic, groups] of this.topics) {
      const filter = groups.get(group);
      if (filter !== undefined && !topics.has(topic)) this.bury(filter);
    }
  }

  /** The group's last member is gone. */
  unregister(group: string): void {
    for (const groups of this.topics.values()) {
      const filter = groups.get(group);
      if (filter !== undefined) this.bury(filter);
    }
  }

  /** Forgets filters that died too long ago and saves the table when it changed. */
  async saveWhenChanged(): Promise<void> {
    this.clean();
    if (!this.isChanged) return;
    this.isChanged = false;
    await this.saver.save();
  }

  private registerOne(group: string, subscription: Subscription): void {
    const { topic, subString, expressionType, subVersion } = subscription;
    const old = this.get(topic, group);
    if (old === undefined) return this.put(group, subscription);
    if (subVersion < old.clientVersion) return;
    if (subVersion === old.clientVersion) return this.revive(old);
    const isSame = old.expression === subString && old.expressionType === expressionType &&
      sameBloomPosition(old.bloom, this.bloomOf(group, topic));
    if (!isSame) return this.put(group, subscription);
    old.clientVersion = subVersion;
    this.isChanged = true;
    this.revive(old);
  }

  /** Keeps a new filter; one that can't be compiled takes the old one away, and pulls say so. */
  private put(group: string, subscription: Subscription): void {
    const { topic, subString: expression, expressionType, subVersion } = subscription;
    const filter = this.options.expressions.filter(expression, expressionType);
    this.isChanged = true;
    if (filter === null) {
      this.options.log.warn("a filter can't be compiled", { group, topic, expression });
      this.topics.get(topic)?.delete(group);
      return;
    }
    const groups = this.topics.get(topic) ?? new Map<string, GroupFilter>();
    this.topics.set(topic, groups);
    groups.set(group, {
      topic,
      group,
      expression,
      expressionType,
      filter,
      bornMs: this.options.clock.nowMs(),
      deadMs: 0,
      clientVersion: subVersion,
      bloom: this.bloomOf(group, topic),
    });
  }

  private bury(filter: GroupFilter): void {
    if (isDead(filter)) return;
    filter.deadMs = this.options.clock.nowMs();
    this.isChanged = true;
  }

  private revive(filter: GroupFilter): void {
    if (!isDead(filter)) return;
    filter.deadMs = 0;
    this.isChanged = true;
  }

  private clean(): void {
    const nowMs = this.options.clock.nowMs();
    for (const [topic, groups] of this.topics) {
      for (const [group, filter] of groups) {
        if (!isDead(filter)) continue;
        if (nowMs - filter.deadMs < this.options.settings.filterDataCleanTimeSpan) continue;
        groups.delete(group);
        this.isChanged = true;
      }
      if (groups.size === 0) this.topics.delete(topic);
    }
  }

  private loadFile(): void {
    this.isLoaded = true;
    const text = this.options.file.load();
    if (text !== null) this.load(text);
  }

  /** Filters were switched on at run time. A file that can't be read ends a start, but no heartbeat. */
  private loadLate(): void {
    try {
      this.loadFile();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.options.log.error("saved filters can't be read: groups announce theirs anew", { error });
    }
  }

  private load(text: string): void {
    const { expressions, clock, log } = this.options;
    const filterOf = (expression: string, type: string): MessageFilter | null => {
      const filter = expressions.filter(expression, type);
      if (filter === null) log.error("a saved filter can't be compiled", { expression, type });
      return filter;
    };
    this.topics = decodeFilters(text, filterOf);
    const deadMs = clock.nowMs() - DEAD_BEFORE_LOAD_MS;
    for (const groups of this.topics.values()) {
      for (const filter of groups.values()) {
        if (filter.deadMs === 0) filter.deadMs = Math.max(deadMs, filter.bornMs);
      }
    }
  }

  private bloomOf(group: string, topic: string) {
    return bloomPositionOf(`${group}#${topic}`, this.options.settings);
  }
}

function isDead(filter: GroupFilter): boolean {
  return filter.deadMs >= filter.bornMs;
}
