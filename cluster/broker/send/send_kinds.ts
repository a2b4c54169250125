// Where a message of the hot path is stored: in the topic that it is sent to, or in one in which it waits first.
import {
  SCHEDULE_TOPIC,
  TIMER_TOPIC,
  TRANSACTION_HALF_TOPIC,
} from "../../../core/message/topic_names.ts";

export const PLAIN = 0;
/** Asks for a delivery time. */
export const TIMED = 1;
/** Has a delay level. */
export const DELAYED = 2;
/** Waits for its producer to commit it. */
export const HALF = 3;
export type SendKind = typeof PLAIN | typeof TIMED | typeof DELAYED | typeof HALF;
export type MovedKind = Exclude<SendKind, typeof PLAIN>;

/** By kind: the topics in which messages wait. */
export const WAITING_TOPICS: Readonly<Record<MovedKind, string>> = {
  [TIMED]: TIMER_TOPIC,
  [DELAYED]: SCHEDULE_TOPIC,
  [HALF]: TRANSACTION_HALF_TOPIC,
};
