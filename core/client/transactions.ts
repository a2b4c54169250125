// Transactions of a producer: a message that waits at the broker, the program's own transaction, and the end that it
// gives the message; and the answers to brokers that ask how one ended. Decides nothing itself.
import { formatProperties } from "../message/properties.ts";
import { PROPERTY } from "../message/property_names.ts";
import {
  TRANSACTION_COMMIT,
  TRANSACTION_NONE,
  TRANSACTION_PREPARED,
  TRANSACTION_ROLLBACK,
} from "../message/sys_flag.ts";
import { decodeOffsetMessageId } from "../message/message_id.ts";
import { requestCommand } from "../remoting/answers.ts";
import type { FieldsOf } from "../remoting/code_row.ts";
import { CHECK_TRANSACTION_STATE } from "../remoting/codes/client_bound.ts";
import { END_TRANSACTION } from "../remoting/codes/transactions.ts";
import { FLAG_ONEWAY } from "../remoting/command.ts";
import { encodeFields } from "../remoting/fields.ts";
import type { Connection, HandlerRegistry } from "../remoting/handler.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import type { Introductions } from "./introductions.ts";
import { CHECKS_AT_A_TIME_MAX, CHECKS_WAITING_MAX } from "./limits.ts";
import { invalid, isDelayed, type Message, type SendResult } from "./message.ts";
import type { Marks } from "./prepare.ts";
import type { Publisher, SendOptions } from "./publisher.ts";
import { decodeReceived, type ReceivedMessage } from "./received_message.ts";

/** How a transaction ended; "unknown": the broker asks later. */
export type TransactionState = "commit" | "rollback" | "unknown";

/** The program's own transaction, begun when the broker holds the message. */
export type LocalTransaction = (half: SendResult) => TransactionState | Promise<TransactionState>;

/** Tells how a transaction of this producer's group ended, whichever process began it. */
export type TransactionCheck = (
  message: ReceivedMessage,
) => TransactionState | Promise<TransactionState>;

export interface TransactionOptions extends SendOptions {
  /** The broker shall not ask before so many ms, and takes no end after them unless it asked. */
  checkAfterMs?: number;
}

export interface TransactionResult extends SendResult {
  /** What the broker was told. */
  state: TransactionState;
}

const ENDS: Record<TransactionState, number> = {
  commit: TRANSACTION_COMMIT,
  rollback: TRANSACTION_ROLLBACK,
  unknown: TRANSACTION_NONE,
};

type EndFields = Omit<FieldsOf<typeof END_TRANSACTION.request>, "fromTransactionCheck">;
type CheckFields = FieldsOf<typeof CHECK_TRANSACTION_STATE.request>;

export interface TransactionsOptions {
  group: string;
  /** Undefined: the producer begins no transactions and knows of none. */
  check: TransactionCheck | undefined;
}

export class Transactions {
  private readonly running = new Set<Promise<unknown>>();
  private checking = 0;
  private readonly waiting: (() => Promise<void>)[] = [];

  constructor(
    private readonly core: ClientCore,
    private readonly publisher: Publisher,
    private readonly introductions: Introductions,
    private readonly options: TransactionsOptions,
  ) {
    if (options.check !== undefined) this.serve(core.remoting, options.check);
  }

  /** Learns where the topics are and tells their brokers that we can be asked. */
  async announce(topics: readonly string[]): Promise<void> {
    for (const topic of topics) await this.publisher.learn(topic);
    await this.introductions.introduce();
  }

  run(
    message: Message,
    local: LocalTransaction,
    options: TransactionOptions | undefined,
  ): Promise<TransactionResult> {
    const transaction = this.transact(message, local, options);
    this.running.add(transaction);
    const done = () => void this.running.delete(transaction);
    transaction.then(done, done);
    return transaction;
  }

  /** Resolves when no transaction is under way. */
  async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running);
  }

  private async transact(
    message: Message,
    local: LocalTransaction,
    { checkAfterMs, ...options }: TransactionOptions = {},
  ): Promise<TransactionResult> {
    this.checkAllowed(message);
    await this.publisher.learn(message.topic);
    await this.introductions.introduce();
    const half = await this.publisher.send(message, options, this.marks(checkAfterMs));
    // As Apache's producers do: what may be lost isn't begun.
    if (half.status !== "ok") return await this.end(half, message, "rollback");
    let state: TransactionState;
    try {
      state = await local(half);
    } catch (error) {
      await this.end(half, message, "unknown");
      throw error;
    }
    return await this.end(half, message, state);
  }

  private checkAllowed(message: Message): void {
    if (this.options.check === undefined) {
      throw new ClientError(
        "invalid_options",
        "checkTransaction: a producer of transactions must be able to tell how they ended",
      );
    }
    if (!isDelayed(message)) return;
    throw invalid("a message of a transaction can't be delayed: Apache's brokers would drop it");
  }

  private marks(checkAfterMs: number | undefined): Marks {
    const properties: [string, string][] = [
      [PROPERTY.transactionPrepared, "true"],
      [PROPERTY.producerGroup, this.options.group],
    ];
    if (checkAfterMs !== undefined) {
      properties.push([PROPERTY.checkImmunitySeconds, String(Math.ceil(checkAfterMs / 1000))]);
    }
    return { properties: formatProperties(properties), sysFlag: TRANSACTION_PREPARED, code: null };
  }

  /** Tells the broker, one-way; when that fails it will ask. */
  private async end(
    half: SendResult,
    { topic, tags, keys }: Message,
    state: TransactionState,
  ): Promise<TransactionResult> {
    const { brokerName } = half.queue;
    try {
      const address = this.core.routes.address(brokerName);
      if (address === undefined) throw new ClientError("no_broker", `${brokerName} is gone`);
      const { physicalOffset } = decodeOffsetMessageId(half.offsetMessageId);
      await this.core.remoting.callOneway(END_TRANSACTION, address, {
        topic,
        producerGroup: this.options.group,
        tranStateTableOffset: half.queueOffset,
        commitLogOffset: physicalOffset,
        commitOrRollback: ENDS[state],
        fromTransactionCheck: false,
        msgId: half.messageId,
        ...(half.transactionId !== null && { transactionId: half.transactionId }),
        bname: brokerName,
      });
    } catch (error) {
      const { messageId } = half;
      this.core.log.warn("a transaction's end didn't reach its broker, which will ask", {
        messageId,
        state,
        error,
      });
    }
    const { messageId, transactionId } = half;
    const told = { topic, tags, keys, messageId, transactionId, state, fromCheck: false };
    this.publisher.transactionEnded(told, brokerName);
    return { ...half, state };
  }

  private serve(registry: HandlerRegistry, check: TransactionCheck): void {
    registry.handle(CHECK_TRANSACTION_STATE, ({ fields, body }, connection) => {
      const message = decodeReceived(body, {
        topic: "",
        brokerName: fields.bname ?? "",
        queueId: -1,
      })[0];
      const group = message?.properties.get(PROPERTY.producerGroup);
      if (message === undefined || group !== this.options.group) {
        this.core.log.warn("a broker asks about a transaction of another group", { group });
        return undefined;
      }
      this.enqueue(() => this.answer(check, message, fields, connection));
      return undefined;
    });
  }

  /** The broker asks again about what finds no place. */
  private enqueue(answer: () => Promise<void>): void {
    if (this.waiting.length >= CHECKS_WAITING_MAX) return;
    this.waiting.push(answer);
    this.next();
  }

  private next(): void {
    while (this.checking < CHECKS_AT_A_TIME_MAX) {
      const answer = this.waiting.shift();
      if (answer === undefined) return;
      this.checking++;
      answer().finally(() => {
        this.checking--;
        this.next();
      });
    }
  }

  private async answer(
    check: TransactionCheck,
    message: ReceivedMessage,
    asked: CheckFields,
    connection: Connection,
  ): Promise<void> {
    let state: TransactionState = "unknown";
    try {
      state = await check(message);
    } catch (error) {
      const { topic, messageId } = message;
      this.core.log.warn("checkTransaction failed; the broker asks again", {
        topic,
        messageId,
        error,
      });
    }
    const end: EndFields = {
      topic: asked.topic,
      producerGroup: this.options.group,
      tranStateTableOffset: asked.tranStateTableOffset,
      commitLogOffset: asked.commitLogOffset,
      commitOrRollback: ENDS[state],
      msgId: message.messageId,
      transactionId: asked.transactionId,
      bname: asked.bname,
    };
    const fields = { ...end, fromTransactionCheck: true };
    const extFields = encodeFields(END_TRANSACTION.request, fields);
    const command = requestCommand(END_TRANSACTION.code, { extFields });
    command.flag |= FLAG_ONEWAY;
    command.opaque = this.core.remoting.takeOpaque();
    connection.send(command);
    const { topic, tags, messageId } = message;
    this.publisher.transactionEnded({
      topic,
      tags,
      keys: message.keys,
      messageId,
      transactionId: asked.transactionId ?? null,
      state,
      fromCheck: true,
    }, asked.bname ?? "");
  }
}
