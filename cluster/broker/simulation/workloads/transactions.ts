// Transactions: begun, ended once, twice or never, by a producer that always says the same of one, at any time, in any later
// life. Promises: what was rolled back is never seen, a commit that was answered is seen, and nothing is seen twice; what
// nobody ends is given up and may be committed even then.
import { decodeOffsetMessageId } from "../../../../core/message/message_id.ts";
import { formatProperties } from "../../../../core/message/properties.ts";
import { randomBelow } from "../../../../core/random.ts";
import { SEND_MESSAGE_V2 } from "../../../../core/remoting/codes/send.ts";
import { END_TRANSACTION } from "../../../../core/remoting/codes/transactions.ts";
import { ResponseCode } from "../../../../core/remoting/response_codes.ts";
import {
  TRANSACTION_COMMIT,
  TRANSACTION_PREPARED,
  TRANSACTION_ROLLBACK,
} from "../../../../core/message/sys_flag.ts";
import { keyOf, Ledger } from "../ledger.ts";
import type { LifeEnd, SimulatedLife, Workload } from "../workload.ts";
import { bodyOf, createTopic, propertiesOf, sendFields } from "./messages.ts";

const TOPIC = "Paid";
const QUEUES = 2;
const GROUP = "Payers";
/** Ends are mostly of the newest transactions. */
const RECENT_MAX = 30;

interface Transaction {
  key: string;
  verdict: typeof TRANSACTION_COMMIT | typeof TRANSACTION_ROLLBACK;
  queueOffset: number;
  physicalOffset: number;
  /** When its half was acknowledged, in the history's time. */
  at: number;
  /** A commit was sent, whether answered or not. */
  wasCommitted: boolean;
  /** A commit was answered: it must be seen. */
  isOwed: boolean;
  /** The disk refused something, or power took what wasn't synced: it may be there twice, or be decided otherwise. */
  isDoubtful: boolean;
}

export class TransactionsWorkload implements Workload {
  readonly name = "transactions";
  private readonly ledger = new Ledger({ duplicates: true });
  private readonly transactions = new Map<string, Transaction>();
  private nextKey = 0;

  async begin(life: SimulatedLife): Promise<void> {
    await createTopic(life, TOPIC, QUEUES);
  }

  async check(life: SimulatedLife): Promise<void> {
    const seen = new Set<string>();
    for (const record of await this.ledger.check(life, TOPIC, QUEUES)) {
      // Torn by a power cut, it doesn't tell which one it is.
      if (!this.ledger.isWhole(record)) continue;
      const key = keyOf(record);
      const transaction = this.transactions.get(key);
      // Its half's answer was lost on the way: then nobody can have ended it.
      if (transaction === undefined || !transaction.wasCommitted) {
        life.broken(`${key} is seen, though nobody committed it`);
      } else if (seen.has(key) && !transaction.isDoubtful) life.broken(`${key} is seen twice`);
      seen.add(key);
    }
    for (const { key, isOwed, isDoubtful } of this.transactions.values()) {
      if (isOwed && !isDoubtful && !seen.has(key)) {
        life.broken(`${key} was committed and isn't seen`);
      }
    }
  }

  act(life: SimulatedLife): void {
    if (randomBelow(life.random, 5) < 2) this.prepare(life);
    else this.endOne(life);
  }

  ended(end: LifeEnd): void {
    this.ledger.ended(end);
    const mayLose = end.kind === "power" && !end.syncFlush;
    if (!mayLose && !end.hasFaults) return;
    for (const transaction of this.transactions.values()) transaction.isDoubtful = true;
  }

  removed(logStart: number): void {
    this.ledger.removed(logStart);
    for (const [key, { physicalOffset }] of this.transactions) {
      const transaction = this.transactions.get(key)!;
      // Where its message stands isn't known: behind its half, and so it may be gone too.
      if (physicalOffset < logStart) transaction.isOwed = false;
    }
  }

  async finish(life: SimulatedLife): Promise<void> {
    for (const transaction of this.transactions.values()) await this.end(life, transaction);
    await this.check(life);
  }

  private prepare(life: SimulatedLife): void {
    const { random } = life;
    const key = `t${this.nextKey++}`;
    const message = {
      key,
      topic: TOPIC,
      queueId: randomBelow(random, QUEUES),
      body: bodyOf(key, random),
    };
    this.ledger.send(message);
    const verdict = randomBelow(random, 2) === 0 ? TRANSACTION_COMMIT : TRANSACTION_ROLLBACK;
    const properties = formatProperties([
      ...propertiesOf(key).filter(([name]) => name !== "UNIQ_KEY"),
      ["UNIQ_KEY", uniqueKeyOf(key)],
      ["TRAN_MSG", "true"],
      ["PGROUP", GROUP],
    ]);
    const fields = { ...sendFields(life, message, properties), f: TRANSACTION_PREPARED };
    void life.call(SEND_MESSAGE_V2, fields, message.body).then((answer) => {
      if (answer.code !== ResponseCode.SUCCESS || life.disk.isDead) return;
      const { physicalOffset } = decodeOffsetMessageId(answer.extFields.get("msgId")!);
      for (const other of this.transactions.values()) {
        if (other.physicalOffset !== physicalOffset) continue;
        if (!other.isDoubtful) life.broken(`${key} was given the place of ${other.key}`);
      }
      this.transactions.set(key, {
        key,
        verdict,
        queueOffset: Number(answer.extFields.get("queueOffset")),
        physicalOffset,
        at: life.now,
        wasCommitted: false,
        isOwed: false,
        isDoubtful: life.hasFaults,
      });
    });
  }

  private endOne(life: SimulatedLife): void {
    const recent = [...this.transactions.values()].slice(-RECENT_MAX);
    if (recent.length > 0) void this.end(life, recent[randomBelow(life.random, recent.length)]!);
  }

  private async end(life: SimulatedLife, transaction: Transaction): Promise<void> {
    const { key, verdict, queueOffset, physicalOffset } = transaction;
    if (verdict === TRANSACTION_COMMIT) transaction.wasCommitted = true;
    if (life.hasFaults) transaction.isDoubtful = true;
    const { code } = await life.call(END_TRANSACTION, {
      topic: TOPIC,
      producerGroup: GROUP,
      tranStateTableOffset: queueOffset,
      commitLogOffset: physicalOffset,
      commitOrRollback: verdict,
      fromTransactionCheck: randomBelow(life.random, 2) === 0,
      // Power may have taken its half, and another's may stand there now, or a copy of one: this tells them apart.
      msgId: uniqueKeyOf(key),
      transactionId: uniqueKeyOf(key),
    });
    if (life.disk.isDead) return;
    if (code === ResponseCode.ILLEGAL_OPERATION && !transaction.isDoubtful) {
      life.broken(`${key} was ended otherwise than its producer ever said`);
    }
    if (code === ResponseCode.SUCCESS && verdict === TRANSACTION_COMMIT) transaction.isOwed = true;
  }
}

/** As a Java client makes them: 32 hexadecimal digits. */
function uniqueKeyOf(key: string): string {
  return `7F0000010001${Number(key.slice(1)).toString(16).toUpperCase().padStart(20, "0")}`;
}
