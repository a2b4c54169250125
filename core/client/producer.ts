// The producer: what a program calls to send. Checks and prepares messages; sender.ts brings them to
// the brokers.
import { PROPERTY } from "../message/property_names.ts";
import { ClientCore } from "./client_core.ts";
import { type ClientEnvironment, clientEnvironment } from "./environment.ts";
import { Introductions } from "./introductions.ts";
import type { Message, MessageQueue, SendResult } from "./message.ts";
import { withNamespace } from "./namespace.ts";
import {
  type CheckedProducerOptions,
  checkProducerOptions,
  type ProducerOptions,
} from "./options.ts";
import { PublicClient } from "./public_client.ts";
import type { Publisher, SendOptions } from "./publisher.ts";
import type { ReceivedMessage } from "./received_message.ts";
import { type Reply, type ReplyContent, replyTo } from "./reply.ts";
import { recall } from "./recall.ts";
import { Requests } from "./requests.ts";
import { producerSending, type Sending } from "./sending.ts";
import {
  type LocalTransaction,
  type TransactionOptions,
  type TransactionResult,
  Transactions,
} from "./transactions.ts";

export type { SendOptions };

export interface RequestOptions extends SendOptions {
  /** Until the reply is here, in ms. Default: the producer's sendTimeoutMs. */
  timeoutMs?: number;
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
export class Producer extends PublicClient {
  private readonly options: CheckedProducerOptions;
  protected override readonly core: ClientCore;
  private readonly sending: Sending;
  private readonly publisher: Publisher;
  private readonly background = new AsyncDisposableStack();
  private readonly requests: Requests;
  private readonly transactions: Transactions;

  /** Throws ClientError "invalid_options". Nothing is connected before `start`. */
  constructor(options: ProducerOptions = {}, environment: Partial<ClientEnvironment> = {}) {
    super();
    const full = clientEnvironment(environment);
    this.options = checkProducerOptions(options);
    const { group } = this.options;
    this.core = new ClientCore(full, this.options, {
      kind: "producer",
      group,
      heartbeat: () => ({ consumerDataSet: [], producerDataSet: [{ groupName: group }] }),
    });
    this.sending = producerSending(this.core, this.options);
    this.publisher = this.sending.publisher;
    const introductions = new Introductions(this.core);
    this.requests = new Requests(this.core, this.publisher, introductions);
    this.transactions = new Transactions(this.core, this.publisher, introductions, {
      group,
      check: this.options.checkTransaction,
    });
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

  protected override async begin(): Promise<void> {
    this.sending.start(this.background);
    const { transactionTopics } = this.options;
    if (transactionTopics.length > 0) await this.transactions.announce(transactionTopics);
  }

  /** Sends that are not settled yet. */
  get pending(): number {
    return this.publisher.pending;
  }

  /**
   * Sends one message and resolves when a broker stored it; see `status` in the result for how
   * safely. Tries other queues and brokers when one fails. Rejects with ClientError.
   */
  send(message: Message, options?: SendOptions): Promise<SendResult> {
    return this.publisher.send(this.named(message), options);
  }

  /** Sends without waiting for an answer; resolves when the message is queued for the network. */
  sendOneway(message: Message, options?: SendOptions): Promise<void> {
    return this.publisher.sendOneway(this.named(message), options);
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
  sendBatch(messages: readonly Message[], options?: SendOptions): Promise<SendResult[]> {
    return this.publisher.sendBatch(messages.map((each) => this.named(each)), options);
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

  /**
   * Sends a message and resolves with the reply of the consumer that took it (see `reply`), whatever
   * its client library. Rejects with ClientError "no_reply" when nobody replied in time, and with
   * what went wrong when it couldn't be sent.
   */
  request(message: Message, options: RequestOptions = {}): Promise<Reply> {
    const timeoutMs = options.timeoutMs ?? this.options.sendTimeoutMs;
    return this.requests.ask(this.named(message), { ...options, timeoutMs });
  }

  /**
   * Replies to a message that a `request` sent, Java's or ours. Resolves when the requester has the
   * reply. Rejects with ClientError: "invalid_message" when the message asks for no reply, "refused"
   * when the requester is gone.
   *
   * @example
   * ```ts
   * import { PushConsumer } from "roquet";
   *
   * await using consumer = await PushConsumer.open(
   *   {
   *     nameServers: "127.0.0.1:9876",
   *     group: "pricing",
   *     consumeFrom: "first",
   *     subscriptions: { Prices: "*" },
   *   },
   *   async (message) => {
   *     await producer.reply(message, `${message.text()} cost 3`);
   *   },
   * );
   * const price = await producer.request({ topic: "Prices", body: "pears" }, { timeoutMs: 5000 });
   * console.log(price.text());
   * ```
   */
  async reply(
    request: ReceivedMessage,
    content: ReplyContent,
    options?: SendOptions,
  ): Promise<SendResult> {
    const { message, marks } = replyTo(request, content);
    const queues = await this.publisher.queues(message.topic);
    // The requester is connected to the broker that it sent to; of others that isn't sure.
    const queue = queues.find(({ brokerName }) => brokerName === request.queue.brokerName);
    return this.publisher.send(message, { ...(queue && { queue }), ...options }, marks);
  }

  /**
   * Sends a message that consumers see only when the program's own transaction commits. The broker
   * holds it, then `local` runs, and what it gives ends the message: "commit" or "rollback". After
   * "unknown", or when the end got lost, the broker asks a producer of this group, by the option
   * checkTransaction. Rejects with ClientError when the message can't be sent (then `local` never
   * ran), and with what `local` throws (then the broker asks). A broker that couldn't store it as
   * safely as asked has it rolled back, and `local` doesn't run.
   *
   * @example
   * ```ts
   * import { Producer } from "roquet";
   *
   * const paid = new Set<string>();
   * await using payments = await Producer.open({
   *   nameServers: "127.0.0.1:9876",
   *   group: "payments",
   *   checkTransaction: (message) => paid.has(message.keys[0]!) ? "commit" : "unknown",
   * });
   * const message = { topic: "Payments", body: "3 EUR", keys: ["order-1"] };
   * const { state } = await payments.sendInTransaction(message, () => {
   *   paid.add("order-1");
   *   return "commit";
   * });
   * console.log(state);
   * ```
   */
  sendInTransaction(
    message: Message,
    local: LocalTransaction,
    options?: TransactionOptions,
  ): Promise<TransactionResult> {
    return this.transactions.run(this.named(message), local, options);
  }

  /**
   * Takes a timed message back, by the handle in its send's result, before it is delivered; gives its
   * id. Whether the message still waited is known to the broker only at its time. Rejects with
   * ClientError: "refused" when the time is past, or the broker takes none back
   * (recallMessageEnable).
   *
   * @example
   * ```ts
   * const { recallHandle } = await producer.send({
   *   topic: "Reminders",
   *   body: "pay",
   *   delaySeconds: 3600,
   * });
   * await producer.recall(recallHandle!);
   * ```
   */
  recall(handle: string): Promise<string> {
    const { group, sendTimeoutMs } = this.options;
    const { core, publisher, sending: { trace } } = this;
    return recall({ core, publisher, trace, group, timeoutMs: sendTimeoutMs }, handle);
  }

  /** The queues of a topic that take messages now. Rejects with ClientError "no_route". */
  queues(topic: string): Promise<readonly MessageQueue[]> {
    return this.publisher.queues(withNamespace(this.options.namespace, topic));
  }

  /** Waits for sends and transactions that are on their way, says good-bye and closes the connections. */
  override async close(): Promise<void> {
    this.core.refuse();
    await this.transactions.settled();
    await this.publisher.drained();
    await this.background.disposeAsync();
    await this.sending.trace?.flush();
    await this.core.close();
  }

  /** The message under its topic's full name. */
  private named(message: Message): Message {
    const { namespace } = this.options;
    if (namespace === undefined) return message;
    return {
      ...message,
      topic: withNamespace(namespace, message.topic),
      properties: { ...message.properties, [PROPERTY.instanceId]: namespace },
    };
  }
}
