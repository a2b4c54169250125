// What stands behind a producer's sends: learns topics, makes messages ready, begins them and turns
// their outcome into promises. producer.ts is the public face; sender.ts brings them to the brokers.
import { TRANSACTION_PREPARED } from "../message/sys_flag.ts";
import { SEND_REPLY_MESSAGE_V2 } from "../remoting/codes/send.ts";
import { AutoBatch, type AutoBatchOptions } from "./auto_batch.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import {
  type ClientHooks,
  finish,
  type HookClient,
  quietly,
  type SendCall,
  type SendEnd,
  type SendKind,
  type TransactionEnd,
} from "./hooks.ts";
import {
  checkTopic,
  invalid,
  type Message,
  type MessageQueue,
  type SendResult,
} from "./message.ts";
import type { QueueSelector } from "./options.ts";
import type { PreparedSend } from "./pending_send.ts";
import type { Delivery, Marks, MessagePreparer } from "./prepare.ts";
import type { Sender } from "./sender.ts";

export interface SendOptions {
  /** The queue to send to. */
  queue?: MessageQueue;
  /** Chooses it among those that take messages now; see selectors.ts for the usual ones. */
  select?: QueueSelector;
  /** All attempts together, in ms. Default: the producer's sendTimeoutMs. */
  timeoutMs?: number;
  /** Gives up waiting. The message may be stored nevertheless. */
  signal?: AbortSignal;
}

export interface PublisherOptions {
  sendTimeoutMs: number;
  hooks?: readonly ClientHooks[];
  /** False: every message travels by itself. */
  autoBatch?: AutoBatchOptions | false;
  /** Sends while the client closes too: for what the library itself has to say at the end. */
  sendsToTheEnd?: boolean;
}

export class Publisher {
  private readonly usualDelivery: Delivery;
  private readonly sendTimeoutMs: number;
  private readonly sendsToTheEnd: boolean;

  private readonly hooks: readonly ClientHooks[];
  private readonly autoBatch: AutoBatch | null;
  /** Those that go the long way: their topic's queues are being found, or hooks are around them. */
  private readonly preparing = new Set<Promise<void>>();

  constructor(
    private readonly core: ClientCore,
    private readonly sender: Sender,
    private readonly preparer: MessagePreparer,
    { sendTimeoutMs, hooks = [], autoBatch = false, sendsToTheEnd = false }: PublisherOptions,
  ) {
    const { clock } = core.environment;
    this.hooks = hooks;
    this.sendTimeoutMs = sendTimeoutMs;
    this.sendsToTheEnd = sendsToTheEnd;
    this.autoBatch = autoBatch === false
      ? null
      : new AutoBatch(clock, autoBatch, (messages, queue) => this.sendTogether(messages, queue));
    this.usualDelivery = {
      fixedQueue: null,
      timeoutMs: sendTimeoutMs,
      isOneway: false,
      marks: null,
    };
  }

  /** Sends that are not settled yet. */
  get pending(): number {
    return this.sender.pending + (this.autoBatch?.pending ?? 0);
  }

  /** Resolves once nothing is on its way. */
  async drained(): Promise<void> {
    while (this.preparing.size > 0) {
      this.autoBatch?.flush();
      await Promise.race(this.preparing);
    }
    await this.sender.drained();
  }

  send(
    message: Message,
    options?: SendOptions,
    marks: Marks | null = null,
  ): Promise<SendResult> {
    const isPlain = this.hooks.length === 0 && this.autoBatch === null;
    if (isPlain && this.core.state === "running" && this.sender.knows(message.topic)) {
      return this.begin(message, options, marks);
    }
    return this.sendTheLongWay(message, options, marks);
  }

  async sendOneway(message: Message, options?: SendOptions): Promise<void> {
    await this.observed("oneway", [message], options, async ([message]) => {
      const { topic } = message!;
      await this.find(topic, options);
      const delivery = { ...this.delivery(topic, options, null), isOneway: true };
      await this.sender.oneway(this.preparer.prepare(message!, delivery));
      return [];
    });
  }

  sendBatch(messages: readonly Message[], options?: SendOptions): Promise<SendResult[]> {
    return this.observed("batch", messages, options, async (messages) => {
      const batches = this.preparer.batches(messages);
      const { topic } = batches[0]!;
      await this.find(topic, options);
      const delivery = this.delivery(topic, options, null);
      const results = await Promise.allSettled(
        batches.map((batch) => this.launch(this.preparer.prepareBatch(batch, delivery), options)),
      );
      return results.map((result) => {
        if (result.status === "rejected") throw result.reason;
        return result.value;
      });
    });
  }

  /** The queues of a topic that take messages now. Rejects with ClientError "no_route". */
  async queues(topic: string): Promise<readonly MessageQueue[]> {
    await this.learn(topic);
    return this.sender.queuesOf(topic);
  }

  /** Finds the topic's queues when they aren't known yet. */
  async learn(topic: string): Promise<void> {
    this.checkOpen();
    if (this.sender.knows(topic)) return;
    await this.sender.learn(topic);
    this.checkOpen();
  }

  /** The same for a send that is under way, which closing waits for. */
  private async find(topic: string, options: SendOptions | undefined): Promise<void> {
    if (this.sender.knows(topic)) return;
    const signal = options?.signal;
    const learning = this.sender.learn(topic);
    await (signal === undefined ? learning : unlessAborted(learning, signal));
  }

  private checkOpen(): void {
    if (!this.sendsToTheEnd) this.core.checkRunning();
  }

  private async sendTheLongWay(
    message: Message,
    options: SendOptions | undefined,
    marks: Marks | null,
  ): Promise<SendResult> {
    const [result] = await this.observed(kindOf(marks), [message], options, async ([message]) => {
      await this.find(message!.topic, options);
      const gathers = marks === null && options?.signal === undefined &&
        options?.timeoutMs === undefined && this.autoBatch?.takes(message!);
      return [
        gathers ? await this.gather(message!, options) : await this.begin(message!, options, marks),
      ];
    });
    return result!;
  }

  /** Has it travel with others; a fault of its own must not be theirs. */
  private gather(message: Message, options: SendOptions | undefined): Promise<SendResult> {
    this.preparer.check(message);
    return this.autoBatch!.add(message, this.fixedQueue(message.topic, options));
  }

  private sendTogether(
    messages: readonly Message[],
    queue: MessageQueue | null,
  ): Promise<SendResult[]> {
    const delivery = {
      fixedQueue: queue,
      timeoutMs: this.sendTimeoutMs,
      isOneway: false,
      marks: null,
    };
    return Promise.all(
      this.preparer.batches(messages).map((batch) =>
        this.launch(this.preparer.prepareBatch(batch, delivery), undefined)
      ),
    );
  }

  /** Does it with the hooks around it; closing waits for it. Rejects at once when the client doesn't run. */
  private async observed(
    kind: SendKind,
    messages: readonly Message[],
    options: SendOptions | undefined,
    run: (messages: readonly Message[]) => Promise<SendResult[]>,
  ): Promise<SendResult[]> {
    this.checkOpen();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.preparing.add(promise);
    try {
      return await this.withHooks(kind, messages, options, run);
    } finally {
      this.preparing.delete(promise);
      resolve();
    }
  }

  private async withHooks(
    kind: SendKind,
    messages: readonly Message[],
    options: SendOptions | undefined,
    run: (messages: readonly Message[]) => Promise<SendResult[]>,
  ): Promise<SendResult[]> {
    const { core, hooks } = this;
    if (hooks.length === 0) return await run(messages);
    const { clock } = core.environment;
    const startedAtMs = clock.nowMs();
    const startedMs = clock.monotonicMs();
    const call: SendCall = {
      ...core.hookClient(),
      kind,
      messages,
      queue: options?.queue ?? null,
    };
    const ends: (((end: SendEnd) => void) | void)[] = [];
    let results: SendResult[] = [];
    let error: unknown;
    try {
      for (const hook of hooks) ends.push(hook.send?.(call));
      results = await run(call.messages);
      return results;
    } catch (reason) {
      error = reason;
      throw reason;
    } finally {
      const brokerName = results[0]?.queue.brokerName;
      const brokerAddress = brokerName === undefined
        ? null
        : core.routes.address(brokerName) ?? null;
      const elapsedMs = clock.monotonicMs() - startedMs;
      const end = { results, error, startedAtMs, elapsedMs, brokerAddress };
      finish(ends, end, core.log);
    }
  }

  /** Tells the hooks what a broker was told about a transaction. */
  transactionEnded(end: Omit<TransactionEnd, keyof HookClient | "brokerAddress">, broker: string) {
    const { core } = this;
    const brokerAddress = core.routes.address(broker) ?? null;
    const told = { ...end, ...core.hookClient(), brokerAddress };
    for (const hook of this.hooks) {
      quietly(core.log, () => hook.transactionEnd?.(told));
    }
  }

  private begin(
    message: Message,
    options: SendOptions | undefined,
    marks: Marks | null,
  ): Promise<SendResult> {
    try {
      const delivery = options === undefined && marks === null
        ? this.usualDelivery
        : this.delivery(message.topic, options, marks);
      return this.launch(this.preparer.prepare(message, delivery), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private launch(prepared: PreparedSend, options: SendOptions | undefined): Promise<SendResult> {
    const signal = options?.signal;
    if (signal !== undefined) return this.launchAbortable(prepared, signal);
    return new Promise((resolve, reject) => {
      this.sender.begin(prepared, resolve, reject);
    });
  }

  private launchAbortable(prepared: PreparedSend, signal: AbortSignal): Promise<SendResult> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw aborted(signal);
      const send = this.sender.begin(prepared, settle(resolve), settle(reject));
      const onAbort = () => send.abort(signal.reason);
      if (!send.settled) signal.addEventListener("abort", onAbort, { once: true });

      function settle<T>(callback: (value: T) => void): (value: T) => void {
        return (value) => {
          signal.removeEventListener("abort", onAbort);
          callback(value);
        };
      }
    });
  }

  private delivery(
    topic: string,
    options: SendOptions | undefined,
    marks: Marks | null,
  ): Delivery {
    return {
      fixedQueue: this.fixedQueue(topic, options),
      timeoutMs: options?.timeoutMs ?? this.sendTimeoutMs,
      isOneway: false,
      marks,
    };
  }

  private fixedQueue(topic: string, options: SendOptions | undefined): MessageQueue | null {
    const { queue, select } = options ?? {};
    if (queue !== undefined) {
      if (queue.topic !== topic) throw invalid(`the queue is one of the topic ${queue.topic}`);
      return queue;
    }
    if (select === undefined) return null;
    const queues = this.sender.queuesOf(topic);
    if (queues.length === 0) {
      checkTopic(topic);
      throw new ClientError("no_route", `no broker takes messages of the topic ${topic} now`, {
        retriable: true,
      });
    }
    const selected = select(queues);
    if (!queues.includes(selected)) {
      throw invalid("the selector must give one of the queues that it was given");
    }
    return selected;
  }
}

function kindOf(marks: Marks | null): SendKind {
  if (marks === null) return "send";
  if (marks.code === SEND_REPLY_MESSAGE_V2.code) return "reply";
  return (marks.sysFlag & TRANSACTION_PREPARED) !== 0 ? "transaction" : "request";
}

function aborted(signal: AbortSignal): ClientError {
  return new ClientError("aborted", "the send was aborted", { cause: signal.reason });
}

/** The work's outcome, or "aborted" when the signal comes first. */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(aborted(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
