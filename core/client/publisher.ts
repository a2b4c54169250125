// What stands behind a producer's sends: learns topics, makes messages ready, begins them and turns
// their outcome into promises. producer.ts is the public face; sender.ts brings them to the brokers.
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
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

export class Publisher {
  private readonly usualDelivery: Delivery;

  constructor(
    private readonly core: ClientCore,
    private readonly sender: Sender,
    private readonly preparer: MessagePreparer,
    private readonly sendTimeoutMs: number,
  ) {
    this.usualDelivery = {
      fixedQueue: null,
      timeoutMs: sendTimeoutMs,
      isOneway: false,
      marks: null,
    };
  }

  /** Sends that are not settled yet. */
  get pending(): number {
    return this.sender.pending;
  }

  /** Resolves once nothing is on its way. */
  drained(): Promise<void> {
    return this.sender.drained();
  }

  send(
    message: Message,
    options?: SendOptions,
    marks: Marks | null = null,
  ): Promise<SendResult> {
    if (this.core.state === "running" && this.sender.knows(message.topic)) {
      return this.begin(message, options, marks);
    }
    return this.sendUnknown(message, options, marks);
  }

  async sendOneway(message: Message, options?: SendOptions): Promise<void> {
    await this.learn(message.topic);
    const delivery = { ...this.delivery(message.topic, options, null), isOneway: true };
    await this.sender.oneway(this.preparer.prepare(message, delivery));
  }

  async sendBatch(messages: readonly Message[], options?: SendOptions): Promise<SendResult[]> {
    this.core.checkRunning();
    const batches = this.preparer.batches(messages);
    const { topic } = batches[0]!;
    await this.learn(topic);
    const delivery = this.delivery(topic, options, null);
    const results = await Promise.allSettled(
      batches.map((batch) => this.launch(this.preparer.prepareBatch(batch, delivery), options)),
    );
    return results.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
  }

  /** The queues of a topic that take messages now. Rejects with ClientError "no_route". */
  async queues(topic: string): Promise<readonly MessageQueue[]> {
    await this.learn(topic);
    return this.sender.queuesOf(topic);
  }

  /** Finds the topic's queues when they aren't known yet. */
  async learn(topic: string): Promise<void> {
    this.core.checkRunning();
    if (this.sender.knows(topic)) return;
    await this.sender.learn(topic);
    this.core.checkRunning();
  }

  private async sendUnknown(
    message: Message,
    options: SendOptions | undefined,
    marks: Marks | null,
  ): Promise<SendResult> {
    await this.learn(message.topic);
    return await this.begin(message, options, marks);
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
      if (signal.aborted) {
        throw new ClientError("aborted", "the send was aborted", { cause: signal.reason });
      }
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
