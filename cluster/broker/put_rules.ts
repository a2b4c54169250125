// What becomes of a message that asks for a delay, a time or a transaction before it is put: moved to the delay topic or
// to that of half messages, or refused as Apache refuses it with that machinery switched off. Decides from numbers alone;
// allocates only on a move.
import { RequestError } from "../../core/errors.ts";
import { encodeProperties, parseProperties } from "../../core/message/properties.ts";
import { PROPERTY } from "../../core/message/property_names.ts";
import {
  TRANSACTION_COMMIT,
  TRANSACTION_NONE,
  TRANSACTION_PREPARED,
  transactionState,
} from "../../core/message/sys_flag.ts";
import { SCHEDULE_TOPIC, TIMER_TOPIC } from "../../core/message/topic_names.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import type { MessageToStore } from "../../store/message_store.ts";
import { DelayLevels } from "../../store/schedule/delay_levels.ts";
import type { TimerRules } from "./timer/timer_rules.ts";
import { makeHalf } from "./transactions/half_message.ts";

/** Stored as it is. */
export const PUT_AS_IS = 0;
/** Stored in the delay topic: call `delay` with the message. */
export const PUT_DELAYED = 1;
/** Refused: throw `refusal` of it. */
export const REFUSE_TIMER = 2;
export const REFUSE_TRANSACTION = 3;
/** Stored as a half message: consumers see it when its producer commits. */
export const PUT_HALF = 4;
/** Stored in the timer's topic until its time comes, or at once when that is past: call `time` with the message. */
export const PUT_TIMED = 5;
export type PutVerdict = 0 | 1 | 2 | 3 | 4 | 5;

/** Properties that ask for a delivery time; a delay level makes them void. */
export const TIMER_PROPERTIES: readonly string[] = [
  PROPERTY.timerDeliverMs,
  PROPERTY.timerDelaySeconds,
  PROPERTY.timerDelayMs,
];

/** A message's DELAY; 0 without one. Throws RequestError when it is no number (Java: Integer.parseInt). */
export function delayLevelOf(properties: ReadonlyMap<string, string>): number {
  const text = properties.get(PROPERTY.delayLevel);
  if (text === undefined) return 0;
  const level = /^[+-]?\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (level === (level | 0)) return level;
  throw new RequestError(ResponseCode.SYSTEM_ERROR, `For input string: "${text}"`);
}

/** Whether a message asks for a delivery time that the timer hasn't taken yet. */
export function asksForTime(properties: ReadonlyMap<string, string>): boolean {
  return !properties.has(PROPERTY.timerOutMs) &&
    TIMER_PROPERTIES.some((name) => properties.has(name));
}

/** Configuration keys by Apache's names. */
export interface PutRuleSettings {
  readonly brokerIP1: string;
  readonly rejectTransactionMessage: boolean;
  readonly timerWheelEnable: boolean;
}

export class PutRules {
  constructor(
    private readonly levels: DelayLevels,
    private readonly settings: PutRuleSettings,
    private readonly timers: TimerRules,
  ) {}

  /**
   * The verdict on a message: `delayLevel` is its DELAY (0: none), `asksForTime` whether it has one of TIMER_PROPERTIES
   * and no TIMER_OUT_MS, `isTransaction` whether TRAN_MSG is true (Java: HookUtils.handleScheduleMessage,
   * SendMessageProcessor).
   */
  decide(
    topic: string,
    sysFlag: number,
    delayLevel: number,
    reconsumeTimes: number,
    asksForTime: boolean,
    isTransaction: boolean,
  ): PutVerdict {
    const state = transactionState(sysFlag);
    // Clients before 4.6.1 retry transactional messages with the mark still on.
    if (isTransaction && !(reconsumeTimes > 0 && delayLevel > 0)) {
      return this.settings.rejectTransactionMessage ? REFUSE_TRANSACTION : PUT_HALF;
    }
    // A prepared record outside of the half topic is one that nobody ever sees: Apache stores it all the same.
    if (state === TRANSACTION_PREPARED) return REFUSE_TRANSACTION;
    if (state !== TRANSACTION_NONE && state !== TRANSACTION_COMMIT) return PUT_AS_IS;
    if (delayLevel > 0) return PUT_DELAYED;
    if (!asksForTime || topic === TIMER_TOPIC) return PUT_AS_IS;
    return this.settings.timerWheelEnable ? PUT_TIMED : REFUSE_TIMER;
  }

  /**
   * Decides on a message and acts on it in place; gives the verdict. `properties` are the message's own, and stay that.
   * `mayPrepare`: false for the message of a transaction that is committed. Throws RequestError when it is refused.
   */
  apply(
    message: MessageToStore,
    properties: Map<string, string>,
    nowMs: number,
    mayPrepare = true,
  ): PutVerdict {
    const delayLevel = delayLevelOf(properties);
    const isTransaction = mayPrepare &&
      properties.get(PROPERTY.transactionPrepared)?.toLowerCase() === "true";
    const verdict = this.decide(
      message.topic,
      message.sysFlag,
      delayLevel,
      message.reconsumeTimes,
      asksForTime(properties),
      isTransaction,
    );
    if (verdict === PUT_DELAYED) this.delay(message, delayLevel, nowMs, properties);
    else if (verdict === PUT_TIMED) this.timers.time(message, nowMs, properties);
    else if (verdict === PUT_HALF) makeHalf(message, properties);
    else if (verdict !== PUT_AS_IS) throw this.refusal(verdict);
    return verdict;
  }

  /** The answer for a refusing verdict. */
  refusal(verdict: PutVerdict): RequestError {
    if (verdict === REFUSE_TRANSACTION) {
      return new RequestError(
        ResponseCode.NO_PERMISSION,
        `the broker[${this.settings.brokerIP1}] sending transaction message is forbidden`,
      );
    }
    return this.timers.notEnabled();
  }

  /**
   * Moves a message that asks for a time (by one of TIMER_PROPERTIES) to the timer's topic in place; one whose time is
   * past stays as it is. Throws RequestError when it is refused.
   */
  time(message: MessageToStore, nowMs: number): void {
    this.timers.time(message, nowMs);
  }

  /** The timer's slot of a message that it would simply take, 0 for any other; see TimerRules. */
  plainSlot(deliverMs: number, nowMs: number): number {
    return this.timers.plainSlot(deliverMs, nowMs);
  }

  /** When a message of a delay level is due that was stored then; 0 for a level that there isn't. */
  levelDueMs(level: number, storedMs: number): number {
    return level > 0 && level <= this.levels.max ? this.levels.dueMs(level, storedMs) : 0;
  }

  get takesTransactions(): boolean {
    return !this.settings.rejectTransactionMessage;
  }

  /** The timer's slot of a message of the broker's own; see TimerRules. Throws RequestError when it is refused. */
  ownSlot(deliverMs: number, nowMs: number): number {
    return this.timers.ownSlot(deliverMs, nowMs);
  }

  /**
   * Moves a message to the delay topic in place: topic, queue, due time as its tags code, and properties that remember
   * where it was going. `nowMs` stands for the store time, which the record gets in the same turn. `properties`: the
   * message's own, where they are read already.
   */
  delay(
    message: MessageToStore,
    delayLevel: number,
    nowMs: number,
    properties = parseProperties(message.properties),
  ): void {
    const level = this.levels.clamp(delayLevel);
    for (const name of TIMER_PROPERTIES) properties.delete(name);
    properties.set(PROPERTY.delayLevel, String(level));
    properties.set(PROPERTY.realTopic, message.topic);
    properties.set(PROPERTY.realQueueId, String(message.queueId));
    message.properties = encodeProperties(properties);
    message.topic = SCHEDULE_TOPIC;
    message.queueId = DelayLevels.queueOf(level);
    message.tagsCode = this.levels.dueMs(level, nowMs);
  }
}
