// The producer: what a program calls to send. Checks and prepares messages; sender.ts brings them to
// the brokers.
import { ClientCore, type ClientState } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { type ClientEnvironment, clientEnvironment } from "./environment.ts";
import { FaultTracker } from "./fault_tracker.ts";
import {
  checkTopic,
  invalid,
  type Message,
  type MessageQueue,
  type SendResult,
} from "./message.ts";
import {
  type CheckedProducerOptions,
  checkProducerOptions,
  type ProducerOptions,
  type QueueSelector,
} from "./options.ts";
import type { PreparedSend } from "./pending_send.ts";
import { type Delivery, MessagePreparer } from "./prepare.ts";
import { Sender } from "./sender.ts";

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

/**
 * Sends messages.
 *
 * @example One after the other
 * ```ts
 * import { Producer } from "roquet";
 *
 * await using producer = await Producer.open({ nameServers: "127.0.0.1:9876", group: "orders" });
 * const { messageId, queueOffset } = await producer.send({
 *   topic: "Orders",
 *   body: JSON.stringify({ id: 1 }),
 *   tags: "created",
 *   keys: ["order-1"],
 * });
 * console.log(messageId, queueOffset);
 * ```
 *
 * @example Many in flight: begin them all, then await them
 * ```ts
 * const results = await Promise.all(
 *   Array.from({ length: 1000 }, (_, i) => producer.send({ topic: "Orders", body: `${i}` })),
 * );
 * ```
 */
export class Producer implements AsyncDisposable {
  private readonly options: CheckedProducerOptions;
  private readonly core: ClientCore;
  private readonly sender: Sender;
  private readonly preparer: MessagePreparer;
  private readonly usualDelivery: Delivery;

  /** Throws ClientError "invalid_options". Nothing is connected before `start`. */
  constructor(options: ProducerOptions = {}, environment: Partial<ClientEnvironment> = {}) {
    const full = clientEnvironment(environment);
    this.options = checkProducerOptions(options);
    const { group } = this.options;
    this.core = new ClientCore(full, this.options, {
      kind: "producer",
      group,
      heartbeat: () => ({ consumerDataSet: [], producerDataSet: [{ groupName: group }] }),
    });
    const faults = this.options.avoidSlowBrokers ? new FaultTracker(full.clock) : null;
    this.sender = new Sender(this.core, {
      group,
      retriesMax: this.options.sendRetries,
      retriesWhenNotStoredAsAsked: this.options.retryWhenNotStoredAsAsked,
      sendsInFlightMax: this.options.sendsInFlightMax,
      sendsWaitingMax: this.options.sendsWaitingMax,
      autoCreateQueues: this.options.autoCreateQueues,
    }, faults);
    this.preparer = new MessagePreparer(this.options, full);
    const { sendTimeoutMs } = this.options;
    this.usualDelivery = { fixedQueue: null, timeoutMs: sendTimeoutMs, isOneway: false };
  }

  /** A producer that runs. */
  static async open(
    options: ProducerOptions = {},
    environment: Partial<ClientEnvironment> = {},
  ): Promise<Producer> {
    const producer = new Producer(options, environment);
    await producer.start();
    return producer;
  }

  get group(): string {
    return this.options.group;
  }

  /** How brokers call this client: address@instance. */
  get clientId(): string {
    return this.core.clientId;
  }

  get state(): ClientState {
    return this.core.state;
  }

  /** Sends that are not settled yet. */
  get pending(): number {
    return this.sender.pending;
  }

  /** Throws ClientError "already_started" or "duplicate_group". */
  start(): Promise<void> {
    return this.core.start(() => {
      this.core.keepAlive();
      return Promise.resolve();
    });
  }

  /**
   * Sends one message and resolves when a broker stored it; see `status` in the result for how
   * safely. Tries other queues and brokers when one fails. Rejects with ClientError.
   */
  send(message: Message, options?: SendOptions): Promise<SendResult> {
    if (this.core.state === "running" && this.sender.knows(message.topic)) {
      return this.begin(message, options);
    }
    return this.sendUnknown(message, options);
  }

  /** Sends without waiting for an answer; resolves when the message is queued for the network. */
  async sendOneway(message: Message, options?: SendOptions): Promise<void> {
    await this.prepareTopic(message.topic);
    const delivery = { ...this.delivery(message.topic, options), isOneway: true };
    await this.sender.oneway(this.preparer.prepare(message, delivery));
  }

  /**
   * Sends several messages of one topic together; each batch is stored whole or not at all. More
   * than fits one request is split, and there is one result for each request. Rejects with the first
   * failure once all are settled.
   *
   * @example
   * ```ts
   * await producer.sendBatch(["a", "b", "c"].map((body) => ({ topic: "Orders", body })));
   * ```
   */
  async sendBatch(messages: readonly Message[], options?: SendOptions): Promise<SendResult[]> {
    this.core.checkRunning();
    const batches = this.preparer.batches(messages);
    const { topic } = batches[0]!;
    await this.prepareTopic(topic);
    const delivery = { ...this.delivery(topic, options), isOneway: false };
    const results = await Promise.allSettled(
      batches.map((batch) => this.launch(this.preparer.prepareBatch(batch, delivery), options)),
    );
    return results.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
  }

  /**
   * Sends what comes, keeping up to `inFlight` on their way, and gives the results in order. Takes
   * from the source no faster than brokers store, so that an endless one may be given.
   *
   * @example
   * ```ts
   * function* messages() {
   *   for (let i = 0; i < 1000; i++) yield { topic: "Orders", body: `${i}` };
   * }
   * for await (const result of producer.sendAll(messages())) console.log(result.queueOffset);
   * ```
   */
  async *sendAll(
    source: AsyncIterable<Message> | Iterable<Message>,
    options: SendOptions & { inFlight?: number } = {},
  ): AsyncGenerator<SendResult, void, undefined> {
    const { inFlight = 1024 } = options;
    const sends: Promise<SendResult>[] = [];
    let from = 0;
    for await (const message of source) {
      const send = this.send(message, options);
      // It is awaited in its turn; until then nobody else looks at its failure.
      send.catch(() => {});
      sends.push(send);
      if (sends.length - from >= inFlight) yield await sends[from++]!;
      if (from >= 1024) from -= sends.splice(0, from).length;
    }
    while (from < sends.length) yield await sends[from++]!;
  }

  /** The queues of a topic that take messages now. Rejects with ClientError "no_route". */
  async queues(topic: string): Promise<readonly MessageQueue[]> {
    await this.prepareTopic(topic);
    return this.sender.queuesOf(topic);
  }

  /** Waits for the sends that are on their way, says good-bye and closes the connections. */
  async close(): Promise<void> {
    this.core.refuse();
    await this.sender.drained();
    await this.core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async sendUnknown(message: Message, options?: SendOptions): Promise<SendResult> {
    await this.prepareTopic(message.topic);
    return await this.begin(message, options);
  }

  private async prepareTopic(topic: string): Promise<void> {
    this.core.checkRunning();
    if (this.sender.knows(topic)) return;
    await this.sender.learn(topic);
    this.core.checkRunning();
  }

  private begin(message: Message, options: SendOptions | undefined): Promise<SendResult> {
    try {
      const delivery = options === undefined
        ? this.usualDelivery
        : this.delivery(message.topic, options);
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

  private delivery(topic: string, options: SendOptions | undefined): Delivery {
    return {
      fixedQueue: this.fixedQueue(topic, options),
      timeoutMs: options?.timeoutMs ?? this.options.sendTimeoutMs,
      isOneway: false,
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
