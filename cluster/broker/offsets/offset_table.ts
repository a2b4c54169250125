// How far each group has consumed each queue, which offsets were reset behind consumers' backs, and how far they pulled.
// Commits only touch memory; the broker saves every few seconds (Java: ConsumerOffsetManager).
import { isLmq } from "../../../core/message/topic_names.ts";
import type { Clock } from "../../../core/time/clock.ts";
import {
  type DataVersion,
  firstDataVersion,
  nextDataVersion,
  parseDataVersion,
} from "../data_version.ts";
import type { TableFile } from "../table_file.ts";

/** Configuration keys by Apache's names. */
export interface OffsetSettings {
  /** Commits between two moves of the data version. */
  consumerOffsetUpdateVersionStep: number;
  useServerSideResetOffset: boolean;
  enableLmq?: boolean;
}

/** Reads text that may hold maps with bare integer keys; what core's lenient parser does. */
export type LenientParse = (text: string) => unknown;

export interface OffsetTableOptions {
  settings: OffsetSettings;
  file: TableFile;
  clock: Clock;
  parse: LenientParse;
}

/** Queue id → offset. */
export type QueueOffsets = Map<number, number>;
type GroupOffsets = Map<string, QueueOffsets>;

export type ResetListener = (topic: string, queueId: number, group: string) => void;

const SEPARATOR = "@";

export class OffsetTable {
  /** Topic@group → queue → offset. */
  private readonly offsets: GroupOffsets = new Map();
  private readonly resets: GroupOffsets = new Map();
  private readonly pulls: GroupOffsets = new Map();
  private version: DataVersion;
  private unknown: Record<string, unknown> = {};
  private commitCount = 0;
  private dirty = false;
  private resetListener: ResetListener = () => {};

  constructor(private readonly options: OffsetTableOptions) {
    this.version = firstDataVersion(options.clock.nowMs());
    const text = options.file.load();
    if (text !== null) this.decode(text);
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  /** The key of a group's offsets in a topic. Hot callers build it once and use the …At methods. */
  static key(topic: string, group: string): string {
    return topic + SEPARATOR + group;
  }

  commit(topic: string, group: string, queueId: number, offset: number): void {
    this.commitAt(OffsetTable.key(topic, group), queueId, offset);
  }

  commitAt(key: string, queueId: number, offset: number): void {
    queuesOf(this.offsets, key).set(queueId, offset);
    this.dirty = true;
    this.commitCount++;
    if (this.commitCount % this.options.settings.consumerOffsetUpdateVersionStep === 0) {
      this.version = nextDataVersion(this.version, this.options.clock.nowMs());
    }
  }

  /** Remembers how far a group has pulled; for lag figures only, never saved. */
  pulledAt(key: string, queueId: number, offset: number): void {
    queuesOf(this.pulls, key).set(queueId, offset);
  }

  /** The committed offset, or the one that it was reset to; -1 when there is none. */
  query(topic: string, group: string, queueId: number): number {
    const key = OffsetTable.key(topic, group);
    if (this.options.settings.useServerSideResetOffset) {
      const reset = this.resets.get(key)?.get(queueId);
      if (reset !== undefined) return reset;
    }
    return this.offsets.get(key)?.get(queueId) ?? -1;
  }

  /** How far the group has pulled, or else committed; -1 when neither is known. */
  queryPulled(topic: string, group: string, queueId: number): number {
    return this.pulls.get(OffsetTable.key(topic, group))?.get(queueId) ??
      this.query(topic, group, queueId);
  }

  /** Committed offsets of all queues of a topic; undefined when the group has none there. */
  queryAll(topic: string, group: string): ReadonlyMap<number, number> | undefined {
    return this.offsets.get(OffsetTable.key(topic, group));
  }

  clearPulled(topic: string, group: string): void {
    this.pulls.delete(OffsetTable.key(topic, group));
  }

  /** Resets an offset on the server's side: the next pull is sent there, and commits are ignored until then. */
  reset(topic: string, group: string, queueId: number, offset: number): void {
    if (topic === "" || group === "" || queueId < 0 || offset < 0) return;
    const key = OffsetTable.key(topic, group);
    queuesOf(this.resets, key).set(queueId, offset);
    queuesOf(this.offsets, key).set(queueId, offset);
    this.dirty = true;
    this.resetListener(topic, queueId, group);
  }

  /** Who wakes the pulls that are held while an offset is reset, so that they hear of it at once. */
  onReset(listener: ResetListener): void {
    this.resetListener = listener;
  }

  hasReset(topic: string, group: string, queueId: number): boolean {
    return this.resets.get(OffsetTable.key(topic, group))?.has(queueId) ?? false;
  }

  /** True while any offset waits to be reset: lets the pull path skip the look-up. */
  get anyReset(): boolean {
    return this.resets.size > 0;
  }

  /** Takes a pending reset away; undefined when there is none. */
  takeReset(key: string, queueId: number): number | undefined {
    const queues = this.resets.get(key);
    const offset = queues?.get(queueId);
    if (queues === undefined || offset === undefined) return undefined;
    queues.delete(queueId);
    if (queues.size === 0) this.resets.delete(key);
    return offset;
  }

  /**
   * Takes back offsets beyond the ends of their queues, which a power cut under ASYNC_FLUSH leaves behind: the group would
   * never see what is sent to those places next. Gives how many. Apache leaves them.
   */
  clamp(endOf: (topic: string, queueId: number) => number): number {
    let count = 0;
    for (const [key, queues] of this.offsets) {
      const topic = key.slice(0, key.indexOf(SEPARATOR));
      for (const [queueId, offset] of queues) {
        const end = endOf(topic, queueId);
        if (offset <= end) continue;
        queues.set(queueId, end);
        count++;
      }
    }
    if (count > 0) this.dirty = true;
    return count;
  }

  /** Topics that a group has offsets in. */
  topicsOf(group: string): Set<string> {
    const topics = new Set<string>();
    for (const key of this.offsets.keys()) {
      const [topic, owner, rest] = key.split(SEPARATOR);
      if (rest === undefined && owner === group) topics.add(topic!);
    }
    return topics;
  }

  /** Groups that have offsets in a topic. */
  groupsOf(topic: string): Set<string> {
    const groups = new Set<string>();
    for (const key of this.offsets.keys()) {
      const [name, group, rest] = key.split(SEPARATOR);
      if (rest === undefined && group !== undefined && name === topic) groups.add(group);
    }
    return groups;
  }

  /** Groups that have offsets anywhere. */
  groups(): Set<string> {
    const groups = new Set<string>();
    for (const key of this.offsets.keys()) {
      const [, group, rest] = key.split(SEPARATOR);
      if (rest === undefined && group !== undefined) groups.add(group);
    }
    return groups;
  }

  /** Copies one group's offsets of a topic to another group. */
  clone(sourceGroup: string, targetGroup: string, topic: string): void {
    const source = this.offsets.get(OffsetTable.key(topic, sourceGroup));
    if (source === undefined) return;
    this.offsets.set(OffsetTable.key(topic, targetGroup), new Map(source));
    this.dirty = true;
  }

  removeGroup(group: string): void {
    this.removeWhere((_, owner) => owner === group);
  }

  removeTopic(topic: string): void {
    this.removeWhere((name) => name === topic);
  }

  remove(topic: string, group: string): void {
    this.removeWhere((name, owner) => name === topic && owner === group);
  }

  /** Topic@group and its offsets, for admin answers; not to be changed. */
  all(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return this.offsets;
  }

  /** The file's text now: maps of queues have bare integer keys, as fastjson writes them. */
  encode(): string {
    const { groupTopicMap: _, ...unknown } = this.unknown;
    const fields = [`\t"dataVersion":${JSON.stringify(this.version)}`];
    fields.push(`\t"groupTopicMap":${JSON.stringify(this.groupTopicMap())}`);
    const isLight = this.options.settings.enableLmq === true;
    const rows: string[] = [];
    const lightRows: string[] = [];
    for (const [key, queues] of this.offsets) {
      const lightOffset = isLight && isLightGroup(key) ? queues.get(0) : undefined;
      const name = JSON.stringify(key);
      if (lightOffset === undefined) rows.push(`\t\t${name}:${queueMapText(queues)}`);
      else lightRows.push(`\t\t${name}:${lightOffset}`);
    }
    if (isLight) fields.push(`\t"lmqOffsetTable":${rowsText(lightRows)}`);
    fields.push(`\t"offsetTable":${rowsText(rows)}`);
    for (const [name, value] of Object.entries(unknown)) {
      fields.push(`\t${JSON.stringify(name)}:${JSON.stringify(value)}`);
    }
    return `{\n${fields.join(",\n")}\n}`;
  }

  /** Saves when something changed since the last time. Rejects with DiskError; then it is tried again next time. */
  async saveWhenDirty(): Promise<void> {
    if (!this.dirty) return;
    this.dirty = false;
    try {
      await this.options.file.saveInBackground(this.encode());
    } catch (error) {
      this.dirty = true;
      throw error;
    }
  }

  private groupTopicMap(): Record<string, string[]> {
    const topicsByGroup: Record<string, string[]> = {};
    for (const key of this.offsets.keys()) {
      const [topic, group, rest] = key.split(SEPARATOR);
      if (group === undefined || rest !== undefined) continue;
      (topicsByGroup[group] ??= []).push(topic!);
    }
    return topicsByGroup;
  }

  private removeWhere(matches: (topic: string, group: string) => boolean): void {
    for (const table of [this.offsets, this.resets, this.pulls]) {
      for (const key of table.keys()) {
        const [topic, group, rest] = key.split(SEPARATOR);
        if (rest === undefined && matches(topic!, group ?? "")) table.delete(key);
      }
    }
    this.dirty = true;
  }

  private decode(text: string): void {
    const { dataVersion, lmqOffsetTable, offsetTable, ...unknown } = this.options.parse(
      text,
    ) as Record<
      string,
      unknown
    >;
    for (const [key, queues] of Object.entries(offsetTable ?? {})) {
      const target = queuesOf(this.offsets, key);
      for (const [queueId, offset] of Object.entries(queues as Record<string, number>)) {
        target.set(Number(queueId), Number(offset));
      }
    }
    for (const [key, offset] of Object.entries(lmqOffsetTable ?? {})) {
      queuesOf(this.offsets, key).set(0, Number(offset));
    }
    this.version = parseDataVersion(dataVersion);
    this.unknown = unknown;
  }
}

function rowsText(rows: readonly string[]): string {
  return rows.length === 0 ? "{}" : `{\n${rows.join(",\n")}\n\t}`;
}

/** Whether a topic@group is of a group named as a light queue: Apache keeps its one offset by itself. */
function isLightGroup(key: string): boolean {
  return isLmq(key.slice(key.indexOf(SEPARATOR) + 1));
}

/** A map of queues as fastjson writes Map<Integer, Long>: `{0:3,1:4}`. */
export function queueMapText(queues: ReadonlyMap<number, number>): string {
  return `{${[...queues].map(([queueId, offset]) => `${queueId}:${offset}`).join(",")}}`;
}

function queuesOf(table: GroupOffsets, key: string): QueueOffsets {
  const existing = table.get(key);
  if (existing !== undefined) return existing;
  const queues: QueueOffsets = new Map();
  table.set(key, queues);
  return queues;
}
