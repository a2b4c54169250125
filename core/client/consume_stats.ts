// How a consumer fares by topic: pulls and listener calls of the last minute, for the running info.
// Pure: the time is an argument.

const SLOT_MS = 10_000;
const SLOTS = 6;

interface Slot {
  startMs: number;
  pulls: number;
  pullMs: number;
  pulled: number;
  consumed: number;
  failed: number;
  consumeMs: number;
}

/** As ConsumeStatus has it: averages in ms, rates a second, failures of the last minute. */
export interface ConsumeStatus {
  pullRT: number;
  pullTPS: number;
  consumeRT: number;
  consumeOKTPS: number;
  consumeFailedTPS: number;
  consumeFailedMsgs: number;
}

export class ConsumeStats {
  private readonly byTopic = new Map<string, Slot[]>();

  pulled(topic: string, count: number, tookMs: number, nowMs: number): void {
    const slot = this.slot(topic, nowMs);
    slot.pulls++;
    slot.pulled += count;
    slot.pullMs += tookMs;
  }

  consumed(topic: string, isOk: boolean, tookMs: number, nowMs: number): void {
    const slot = this.slot(topic, nowMs);
    if (isOk) slot.consumed++;
    else slot.failed++;
    slot.consumeMs += tookMs;
  }

  status(topic: string, nowMs: number): ConsumeStatus {
    const oldestMs = nowMs - SLOT_MS * SLOTS;
    const slots = (this.byTopic.get(topic) ?? []).filter(({ startMs }) => startMs > oldestMs);
    const sum = (value: (slot: Slot) => number) =>
      slots.reduce((total, slot) => total + value(slot), 0);
    const calls = sum(({ consumed, failed }) => consumed + failed);
    const perSecond = (total: number) => total / (SLOT_MS * SLOTS / 1000);
    return {
      pullRT: ratio(sum(({ pullMs }) => pullMs), sum(({ pulls }) => pulls)),
      pullTPS: perSecond(sum(({ pulled }) => pulled)),
      consumeRT: ratio(sum(({ consumeMs }) => consumeMs), calls),
      consumeOKTPS: perSecond(sum(({ consumed }) => consumed)),
      consumeFailedTPS: perSecond(sum(({ failed }) => failed)),
      consumeFailedMsgs: sum(({ failed }) => failed),
    };
  }

  private slot(topic: string, nowMs: number): Slot {
    let slots = this.byTopic.get(topic);
    if (slots === undefined) this.byTopic.set(topic, slots = []);
    const last = slots.at(-1);
    if (last !== undefined && nowMs - last.startMs < SLOT_MS) return last;
    const slot = {
      startMs: nowMs,
      pulls: 0,
      pullMs: 0,
      pulled: 0,
      consumed: 0,
      failed: 0,
      consumeMs: 0,
    };
    slots.push(slot);
    if (slots.length > SLOTS) slots.shift();
    return slot;
  }
}

function ratio(total: number, count: number): number {
  return count === 0 ? 0 : total / count;
}
