// When a message that asks for a delivery time is due, and whether it is taken: moved to the timer's topic in place, put
// at once because its time is past, or refused with Apache's code and words. Decides alone; stores nothing
// (Java: HookUtils.transformTimerMessage, SendMessageProcessor).
import { RequestError } from "../../../core/errors.ts";
import {
  encodeProperties,
  formatProperties,
  parseProperties,
} from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import { type Random, randomBelow } from "../../../core/random.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { MessageToStore } from "../../../store/message_store.ts";

/** Configuration keys by Apache's names; asked at each message, since most may change at run time. */
export interface TimerRuleSettings {
  readonly timerWheelEnable: boolean;
  readonly timerMaxDelaySec: number;
  readonly timerPrecisionMs: number;
  readonly timerCongestNumEachSlot: number;
}

const WHOLE_NUMBER = /^[+-]?\d+$/;
const LONG_MAX = 2 ** 63;
/** A limit of messages in a slot that is none. */
const SLOT_NUMBER_MAX = 2 ** 31 - 1;

export class TimerRules {
  /** How many messages wait in the slot of a time; set once the wheel is open. */
  waitingAt: (timeMs: number) => number = () => 0;

  constructor(private readonly settings: TimerRuleSettings, private readonly random: Random) {}

  /**
   * Moves the message to the timer's topic in place: properties that remember where it was going, and TIMER_OUT_MS. A
   * message whose time is past stays as it is, and is to be put at once. `properties`: the message's own, where they are
   * read already; they get what is added. Throws RequestError when it is refused.
   */
  time(
    message: MessageToStore,
    nowMs: number,
    properties = parseProperties(message.properties),
  ): void {
    const { settings } = this;
    if (!settings.timerWheelEnable) throw this.notEnabled();
    const deliverMs = deliverMsOf(properties, nowMs);
    if (deliverMs === null) throw this.illegal();
    if (deliverMs <= nowMs) {
      // What takes a message back comes too late.
      if (properties.has(PROPERTY.timerDeleteUniqueKey)) throw this.illegal();
      return;
    }
    const outMs = this.slotOf(deliverMs, nowMs);
    properties.set(PROPERTY.timerOutMs, String(outMs));
    properties.set(PROPERTY.realTopic, message.topic);
    properties.set(PROPERTY.realQueueId, String(message.queueId));
    message.properties = encodeProperties(properties);
    message.topic = TIMER_TOPIC;
    message.queueId = 0;
  }

  /**
   * The slot of a message of the broker's own, which then carries `timedText`; 0 when its time is past and it is put as it
   * is. Throws RequestError when it is refused.
   */
  ownSlot(deliverMs: number, nowMs: number): number {
    if (!this.settings.timerWheelEnable) throw this.notEnabled();
    return deliverMs <= nowMs ? 0 : this.slotOf(deliverMs, nowMs);
  }

  /**
   * The slot of a message that needs no second look: the timer is on, slots may be as full as they like, its time is to
   * come and not too far ahead. 0 for any other.
   */
  plainSlot(deliverMs: number, nowMs: number): number {
    const { settings } = this;
    if (!settings.timerWheelEnable || settings.timerCongestNumEachSlot < SLOT_NUMBER_MAX) return 0;
    if (!(deliverMs > nowMs) || deliverMs - nowMs > settings.timerMaxDelaySec * 1000) return 0;
    return outMsOf(deliverMs, settings.timerPrecisionMs);
  }

  notEnabled(): RequestError {
    return new RequestError(
      ResponseCode.SYSTEM_ERROR,
      "accurate timer message is not enabled, timerWheelEnable is false",
    );
  }

  /** The slot of a time to come. Throws RequestError when it is too far ahead, or the slot too full. */
  private slotOf(deliverMs: number, nowMs: number): number {
    const { settings } = this;
    if (deliverMs - nowMs > settings.timerMaxDelaySec * 1000) throw this.illegal();
    const outMs = outMsOf(deliverMs, settings.timerPrecisionMs);
    if (this.isCongested(outMs)) throw this.flowControl();
    return outMs;
  }

  /** Above the limit of a slot more and more are refused; above twice the limit all (Java: isReject). */
  private isCongested(outMs: number): boolean {
    const limit = this.settings.timerCongestNumEachSlot;
    if (limit >= SLOT_NUMBER_MAX) return false;
    const waiting = this.waitingAt(outMs);
    if (waiting <= limit) return false;
    if (waiting >= limit * 2) return true;
    return randomBelow(this.random, 1000) > 1000 * (waiting - limit) / (limit + 0.1);
  }

  private illegal(): RequestError {
    return new RequestError(
      ResponseCode.MESSAGE_ILLEGAL,
      "timer message illegal, the delay time should not be bigger than the max delay " +
        `${this.settings.timerMaxDelaySec * 1000}ms; or if set del msg, the delay time should be ` +
        "bigger than the current time",
    );
  }

  private flowControl(): RequestError {
    const limit = this.settings.timerCongestNumEachSlot;
    return new RequestError(
      ResponseCode.SYSTEM_ERROR,
      `timer message is under flow control, max num limit is ${
        limit * 2
      } or the current value is ` +
        `greater than ${limit} and less than ${limit * 2}, trigger random flow control`,
    );
  }
}

/** What a timed message's properties end with: when it is due, and where it is going. */
export function timedText(outMs: number, topic: string, queueId: number): string {
  return formatProperties([
    [PROPERTY.timerOutMs, String(outMs)],
    [PROPERTY.realTopic, topic],
    [PROPERTY.realQueueId, String(queueId)],
  ]);
}

/** When a message wants to be delivered; null when it says no number that Java's long holds. */
function deliverMsOf(properties: ReadonlyMap<string, string>, nowMs: number): number | null {
  const seconds = properties.get(PROPERTY.timerDelaySeconds);
  if (seconds !== undefined) return added(nowMs, longOf(seconds), 1000);
  const delayMs = properties.get(PROPERTY.timerDelayMs);
  if (delayMs !== undefined) return added(nowMs, longOf(delayMs), 1);
  return longOf(properties.get(PROPERTY.timerDeliverMs) ?? "");
}

/** A delay beyond all bounds is too long; Java's overflow would turn it into a past time and deliver at once. */
function added(nowMs: number, delay: number | null, factor: number): number | null {
  return delay === null ? null : nowMs + delay * factor;
}

function longOf(text: string): number | null {
  if (!WHOLE_NUMBER.test(text)) return null;
  const value = Number(text);
  return value < -LONG_MAX || value >= LONG_MAX ? null : value;
}

/** The slot of a delivery time: its tick, and for a time that is a tick the one before, which ends then. */
function outMsOf(deliverMs: number, precisionMs: number): number {
  const rest = deliverMs % precisionMs;
  return rest === 0 ? deliverMs - precisionMs : deliverMs - rest;
}
