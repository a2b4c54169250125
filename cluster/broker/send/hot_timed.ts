// What a message that asks for a delivery time gains on the hot path: its slot, and the properties that say when it is due
// and where it is going. What the timer wouldn't simply take is left to the general path. Stores nothing.
import { Buffer } from "node:buffer";
import { writeDecimal } from "../../../core/bytes/decimal.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import type { PropertyScanner } from "../../../core/message/property_scan.ts";
import { parseDecimal } from "../../../core/remoting/send_header_scan.ts";
import type { PutRules } from "../put_rules.ts";
import type { TopicPlan } from "./topic_plans.ts";

/** What the hot path's scanner must look for; the first three ask for a time, the others send a timed message the general way. */
export const TIMED_NAMES = [
  PROPERTY.timerDelaySeconds,
  PROPERTY.timerDelayMs,
  PROPERTY.timerDeliverMs,
  PROPERTY.timerOutMs,
  PROPERTY.realTopic,
  PROPERTY.realQueueId,
  PROPERTY.timerDeleteUniqueKey,
] as const;
const DELAY_SECONDS = 0;
const DELAY_MS = 1;
const DELIVER_MS = 2;
const TIMED_ALREADY = 3;

const OUT_MS_HEAD = Buffer.from(`${PROPERTY.timerOutMs}\x01`);
const REAL_TOPIC_HEAD = Buffer.from(`\x02${PROPERTY.realTopic}\x01`);
const REAL_QUEUE_ID_HEAD = Buffer.from(`\x02${PROPERTY.realQueueId}\x01`);
const ENTRY_END = 2;
/** Digits of a time and of a queue, and the last separator. */
const NUMBERS_BYTES_MAX = 2 * 17 + 1;

/** `first`: where TIMED_NAMES begin among the scanner's names. */
export class HotTimed {
  constructor(private readonly rules: Pick<PutRules, "plainSlot">) {}

  /** Whether the scanned message asks for a time. */
  asksForTime({ starts }: PropertyScanner, first: number): boolean {
    return starts[first + DELIVER_MS]! >= 0 || starts[first + DELAY_MS]! >= 0 ||
      starts[first + DELAY_SECONDS]! >= 0;
  }

  /** The slot of a scanned message that asks for a time; 0: the general way decides. */
  slotOf(
    { ends, starts }: PropertyScanner,
    first: number,
    bytes: Uint8Array,
    nowMs: number,
  ): number {
    for (let index = first + TIMED_ALREADY; index < first + TIMED_NAMES.length; index++) {
      if (starts[index]! >= 0) return 0;
    }
    let asked = first + DELAY_SECONDS;
    while (starts[asked]! < 0) asked++;
    const value = parseDecimal(bytes, starts[asked]!, ends[asked]!);
    const deliverMs = asked === first + DELIVER_MS
      ? value
      : nowMs + (asked === first + DELAY_MS ? value : value * 1000);
    return this.rules.plainSlot(deliverMs, nowMs);
  }

  /** Bytes that `write` adds at most. */
  bytesMax(plan: TopicPlan): number {
    return OUT_MS_HEAD.length + REAL_TOPIC_HEAD.length + plan.bytes.length +
      REAL_QUEUE_ID_HEAD.length + NUMBERS_BYTES_MAX;
  }

  /** Writes the properties of a message whose slot is `outMs`, as TimerRules.time adds them; gives the position after. */
  write(target: Buffer, at: number, outMs: number, plan: TopicPlan, queueId: number): number {
    let end = at + OUT_MS_HEAD.copy(target, at);
    end = writeDecimal(target, end, outMs);
    end += REAL_TOPIC_HEAD.copy(target, end);
    end += plan.bytes.copy(target, end);
    end += REAL_QUEUE_ID_HEAD.copy(target, end);
    end = writeDecimal(target, end, queueId);
    target[end] = ENTRY_END;
    return end + 1;
  }
}
