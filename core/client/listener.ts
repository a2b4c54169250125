// What programs give a push consumer to be called with, and what they may answer. Types and their
// normal form; calls nothing by itself.
import type { MessageQueue } from "./message.ts";
import type { ReceivedMessage } from "./received_message.ts";

/** When messages that weren't consumed come again. */
export interface Later {
  /** Of a batch: the first so many are consumed all the same. Default: none. */
  consumed?: number;
  /** The delay level to wait for; negative: to the DLQ at once. Default: the broker chooses. */
  delayLevel?: number;
  /**
   * The others stay unconsumed without coming again here: for a program that ends amid a batch. The
   * queue's next owner gets them. Orderly consumers take it for "later".
   */
  keep?: boolean;
  /** Orderly: how long the queue rests before the same messages, in ms. Default: suspendMs. */
  suspendMs?: number;
}

/**
 * What a listener returns: nothing or "success" when the messages are consumed, "later" or a Later
 * for another delivery. Throwing is "later". Orderly consumers that commit by themselves
 * (autoCommit: false) also say "commit": all since the last commit are consumed, or "rollback": all
 * since then come again.
 */
export type ConsumeOutcome = void | "success" | "later" | "commit" | "rollback" | Later;

export interface ConsumeContext {
  /** The queue that the messages were pulled from. */
  readonly queue: MessageQueue;
}

export type MessageListener = (
  message: ReceivedMessage,
  context: ConsumeContext,
) => ConsumeOutcome | Promise<ConsumeOutcome>;

/** Is called with up to `consumeBatchMax` messages of one queue, in the order of their offsets. */
export interface BatchListener {
  onMessages(
    messages: readonly ReceivedMessage[],
    context: ConsumeContext,
  ): ConsumeOutcome | Promise<ConsumeOutcome>;
}

/** The messages were neither consumed nor refused: they stay as they were. Not for listeners of users. */
export const ABANDONED = Symbol("abandoned");
export type ListenerOutcome = ConsumeOutcome | typeof ABANDONED;

/** A listener of any kind, or the offer of a loop, as the pools call it. */
export type ListenerCall = (
  messages: readonly ReceivedMessage[],
  context: ConsumeContext,
) => ListenerOutcome | Promise<ListenerOutcome>;

/** The broker chooses the level by the number of deliveries. */
export const DELAY_BY_BROKER = 0;

export function listenerCall(listener: MessageListener | BatchListener): ListenerCall {
  return typeof listener === "function"
    ? (messages, context) => listener(messages[0]!, context)
    : (messages, context) => listener.onMessages(messages, context);
}

export interface Verdict {
  /** So many of the first are. */
  consumed: number;
  /** What the others come again with. */
  delayLevel: number;
  /** How many have a verdict at all; the others stay as they were. */
  decided: number;
}

export function verdictOf(outcome: ConsumeOutcome, count: number): Verdict {
  if (typeof outcome === "object") {
    const consumed = Math.max(0, Math.min(count, outcome.consumed ?? 0));
    const decided = outcome.keep === true ? consumed : count;
    return { consumed, delayLevel: outcome.delayLevel ?? DELAY_BY_BROKER, decided };
  }
  const isLater = outcome === "later" || outcome === "rollback";
  return { consumed: isLater ? 0 : count, delayLevel: DELAY_BY_BROKER, decided: count };
}
