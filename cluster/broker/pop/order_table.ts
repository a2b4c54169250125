// Orderly pops of all queues: what is out, which queue is blocked until when; saved to consumerOrderInfo.json. Tells when a
// queue becomes free; wakes nobody itself (Java: QueueLevelConsumerManager, QueueLevelConsumerOrderInfoLockManager).
import { addOffsetInfo, orderCountKey, retryMarkOf } from "../../../core/message/receipt_handle.ts";
import type { Clock, Timer } from "../../../core/time/clock.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import type { TableFile } from "../table_file.ts";
import { decodeOrderInfos, encodeOrderInfos, type OrderInfos } from "./order_file.ts";
import {
  committableOffset,
  freeAtMs,
  isBlocked,
  nextOrderInfo,
  type OrderInfo,
} from "./order_info.ts";

export interface OrderTableOptions {
  file: TableFile;
  clock: Clock;
  /** How many read queues a topic has; 0 when it doesn't exist. */
  queueCountOf: (topic: string) => number;
  hasGroup: (group: string) => boolean;
}

/** A queue that nobody consumes for so long is forgotten. */
const UNUSED_MS_MAX = 24 * 3600 * 1000;

/** What an acknowledgement does to the group's offset. */
export type OrderAck = { offset: number } | "unknown_message" | "other_pop";

export class OrderTable implements Disposable {
  private readonly table: OrderInfos;
  private readonly timers = new Map<string, Timer>();
  private isChanged = false;
  private freeListener: (topic: string, group: string, queueId: number) => void = () => {};

  /** Throws DecodeError when the file can't be read. */
  constructor(private readonly options: OrderTableOptions) {
    const text = options.file.load();
    this.table = text === null ? new Map() : decodeOrderInfos(text);
  }

  /** Who hears when a blocked queue is free again; queues that were blocked when the broker stopped count too. */
  onFree(listener: (topic: string, group: string, queueId: number) => void): void {
    this.freeListener = listener;
    for (const [key, queues] of this.table) {
      const [topic = "", group = ""] = key.split("@");
      for (const [queueId, info] of queues) this.scheduleFree(topic, group, queueId, info);
    }
  }

  /** Remembers what a pop gave out; gives the queue's entries for orderCountInfo, added to `counts`. */
  popped(
    topic: string,
    group: string,
    queueId: number,
    pop: { attemptId: string | null; popTimeMs: number; invisibleMs: number; offsets: number[] },
    counts: string,
  ): string {
    const queues = this.queuesOf(topic, group);
    const nowMs = this.options.clock.nowMs();
    const { attemptId, popTimeMs, invisibleMs, offsets } = pop;
    const before = queues.get(queueId);
    const info = nextOrderInfo(before, attemptId, popTimeMs, invisibleMs, offsets, nowMs);
    queues.set(queueId, info);
    this.changed(topic, group, queueId, info);
    const retry = retryMarkOf(topic);
    let text = counts;
    let least = info.deliveries.size === offsets.length ? Infinity : 0;
    for (const [offset, count] of info.deliveries) {
      text = addOffsetInfo(text, retry, orderCountKey(queueId, offset), count);
      least = Math.min(least, count);
    }
    return addOffsetInfo(text, retry, queueId, Number.isFinite(least) ? least : 0);
  }

  isBlocked(
    attemptId: string | null,
    topic: string,
    group: string,
    queueId: number,
    invisibleMs: number,
  ): boolean {
    const info = this.find(topic, group, queueId);
    return info !== undefined &&
      isBlocked(info, attemptId, invisibleMs, this.options.clock.nowMs());
  }

  /** Forgets what is out: the group's offset was reset. */
  clear(topic: string, group: string, queueId: number): void {
    if (this.table.get(OffsetTable.key(topic, group))?.delete(queueId)) this.isChanged = true;
  }

  /** Takes an acknowledgement of a group whose offset is `committed`. */
  acknowledge(
    topic: string,
    group: string,
    queueId: number,
    queueOffset: number,
    popTimeMs: number,
    committed: number,
  ): OrderAck {
    const info = this.find(topic, group, queueId);
    if (info === undefined) {
      // A kill came before the pop was saved. What stands before the message isn't known to be acknowledged.
      return queueOffset === committed ? { offset: queueOffset + 1 } : "other_pop";
    }
    if (info.offsets.length === 0) return "unknown_message";
    if (popTimeMs !== info.popTimeMs) return "other_pop";
    if (!info.offsets.includes(queueOffset)) return "unknown_message";
    info.acked.add(queueOffset);
    this.changed(topic, group, queueId, info);
    return { offset: committableOffset(info) };
  }

  /** Changes when a message may be given out again; nothing when the pop isn't the queue's last. */
  changeVisibleTime(
    topic: string,
    group: string,
    queueId: number,
    queueOffset: number,
    popTimeMs: number,
    visibleAtMs: number,
  ): void {
    const info = this.find(topic, group, queueId);
    if (info === undefined || info.popTimeMs !== popTimeMs) return;
    info.visibleAtMs.set(queueOffset, visibleAtMs);
    this.changed(topic, group, queueId, info);
  }

  async saveWhenChanged(): Promise<void> {
    this.clean();
    if (!this.isChanged) return;
    this.isChanged = false;
    try {
      await this.options.file.saveInBackground(encodeOrderInfos(this.table));
    } catch (error) {
      this.isChanged = true;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.timers.values()) timer.cancel();
    this.timers.clear();
  }

  private find(topic: string, group: string, queueId: number): OrderInfo | undefined {
    return this.table.get(OffsetTable.key(topic, group))?.get(queueId);
  }

  private queuesOf(topic: string, group: string): Map<number, OrderInfo> {
    const key = OffsetTable.key(topic, group);
    const known = this.table.get(key);
    if (known !== undefined) return known;
    const queues = new Map<number, OrderInfo>();
    this.table.set(key, queues);
    return queues;
  }

  private changed(topic: string, group: string, queueId: number, info: OrderInfo): void {
    this.isChanged = true;
    this.scheduleFree(topic, group, queueId, info);
  }

  private scheduleFree(topic: string, group: string, queueId: number, info: OrderInfo): void {
    const nowMs = this.options.clock.nowMs();
    const atMs = freeAtMs(info, nowMs);
    if (atMs === null) return;
    const key = `${topic}@${group}@${queueId}`;
    this.timers.get(key)?.cancel();
    this.timers.set(
      key,
      this.options.clock.after(Math.max(0, atMs - nowMs), () => {
        this.timers.delete(key);
        this.freeListener(topic, group, queueId);
      }),
    );
  }

  /** Forgets topics, groups and queues that are gone, and what nobody has consumed for a day. */
  private clean(): void {
    const { clock, queueCountOf, hasGroup } = this.options;
    const oldestMs = clock.nowMs() - UNUSED_MS_MAX;
    for (const [key, queues] of this.table) {
      const [topic, group, rest] = key.split("@");
      if (topic === undefined || group === undefined || rest !== undefined) continue;
      const queueCount = hasGroup(group) ? queueCountOf(topic) : 0;
      for (const [queueId, info] of queues) {
        if (queueId < queueCount && info.lastConsumeMs >= oldestMs) continue;
        queues.delete(queueId);
        this.isChanged = true;
      }
      if (queues.size === 0) this.table.delete(key);
    }
  }
}
