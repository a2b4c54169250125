// The subscription groups of a broker and what they are forbidden, saved after every change in the background.
// Knows no consumers: who is connected is in ../clients (Java: SubscriptionGroupManager).
import { parseLenientJson } from "../../../core/json/lenient_reader.ts";
import type { Logger } from "../../../core/log.ts";
import { groupProblem, isLmq, SYSTEM_GROUP_PREFIX } from "../../../core/message/topic_names.ts";
import type { Clock } from "../../../core/time/clock.ts";
import {
  type DataVersion,
  firstDataVersion,
  nextDataVersion,
  parseDataVersion,
} from "../data_version.ts";
import { type TableFile, tableText } from "../table_file.ts";
import { TableSaver } from "../table_saver.ts";
import { alterAttributes, GROUP_ATTRIBUTES } from "../topics/attributes.ts";
import {
  type GroupConfig,
  groupConfigFromJson,
  groupConfigToJson,
  newGroupConfig,
} from "./group_config.ts";

/** The bit of a group's forbidden mask that stops it from reading a topic (Java: PermName.INDEX_PERM_READ). */
export const FORBIDDEN_READ = 2;

/** Groups that exist before anybody makes one. */
const SYSTEM_GROUPS = [
  "TOOLS_CONSUMER",
  "FILTERSRV_CONSUMER",
  "SELF_TEST_C_GROUP",
  "CID_ONS-HTTP-PROXY",
  "CID_ONSAPI_PULL",
  "CID_ONSAPI_PERMISSION",
  "CID_ONSAPI_OWNER",
  "CID_RMQ_SYS_TRANS",
];

/** Configuration keys by Apache's names. */
export interface GroupSettings {
  autoCreateSubscriptionGroup: boolean;
  enableCreateSysGroup: boolean;
  enableLmq?: boolean;
}

export interface GroupTableOptions {
  settings: GroupSettings;
  file: TableFile;
  clock: Clock;
  log: Logger;
}

export class GroupTable {
  private readonly groups = new Map<string, GroupConfig>();
  /** Group → topic → bits. */
  private readonly forbidden = new Map<string, Map<string, number>>();
  private version: DataVersion;
  private unknown: Record<string, unknown> = {};
  private readonly saver: TableSaver;

  /** Loads the file over the groups that exist at boot. Throws DecodeError when it can't be read. */
  constructor(private readonly options: GroupTableOptions) {
    this.version = firstDataVersion(options.clock.nowMs());
    this.saver = new TableSaver(options.file, () => this.encode(), options.log);
    for (const group of SYSTEM_GROUPS) this.groups.set(group, newGroupConfig(group));
    const text = options.file.load();
    if (text !== null) this.decode(text);
  }

  /** The group, made when groups may be made by being used; undefined when it doesn't exist. */
  find(group: string): GroupConfig | undefined {
    return this.get(group) ?? this.createWhenAllowed(group);
  }

  /** The group if it exists already. */
  get(group: string): GroupConfig | undefined {
    const known = this.groups.get(group);
    if (known !== undefined || !this.options.settings.enableLmq || !isLmq(group)) return known;
    return newGroupConfig(group);
  }

  /** Groups with the name of a light queue count without being made (Java: LmqSubscriptionGroupManager). */
  has(group: string): boolean {
    return this.get(group) !== undefined;
  }

  all(): ReadonlyMap<string, GroupConfig> {
    return this.groups;
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  /**
   * Creates or changes groups as an administrator asks: their attributes hold changes ("+key", "-key"). All or nothing;
   * throws OperationError with Apache's text.
   */
  update(requested: readonly GroupConfig[]): void {
    if (requested.length === 0) return;
    const updated = requested.map((config) => {
      const current = this.groups.get(config.groupName);
      const attributes = alterAttributes(
        GROUP_ATTRIBUTES,
        current === undefined,
        current?.attributes ?? {},
        config.attributes,
      );
      return { ...config, attributes };
    });
    for (const config of updated) this.groups.set(config.groupName, config);
    this.changed(updated.length);
  }

  /** Makes those that don't exist, with the defaults; gives how many. */
  restore(names: Iterable<string>): number {
    let count = 0;
    for (const group of names) {
      if (this.has(group)) continue;
      this.groups.set(group, newGroupConfig(group));
      count++;
    }
    if (count > 0) this.changed(1);
    return count;
  }

  /** Stops a group from consuming until it is updated (Java: disableConsume; not saved by itself). */
  disableConsume(group: string): void {
    const config = this.groups.get(group);
    if (config === undefined) return;
    this.groups.set(group, { ...config, consumeEnable: false });
    this.version = nextDataVersion(this.version, this.options.clock.nowMs());
  }

  /** Forgets a group. False when there was none. */
  delete(group: string): boolean {
    this.forbidden.delete(group);
    const existed = this.groups.delete(group);
    if (existed) this.changed(1);
    return existed;
  }

  isForbidden(group: string, topic: string, bit: number): boolean {
    return (this.forbiddenBits(group, topic) & (1 << bit)) !== 0;
  }

  /** Sets or clears one forbidden bit. Clearing a topic's last bit forgets the whole group's, as Apache does. */
  setForbidden(group: string, topic: string, bit: number, forbidden: boolean): void {
    const before = this.forbiddenBits(group, topic);
    const bits = forbidden ? before | (1 << bit) : before & ~(1 << bit);
    if (bits <= 0) {
      this.forbidden.delete(group);
      return;
    }
    const topics = this.forbidden.get(group) ?? new Map<string, number>();
    this.forbidden.set(group, topics.set(topic, bits));
    this.changed(1);
  }

  /** The forbidden bits of each group and topic as its JSON object. */
  forbiddenToJson(): Record<string, Record<string, number>> {
    const table: Record<string, Record<string, number>> = {};
    for (const [group, topics] of this.forbidden) {
      table[group] = Object.fromEntries(topics);
    }
    return table;
  }

  /** The file's text now. */
  encode(): string {
    const subscriptionGroupTable: Record<string, unknown> = {};
    for (const [name, config] of this.groups) {
      subscriptionGroupTable[name] = groupConfigToJson(config);
    }
    return tableText({
      dataVersion: this.version,
      forbiddenTable: this.forbiddenToJson(),
      subscriptionGroupTable,
      ...this.unknown,
    });
  }

  /** Resolves when the table as it is now would survive a crash. */
  save(): Promise<void> {
    return this.saver.save();
  }

  /** Resolves when every change so far would survive a crash. */
  saved(): Promise<void> {
    return this.saver.saved();
  }

  private forbiddenBits(group: string, topic: string): number {
    return Math.max(0, this.forbidden.get(group)?.get(topic) ?? 0);
  }

  private createWhenAllowed(group: string): GroupConfig | undefined {
    const { settings, log } = this.options;
    const allowed = settings.autoCreateSubscriptionGroup ||
      (settings.enableCreateSysGroup && group.startsWith(SYSTEM_GROUP_PREFIX));
    if (!allowed || groupProblem(group) !== null) return undefined;
    const config = newGroupConfig(group);
    this.groups.set(group, config);
    log.info("subscription group created", { group });
    this.changed(1);
    return config;
  }

  private changed(changes: number): void {
    for (let change = 0; change < changes; change++) {
      this.version = nextDataVersion(this.version, this.options.clock.nowMs());
    }
    void this.save();
  }

  private decode(text: string): void {
    const { dataVersion, forbiddenTable, subscriptionGroupTable, ...unknown } = parseLenientJson(
      text,
    ) as Record<string, unknown>;
    for (const [name, value] of Object.entries(subscriptionGroupTable ?? {})) {
      this.groups.set(name, groupConfigFromJson(value, name));
    }
    for (const [group, topics] of Object.entries(forbiddenTable ?? {})) {
      const bits = Object.entries(topics as Record<string, number>);
      this.forbidden.set(group, new Map(bits));
    }
    this.version = parseDataVersion(dataVersion);
    this.unknown = unknown;
  }
}
