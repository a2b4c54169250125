// config/timermetrics: how many messages of each topic wait for their time. Apache's format, with its data version; knows
// the text only (Java: TimerMetrics).
import { parseLenientJson } from "../../core/json/lenient_reader.ts";
import type { JsonObject } from "../../core/json/json_value.ts";

interface TopicCount {
  count: number;
  timeStamp: number;
}

export class TimerMetrics {
  private readonly topics = new Map<string, TopicCount>();
  private counter = 0;
  private stateVersion = 0;
  private timestamp: number;
  private dirty = false;

  constructor(nowMs: number) {
    this.timestamp = nowMs;
  }

  add(topic: string, value: number, nowMs: number): void {
    const entry = this.topics.get(topic);
    if (entry === undefined) this.topics.set(topic, { count: value, timeStamp: nowMs });
    else {
      entry.count += value;
      entry.timeStamp = nowMs;
    }
    this.counter++;
    this.timestamp = nowMs;
    this.dirty = true;
  }

  /** Messages of a topic that wait; 0 for an unknown one. */
  count(topic: string): number {
    return this.topics.get(topic)?.count ?? 0;
  }

  remove(topic: string): void {
    if (this.topics.delete(topic)) this.dirty = true;
  }

  all(): [topic: string, count: number][] {
    return [...this.topics].map(([topic, { count }]) => [topic, count]);
  }

  /** True once after changes: the caller is going to save. */
  takeDirty(): boolean {
    const dirty = this.dirty;
    this.dirty = false;
    return dirty;
  }

  encode(): string {
    const { counter, stateVersion, timestamp } = this;
    return JSON.stringify({
      dataVersion: { counter, stateVersion, timestamp },
      timingCount: Object.fromEntries(this.topics),
    });
  }

  /** Takes over what a file says. Throws DecodeError. */
  decode(text: string): void {
    const root = parseLenientJson(text) as JsonObject;
    const table = (root["timingCount"] ?? {}) as Record<string, unknown>;
    for (const [topic, value] of Object.entries(table)) {
      const { count, timeStamp } = value as Record<string, unknown>;
      this.topics.set(topic, { count: Number(count ?? 0), timeStamp: Number(timeStamp ?? 0) });
    }
    const version = (root["dataVersion"] ?? {}) as Record<string, unknown>;
    this.counter = Number(version["counter"] ?? 0);
    this.stateVersion = Number(version["stateVersion"] ?? 0);
    this.timestamp = Number(version["timestamp"] ?? this.timestamp);
  }
}
