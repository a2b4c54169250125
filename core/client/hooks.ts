// What programs hang into their clients: calls before and after sends and consumption, for traces,
// spans, figures and rules of their own. A client without hooks pays nothing for them.
import type { Logger } from "../log.ts";
import type { Message, MessageQueue, SendResult } from "./message.ts";
import type { ConsumeContext, ListenerCall, ListenerOutcome } from "./listener.ts";
import { ABANDONED, verdictOf } from "./listener.ts";
import type { ReceivedMessage } from "./received_message.ts";

/** Who calls a hook. */
export interface HookClient {
  readonly group: string;
  readonly clientId: string;
  /** Its option unitMode. */
  readonly unitMode: boolean;
}

export type SendKind = "send" | "oneway" | "batch" | "request" | "reply" | "transaction";

/** A send before it begins. */
export interface SendCall extends HookClient {
  readonly kind: SendKind;
  /** What is sent: one message, or those of a batch. A hook may put others in their place. */
  messages: readonly Message[];
  /** The queue that the program chose; null: any. */
  readonly queue: MessageQueue | null;
}

/** How a send ended. */
export interface SendEnd {
  /** One for each request that the messages made; empty when the send failed or was oneway. */
  readonly results: readonly SendResult[];
  /** Undefined when it succeeded. */
  readonly error: unknown;
  /** Wall-clock time of its beginning, in ms, and how long it took. */
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  /** Where the first result's broker is; null without one. */
  readonly brokerAddress: string | null;
}

/** Messages before their listener, or the loop, gets them. */
export interface ConsumeCall extends HookClient {
  readonly messages: readonly ReceivedMessage[];
  readonly queue: MessageQueue;
}

export interface ConsumeEnd {
  /** "abandoned": the consumer closed before anything was decided. */
  readonly status: "success" | "later" | "failed" | "abandoned";
  /** What the listener threw; undefined when it didn't. */
  readonly error: unknown;
  readonly startedAtMs: number;
  readonly elapsedMs: number;
}

/** What a broker was told about a transaction. */
export interface TransactionEnd extends HookClient {
  readonly topic: string;
  readonly tags: string | undefined;
  readonly keys: string | readonly string[] | undefined;
  readonly messageId: string;
  readonly transactionId: string | null;
  readonly state: "commit" | "rollback" | "unknown";
  /** Whether the broker had asked. */
  readonly fromCheck: boolean;
  readonly brokerAddress: string | null;
}

/**
 * Calls around what a client does. `send` and `consume` are called before; what they return is called
 * after, with the outcome. A `send` that throws forbids the send, which rejects with what it threw.
 *
 * @example Counting
 * ```ts
 * import { Producer } from "roquet";
 *
 * let failures = 0;
 * await using counted = await Producer.open({
 *   nameServers: "127.0.0.1:9876",
 *   group: "counted",
 *   hooks: [{ send: () => (end) => { if (end.error !== undefined) failures++; } }],
 * });
 * await counted.send({ topic: "Orders", body: "4" });
 * console.log(failures);
 * ```
 */
export interface ClientHooks {
  send?(call: SendCall): ((end: SendEnd) => void) | void;
  consume?(call: ConsumeCall): ((end: ConsumeEnd) => void) | void;
  /** Whether a pulled message shall be consumed; what isn't wanted counts as consumed. */
  filter?(message: ReceivedMessage): boolean;
  /** Calls `next`, which is the listener, in whatever surroundings it shall have. */
  within?<T>(call: ConsumeCall, next: () => T): T;
  transactionEnd?(end: TransactionEnd): void;
}

/** Calls what the hooks returned, last first; what they throw is logged. */
export function finish<T>(
  ends: readonly (((end: T) => void) | void)[],
  end: T,
  log: Logger,
): void {
  for (const each of ends.toReversed()) quietly(log, () => each?.(end));
}

/** Whether all filters want the message; one that fails wants it. */
export function passes(
  message: ReceivedMessage,
  hooks: readonly ClientHooks[],
  log: Logger,
): boolean {
  return hooks.every((hook) => {
    try {
      return hook.filter?.(message) ?? true;
    } catch (error) {
      log.warn("a filter failed; its message is consumed", { error });
      return true;
    }
  });
}

/** A hook's own failure isn't the client's. */
export function quietly(log: Logger, call: () => void): void {
  try {
    call();
  } catch (error) {
    log.warn("a hook failed", { error });
  }
}

export interface ObservedListener {
  client: () => HookClient;
  hooks: readonly ClientHooks[];
  clock: { nowMs(): number; monotonicMs(): number };
  log: Logger;
}

/** The listener with the hooks around it; itself when none cares. */
export function observed(listener: ListenerCall, options: ObservedListener): ListenerCall {
  const hooks = options.hooks.filter((each) => (each.consume ?? each.within) !== undefined);
  if (hooks.length === 0) return listener;
  const { clock, log } = options;
  return (messages, context) => {
    const call = { ...options.client(), messages, queue: context.queue };
    const ends: (((end: ConsumeEnd) => void) | void)[] = [];
    for (const hook of hooks) quietly(log, () => ends.push(hook.consume?.(call)));
    const startedAtMs = clock.nowMs();
    const startedMs = clock.monotonicMs();
    const done = (status: ConsumeEnd["status"], error?: unknown) => {
      const elapsedMs = clock.monotonicMs() - startedMs;
      finish(ends, { status, error, startedAtMs, elapsedMs }, log);
    };
    let next = () => called(listener, messages, context, done);
    for (const hook of hooks.toReversed()) {
      const inner = next;
      if (hook.within !== undefined) next = () => hook.within!(call, inner);
    }
    return next();
  };
}

function called(
  listener: ListenerCall,
  messages: readonly ReceivedMessage[],
  context: ConsumeContext,
  done: (status: ConsumeEnd["status"], error?: unknown) => void,
): ListenerOutcome | Promise<ListenerOutcome> {
  const ended = (outcome: ListenerOutcome) => {
    done(statusOf(outcome, messages.length));
    return outcome;
  };
  const failed = (error: unknown): never => {
    done("failed", error);
    throw error;
  };
  try {
    const outcome = listener(messages, context);
    return outcome instanceof Promise ? outcome.then(ended, failed) : ended(outcome);
  } catch (error) {
    return failed(error);
  }
}

function statusOf(outcome: ListenerOutcome, count: number): ConsumeEnd["status"] {
  if (outcome === ABANDONED) return "abandoned";
  return verdictOf(outcome, count).consumed < count ? "later" : "success";
}
