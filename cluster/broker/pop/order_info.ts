// One queue's orderly pop: which messages are out, which of them are acknowledged, when the rest may be given out again.
// Pure; the queue stays blocked until all are acknowledged or visible again (Java: QueueLevelConsumerManager.OrderInfo).

export interface OrderInfo {
  popTimeMs: number;
  /** 0 when it isn't known (files of older brokers). */
  invisibleMs: number;
  /** Queue offsets of the messages that are out. */
  offsets: readonly number[];
  /** When a message becomes visible, where that was changed; by queue offset. */
  visibleAtMs: Map<number, number>;
  /** How often a message was given out before; by queue offset. */
  deliveries: Map<number, number>;
  lastConsumeMs: number;
  /** Queue offsets that are acknowledged. */
  acked: Set<number>;
  /** The attempt of the client that the messages were given to: it may ask again and gets them again. */
  attemptId: string | null;
}

/** What a new pop of the queue makes of it: messages given out again are counted, unless the same attempt asks again. */
export function nextOrderInfo(
  before: OrderInfo | undefined,
  attemptId: string | null,
  popTimeMs: number,
  invisibleMs: number,
  offsets: readonly number[],
  nowMs: number,
): OrderInfo {
  const info: OrderInfo = {
    popTimeMs,
    invisibleMs,
    offsets,
    visibleAtMs: new Map(),
    deliveries: new Map(),
    lastConsumeMs: nowMs,
    acked: new Set(),
    attemptId,
  };
  if (before === undefined) return info;
  if (before.attemptId !== null && before.attemptId === attemptId) {
    info.deliveries = before.deliveries;
    return info;
  }
  const wereOut = new Set(before.offsets);
  for (const offset of offsets) {
    if (wereOut.has(offset)) {
      info.deliveries.set(offset, (before.deliveries.get(offset) ?? 0) + 1);
    }
  }
  return info;
}

/** Whether the queue gives nothing out now; `invisibleMs` stands in where the file didn't say it. */
export function isBlocked(
  info: OrderInfo,
  attemptId: string | null,
  invisibleMs: number,
  nowMs: number,
): boolean {
  if (info.attemptId !== null && info.attemptId === attemptId) return false;
  if (info.invisibleMs <= 0) info.invisibleMs = invisibleMs;
  return info.offsets.some((offset) => !info.acked.has(offset) && nowMs < visibleAt(info, offset));
}

/** When the queue is free again if nothing is acknowledged any more; null when that isn't known. */
export function freeAtMs(info: OrderInfo, nowMs: number): number | null {
  if (info.offsets.length === 0) return null;
  for (const offset of info.offsets) {
    if (info.acked.has(offset)) continue;
    if (info.invisibleMs <= 0) return null;
    const atMs = visibleAt(info, offset);
    if (nowMs < atMs) return atMs;
  }
  return nowMs;
}

/** Where the group's offset goes: the first message that isn't acknowledged, or after the last. */
export function committableOffset(info: OrderInfo): number {
  const first = info.offsets.find((offset) => !info.acked.has(offset));
  return first ?? info.offsets.at(-1)! + 1;
}

function visibleAt(info: OrderInfo, offset: number): number {
  return info.visibleAtMs.get(offset) ?? info.popTimeMs + info.invisibleMs;
}
