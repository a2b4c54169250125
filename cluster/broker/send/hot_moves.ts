// What becomes of a message on the hot path that waits in another topic first, since it asks for a delivery time, a delay
// level or a transaction: which queue it waits in, and the properties that it gains, which say where it is going. What the
// rules wouldn't simply take is left to the general path. Stores nothing.
import { Buffer } from "node:buffer";
import { writeDecimal } from "../../../core/bytes/decimal.ts";
import { equalsAt } from "../../../core/bytes/same_bytes.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import type { PropertyScanner } from "../../../core/message/property_scan.ts";
import { TIMER_QUEUE_ID } from "../../../core/message/topic_names.ts";
import { parseDecimal } from "../../../core/remoting/send_header_scan.ts";
import { DelayLevels } from "../../../store/schedule/delay_levels.ts";
import type { PutRules } from "../put_rules.ts";
import { UNIQUE_KEY_BYTES_MAX } from "./pending_sends.ts";
import { DELAYED, HALF, type MovedKind, PLAIN, type SendKind, TIMED } from "./send_kinds.ts";
import type { TopicPlan } from "./topic_plans.ts";

/** What the hot path's scanner must look for: what asks for a move, and then what sends a moved message the general way. */
export const MOVED_NAMES = [
  PROPERTY.timerDelaySeconds,
  PROPERTY.timerDelayMs,
  PROPERTY.timerDeliverMs,
  PROPERTY.delayLevel,
  PROPERTY.transactionPrepared,
  PROPERTY.timerOutMs,
  PROPERTY.realTopic,
  PROPERTY.realQueueId,
  PROPERTY.timerDeleteUniqueKey,
  PROPERTY.transactionId,
] as const;
const DELAY_SECONDS = 0;
const DELAY_MS = 1;
const DELIVER_MS = 2;
const DELAY_LEVEL = 3;
const PREPARED = 4;
const MOVED_ALREADY = 5;

/** Instead of a kind: the message asks for more than one, or is on its way already. */
export const UNTAKEN = -1;

const OUT_MS_HEAD = Buffer.from(`${PROPERTY.timerOutMs}\x01`);
const TRANSACTION_HEAD = Buffer.from(`${PROPERTY.transactionId}\x01`);
const REAL_TOPIC_HEAD = Buffer.from(`${PROPERTY.realTopic}\x01`);
const REAL_QUEUE_ID_HEAD = Buffer.from(`\x02${PROPERTY.realQueueId}\x01`);
const ENTRY_END = 2;
/** Digits of a time and of a queue, and the ends of two entries. */
const NUMBERS_BYTES_MAX = 2 * 17 + 2;
const TRUE = Buffer.from("true");
const ZERO = 0x30;
const NINE = 0x39;
/** More are no level that anybody has. */
const LEVEL_DIGITS_MAX = 4;
const HALF_QUEUE_ID = 0;

export class HotMoves {
  /** Of the message that was taken last: the queue that it waits in … */
  queueId = 0;
  /** … and when it is due; a timed one's slot. */
  dueMs = 0;

  /** `first`: where MOVED_NAMES begin among the scanner's names. */
  constructor(
    private readonly rules: Pick<PutRules, "levelDueMs" | "plainSlot" | "takesTransactions">,
    private readonly scanner: PropertyScanner,
    private readonly first: number,
  ) {}

  /** What the scanned message asks for; UNTAKEN when the general way decides. */
  kind(): SendKind | typeof UNTAKEN {
    const { first } = this;
    const { starts } = this.scanner;
    const isTimed = starts[first + DELIVER_MS]! >= 0 || starts[first + DELAY_MS]! >= 0 ||
      starts[first + DELAY_SECONDS]! >= 0;
    const isDelayed = starts[first + DELAY_LEVEL]! >= 0;
    const isHalf = starts[first + PREPARED]! >= 0;
    if (!isTimed && !isDelayed && !isHalf) return PLAIN;
    if (Number(isTimed) + Number(isDelayed) + Number(isHalf) > 1) return UNTAKEN;
    for (let index = first + MOVED_ALREADY; index < first + MOVED_NAMES.length; index++) {
      if (starts[index]! >= 0) return UNTAKEN;
    }
    return isTimed ? TIMED : isDelayed ? DELAYED : HALF;
  }

  /** Finds out where the scanned message waits, and until when; false: the general way decides. */
  take(kind: MovedKind, bytes: Uint8Array, nowMs: number): boolean {
    if (kind === TIMED) {
      this.queueId = TIMER_QUEUE_ID;
      this.dueMs = this.slotOf(bytes, nowMs);
    } else if (kind === DELAYED) {
      const level = this.levelIn(bytes);
      this.queueId = DelayLevels.queueOf(level);
      this.dueMs = this.rules.levelDueMs(level, nowMs);
    } else {
      this.queueId = HALF_QUEUE_ID;
      return this.isTransaction(bytes);
    }
    return this.dueMs !== 0;
  }

  /** Bytes that `write` adds at most. */
  bytesMax(plan: TopicPlan): number {
    return Math.max(OUT_MS_HEAD.length, TRANSACTION_HEAD.length + UNIQUE_KEY_BYTES_MAX) +
      REAL_TOPIC_HEAD.length + plan.bytes.length + REAL_QUEUE_ID_HEAD.length + NUMBERS_BYTES_MAX;
  }

  /**
   * Writes the properties that the general path adds to the message that was taken last, behind those that were copied to
   * `target`; gives the position after them. `uniqueKey`: the index of that name among the scanner's.
   */
  write(
    kind: MovedKind,
    target: Buffer,
    at: number,
    plan: TopicPlan,
    queueId: number,
    uniqueKey: number,
  ): number {
    const { ends, starts } = this.scanner;
    let end = at;
    if (kind === TIMED) {
      end += OUT_MS_HEAD.copy(target, end);
      end = writeDecimal(target, end, this.dueMs);
      target[end++] = ENTRY_END;
    } else if (kind === HALF) {
      end += TRANSACTION_HEAD.copy(target, end);
      end += target.copy(target, end, starts[uniqueKey]!, ends[uniqueKey]!);
      target[end++] = ENTRY_END;
    }
    end += REAL_TOPIC_HEAD.copy(target, end);
    end += plan.bytes.copy(target, end);
    end += REAL_QUEUE_ID_HEAD.copy(target, end);
    end = writeDecimal(target, end, queueId);
    target[end] = ENTRY_END;
    return end + 1;
  }

  /** 0: none that the timer would simply take. */
  private slotOf(bytes: Uint8Array, nowMs: number): number {
    const { first } = this;
    const { ends, starts } = this.scanner;
    let asked = first + DELAY_SECONDS;
    while (starts[asked]! < 0) asked++;
    const value = parseDecimal(bytes, starts[asked]!, ends[asked]!);
    const deliverMs = asked === first + DELIVER_MS
      ? value
      : nowMs + (asked === first + DELAY_MS ? value : value * 1000);
    return this.rules.plainSlot(deliverMs, nowMs);
  }

  /** The level as it is written when it needn't be written anew; 0 for any other. */
  private levelIn(bytes: Uint8Array): number {
    const start = this.scanner.starts[this.first + DELAY_LEVEL]!;
    const end = this.scanner.ends[this.first + DELAY_LEVEL]!;
    const first = bytes[start]!;
    if (end - start > LEVEL_DIGITS_MAX || first <= ZERO || first > NINE) return 0;
    const level = parseDecimal(bytes, start, end);
    return level > 0 ? level : 0;
  }

  private isTransaction(bytes: Uint8Array): boolean {
    const start = this.scanner.starts[this.first + PREPARED]!;
    const end = this.scanner.ends[this.first + PREPARED]!;
    return this.rules.takesTransactions && end - start === TRUE.length &&
      equalsAt(bytes, start, TRUE);
  }
}
