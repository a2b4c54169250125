// Ends transactions as their producers say (request 37): puts the message where consumers see it, or leaves it where
// nobody does, and notes the decision. The first end of a transaction counts, whatever comes later, twice, from whomever
// (Apache takes each one anew; its issue 8158).
import { RequestError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/log.ts";
import { decodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import {
  TRANSACTION_COMMIT,
  TRANSACTION_NONE,
  TRANSACTION_ROLLBACK,
} from "../../../core/message/sys_flag.ts";
import { TRANSACTION_HALF_TOPIC } from "../../../core/message/topic_names.ts";
import type { FieldsOf } from "../../../core/remoting/code_row.ts";
import { END_TRANSACTION } from "../../../core/remoting/codes/transactions.ts";
import type { Answer, Connection, HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { isStored, type MessageStore } from "../../../store/message_store.ts";
import type { PutRules } from "../put_rules.ts";
import { putRefusal } from "../send/put_refusals.ts";
import type { StatsSink } from "../stats_sink.ts";
import {
  committed,
  committedProperties,
  type HalfMessage,
  halfMessageOf,
  immunityMsOf,
  transactionKeyOf,
} from "./half_message.ts";
import {
  COMMITTED,
  DECIDED,
  type Decision,
  type HalfState,
  PASSED,
  ROLLED_BACK,
  UNDECIDED,
} from "./half_queue.ts";
import type { Ledger } from "./ledger.ts";
import { LATE_ENDS_MAX } from "./limits.ts";
import type { OpBatches } from "./op_batches.ts";
import type { Traces } from "./traces.ts";
import type { TransactionCounts } from "./transaction_counts.ts";

export interface EndTransactionParts {
  store: Pick<MessageStore, "read" | "put" | "writeRefusal" | "minPhysicalOffset">;
  ledger: Ledger;
  ops: OpBatches;
  traces: Traces;
  counts: TransactionCounts;
  rules: Pick<PutRules, "apply">;
  stats: StatsSink;
  clock: Clock;
  log: Logger;
  /** The log's end when this broker's life began: what lies before is an earlier one's. */
  openedOffset: number;
  /** Live configuration values by Apache's names. */
  settings: { readonly transactionTimeOut: number; readonly maxMessageSize: number };
}

type EndFields = FieldsOf<typeof END_TRANSACTION.request>;
type EndAnswer = Answer<Record<string, never>>;

/** As clients make them: 16 bytes in hexadecimal digits, 28 where the address is IPv6. */
const UNIQUE_KEY = /^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{56})$/;
const SUCCESS: EndAnswer = { code: ResponseCode.SUCCESS };

export class EndTransactions {
  /** Transactions whose end is under way. */
  private readonly ending = new Map<string, Promise<void>>();
  /** Those that were ended after they had been given up. */
  private readonly endedLate = new Map<string, Decision>();

  constructor(private readonly parts: EndTransactionParts) {}

  register(registry: HandlerRegistry): void {
    registry.handle(END_TRANSACTION, ({ fields }, connection) => this.end(fields, connection));
  }

  /** Resolves when no end of the transaction is under way. */
  async settled(half: HalfMessage): Promise<void> {
    const key = transactionKeyOf(half);
    for (let first = this.ending.get(key); first; first = this.ending.get(key)) await first;
  }

  private async end(fields: EndFields, connection: Connection): Promise<EndAnswer | undefined> {
    const decision = decisionOf(fields.commitOrRollback);
    if (decision === null) {
      // Still unknown: the broker will ask. Nobody is answered, as Apache does.
      this.parts.log.debug("a transaction's end is unknown", {
        producer: connection.remoteAddress,
        commitOrRollback: fields.commitOrRollback,
        msgId: fields.msgId,
      });
      return undefined;
    }
    const half = await this.find(fields.commitLogOffset);
    this.check(half, fields);
    return await this.alone(half, () => this.decide(half, decision));
  }

  /** Ends of one transaction come one after the other. */
  private async alone<T>(half: HalfMessage, action: () => Promise<T>): Promise<T> {
    const key = transactionKeyOf(half);
    const result = (this.ending.get(key) ?? Promise.resolve()).then(action);
    const settled = result.then(() => {}, () => {});
    this.ending.set(key, settled);
    try {
      return await result;
    } finally {
      if (this.ending.get(key) === settled) this.ending.delete(key);
    }
  }

  private async decide(half: HalfMessage, decision: Decision): Promise<EndAnswer> {
    const state = await this.stateNow(half);
    // Deleted meanwhile, and what tells its state with it.
    if (half.physicalOffset < this.parts.store.minPhysicalOffset) throw halfNotFound();
    if (state !== UNDECIDED) return repeated(state, decision);
    if (decision === COMMITTED) await this.putCommitted(half);
    else this.checkWriteable();
    this.note(half, decision);
    return SUCCESS;
  }

  private async find(physicalOffset: number): Promise<HalfMessage> {
    const view = await this.parts.store.read(physicalOffset);
    const half = view === null ? null : halfMessageOf(view);
    if (half === null || half.topic !== TRANSACTION_HALF_TOPIC) {
      throw halfNotFound();
    }
    return half;
  }

  private check(half: HalfMessage, fields: EndFields): void {
    if (!fields.fromTransactionCheck && this.isLate(half)) {
      throw new RequestError(ResponseCode.ILLEGAL_OPERATION, "");
    }
    if (half.properties.get(PROPERTY.producerGroup) !== fields.producerGroup) {
      throw refused("The producer group wrong");
    }
    if (half.queueOffset !== fields.tranStateTableOffset) {
      throw refused("The transaction state table offset wrong");
    }
    if (half.physicalOffset !== fields.commitLogOffset) {
      throw refused("The commit log offset wrong");
    }
    if (namesAnother(half, fields)) throw halfNotFound();
  }

  /** One that asked for its own first check may only be ended before it (EndTransactionProcessor). */
  private isLate(half: HalfMessage): boolean {
    const { clock, settings } = this.parts;
    if (!half.properties.get(PROPERTY.checkImmunitySeconds)) return false;
    const immunityMs = immunityMsOf(half, settings.transactionTimeOut) ?? 0;
    return clock.nowMs() - half.bornTimestampMs >
      Math.max(immunityMs, settings.transactionTimeOut);
  }

  /** How the transaction stands: from memory, or for one of an earlier time from the log. */
  private async stateNow(half: HalfMessage): Promise<HalfState> {
    const { ledger, traces, openedOffset } = this.parts;
    // One of an earlier life may stand behind itself once more: it was put back, and then the broker was killed.
    if (half.physicalOffset < openedOffset) await ledger.knowCopies();
    const state = ledger.stateOf(ledger.placeOf(half));
    if (state === COMMITTED || state === ROLLED_BACK) return state;
    if (state === UNDECIDED && half.physicalOffset >= openedOffset) return state;
    const endedLate = this.endedLate.get(transactionKeyOf(half));
    if (state === PASSED && endedLate !== undefined) return endedLate;
    // Without an index nobody knows whether it was decided: as Apache, take the producer's word again.
    if (!traces.enabled) return state === PASSED ? UNDECIDED : state;
    if (await traces.isCommitted(half)) {
      // A broker that was killed may have put the message without a note of it.
      if (state === UNDECIDED) this.note(half, COMMITTED);
      return COMMITTED;
    }
    if (state === PASSED) return await traces.isGivenUp(half) ? UNDECIDED : ROLLED_BACK;
    return state === DECIDED ? ROLLED_BACK : state;
  }

  /** What can't be written may not pile up in memory either. Throws RequestError. */
  private checkWriteable(): void {
    const { store: { writeRefusal }, settings } = this.parts;
    if (writeRefusal !== null) throw putRefusal(writeRefusal.status, writeRefusal.detail, settings);
  }

  private async putCommitted(half: HalfMessage): Promise<void> {
    const { store, rules, stats, settings, clock } = this.parts;
    const properties = committedProperties(half);
    const message = committed(half, properties);
    // A delay that the producer asked for begins now.
    rules.apply(message, properties, clock.nowMs(), false);
    const [result] = await store.put([message]);
    const { status, detail, size } = result!;
    if (!isStored(status)) {
      throw putRefusal(status, detail, settings);
    }
    stats.topicPut(message.topic, message.queueId, 1, size);
    stats.brokerPut(message.topic, 1);
  }

  private note(half: HalfMessage, decision: Decision): void {
    const { ledger, ops, counts } = this.parts;
    const place = ledger.decide(half, decision);
    if (place === null) return this.noteLate(half, decision);
    ops.add(place.queueId, place.queueOffset);
    counts.add(half.realTopic, -1);
  }

  private noteLate(half: HalfMessage, decision: Decision): void {
    const [oldest] = this.endedLate.keys();
    if (oldest !== undefined && this.endedLate.size >= LATE_ENDS_MAX) this.endedLate.delete(oldest);
    this.endedLate.set(transactionKeyOf(half), decision);
  }
}

/** Null for a producer that doesn't know yet. Throws RequestError for a word that means nothing. */
function decisionOf(commitOrRollback: number): typeof COMMITTED | typeof ROLLED_BACK | null {
  if (commitOrRollback === TRANSACTION_COMMIT) return COMMITTED;
  if (commitOrRollback === TRANSACTION_ROLLBACK) return ROLLED_BACK;
  if (commitOrRollback === TRANSACTION_NONE) return null;
  throw refused("commitOrRollback field wrong");
}

function repeated(state: HalfState, decision: Decision): EndAnswer {
  if (state === decision) return SUCCESS;
  return {
    code: ResponseCode.ILLEGAL_OPERATION,
    remark: "the transaction was ended before, and its first end counts",
  };
}

/**
 * Whether both ids of an end are the unique key of one message, and not of the half at the place that it names: under
 * ASYNC_FLUSH a power cut took the half that was meant, and another one was stored there. Apache's clients send the
 * unique key in both; ids of any other kind are let through, since Apache looks at neither.
 */
function namesAnother(half: HalfMessage, { msgId, transactionId }: EndFields): boolean {
  const uniqueKey = half.properties.get(PROPERTY.uniqueKey);
  if (uniqueKey === undefined || msgId !== transactionId || msgId === uniqueKey) return false;
  if (!UNIQUE_KEY.test(msgId) || !UNIQUE_KEY.test(uniqueKey)) return false;
  // An offset id looks the same.
  return decodeOffsetMessageId(msgId).physicalOffset !== half.physicalOffset;
}

function halfNotFound(): RequestError {
  return refused("Find prepared transaction message failed");
}

function refused(remark: string): RequestError {
  return new RequestError(ResponseCode.SYSTEM_ERROR, remark);
}
