// What becomes of a message that asks for a delay, a time or a transaction before it is put: moved to the delay topic,
// or refused as Apache refuses it with that machinery switched off. Decides from numbers alone; allocates only on a move.
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

/** Stored as it is. */
export const PUT_AS_IS = 0;
/** Stored in the delay topic: call `delay` with the message. */
export const PUT_DELAYED = 1;
/** Refused: throw `refusal` of it. */
export const REFUSE_TIMER = 2;
export const REFUSE_TRANSACTION = 3;
export type PutVerdict = 0 | 1 | 2 | 3;

/** Properties that ask for a delivery time; a delay level makes them void. */
export const TIMER_PROPERTIES: readonly string[] = [
  PROPERTY.timerDeliverMs,
  PROPERTY.timerDelaySeconds,
  PROPERTY.timerDelayMs,
];

/** Configuration keys by Apache's names. */
export interface PutRuleSettings {
  brokerIP1: string;
}

export class PutRules {
  constructor(private readonly levels: DelayLevels, private readonly settings: PutRuleSettings) {}

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
    if (isTransaction && !(reconsumeTimes > 0 && delayLevel > 0)) return REFUSE_TRANSACTION;
    if (state === TRANSACTION_PREPARED) return REFUSE_TRANSACTION;
    if (state !== TRANSACTION_NONE && state !== TRANSACTION_COMMIT) return PUT_AS_IS;
    if (delayLevel > 0) return PUT_DELAYED;
    return asksForTime && topic !== TIMER_TOPIC ? REFUSE_TIMER : PUT_AS_IS;
  }

  /** The answer for a refusing verdict. */
  refusal(verdict: PutVerdict): RequestError {
    if (verdict === REFUSE_TRANSACTION) {
      return new RequestError(
        ResponseCode.NO_PERMISSION,
        `the broker[${this.settings.brokerIP1}] sending transaction message is forbidden`,
      );
    }
    return new RequestError(
      ResponseCode.SYSTEM_ERROR,
      "accurate timer message is not enabled, timerWheelEnable is false",
    );
  }

  /**
   * Moves a message to the delay topic in place: topic, queue, due time as its tags code, and properties that remember
   * where it was going. `nowMs` stands for the store time, which the record gets in the same turn.
   */
  delay(message: MessageToStore, delayLevel: number, nowMs: number): void {
    const level = this.levels.clamp(delayLevel);
    const properties = parseProperties(message.properties);
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
