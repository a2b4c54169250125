// Messages that are delivered later, by a delay level or at a time: stored under the delay topic or the timer's, and put
// into their own when they are due. Promises: each that was acknowledged is delivered at least once, unchanged, and not
// before its time; none that was recalled in time.
import { randomBelow } from "../../../../core/random.ts";
import { decodeOffsetMessageId } from "../../../../core/message/message_id.ts";
import { formatProperties } from "../../../../core/message/properties.ts";
import { RECALL_MESSAGE } from "../../../../core/remoting/codes/timer.ts";
import { SEND_MESSAGE_V2 } from "../../../../core/remoting/codes/send.ts";
import { ResponseCode } from "../../../../core/remoting/response_codes.ts";
import { keyOf, Ledger } from "../ledger.ts";
import type { LifeEnd, SimulatedLife, Workload } from "../workload.ts";
import { bodyOf, createTopic, propertiesOf, sendFields } from "./messages.ts";

const QUEUES = 1;
/** Of the first levels of messageDelayLevel; the longest that a time is ahead. */
const DELAYS_MS = [1000, 5000, 10_000] as const;
const DELAY_MS_MAX = Math.max(...DELAYS_MS);
/** Before its time, from which on a recall is sure to come in time. */
const RECALL_LEAD_MS = 2_000;
/** Recalls are of the newest messages. */
const RECALLABLE_MAX = 8;

/** How a message says when: gives when it is due, and the property that asks for it. */
type Ask = (life: SimulatedLife) => { dueMs: number; property: [string, string] };

const byLevel: Ask = ({ clock, random }) => {
  const level = 1 + randomBelow(random, DELAYS_MS.length);
  return {
    dueMs: clock.nowMs() + DELAYS_MS[level - 1]!,
    property: ["DELAY", String(level)],
  };
};

const byTime: Ask = ({ clock, random }) => {
  const dueMs = Math.ceil(clock.nowMs()) + randomBelow(random, DELAY_MS_MAX);
  return { dueMs, property: ["TIMER_DELIVER_MS", String(dueMs)] };
};

interface Acknowledged {
  key: string;
  physicalOffset: number;
  at: number;
}

/** Levels' offsets follow the log to disk: a copy that power takes is delivered again. */
export const delayedMessages = () => new LaterWorkload("delayed messages", "Later", byLevel, true);
export const timedMessages = () => new LaterWorkload("timed messages", "Timed", byTime, false);

interface Recallable {
  key: string;
  recallHandle: string;
}

class LaterWorkload implements Workload {
  private readonly ledger = new Ledger({ duplicates: true });
  private readonly owed = new Map<string, Acknowledged>();
  private readonly dueMs = new Map<string, number>();
  private recallable: Recallable[] = [];
  /** When a message's recall was answered, in time. */
  private readonly recalledMs = new Map<string, number>();
  private nextKey = 0;

  constructor(
    readonly name: string,
    private readonly topic: string,
    private readonly ask: Ask,
    private readonly comesAgain: boolean,
  ) {}

  async begin(life: SimulatedLife): Promise<void> {
    await createTopic(life, this.topic, QUEUES);
  }

  async check(life: SimulatedLife): Promise<void> {
    for (const record of await this.ledger.check(life, this.topic, QUEUES)) {
      const key = keyOf(record);
      this.owed.delete(key);
      const dueMs = this.dueMs.get(key) ?? 0;
      if (record.storeTimestampMs < dueMs) {
        life.broken(`${key} is due at ${dueMs} and was delivered at ${record.storeTimestampMs}`);
      }
      const recalledMs = this.recalledMs.get(key) ?? Infinity;
      if (record.storeTimestampMs > recalledMs) {
        life.broken(`${key} was recalled at ${recalledMs}, delivered ${record.storeTimestampMs}`);
      }
    }
  }

  act(life: SimulatedLife): void {
    const { random } = life;
    const isRecall = this.recallable.length > 0 && randomBelow(random, 5) === 0;
    if (isRecall) return void this.recall(life);
    const key = `${this.topic}${this.nextKey++}`;
    const message = { key, topic: this.topic, queueId: 0, body: bodyOf(key, random) };
    this.ledger.send(message);
    const { dueMs, property } = this.ask(life);
    this.dueMs.set(key, dueMs);
    const properties = formatProperties([...propertiesOf(key), property]);
    void life.call(SEND_MESSAGE_V2, sendFields(life, message, properties), message.body)
      .then((answer) => {
        if (answer.code !== ResponseCode.SUCCESS || life.disk.isDead) return;
        const { physicalOffset } = decodeOffsetMessageId(answer.extFields.get("msgId")!);
        this.owed.set(key, { key, physicalOffset, at: life.now });
        const recallHandle = answer.extFields.get("recallHandle");
        if (recallHandle === undefined) return;
        this.recallable = [...this.recallable, { key, recallHandle }].slice(-RECALLABLE_MAX);
      });
  }

  private async recall(life: SimulatedLife): Promise<void> {
    const index = randomBelow(life.random, this.recallable.length);
    const [{ key, recallHandle }] = this.recallable.splice(index, 1) as [Recallable];
    // From now on it may be gone, whether the answer comes or not.
    const owed = this.owed.get(key);
    this.owed.delete(key);
    const { code } = await life.call(RECALL_MESSAGE, { topic: this.topic, recallHandle });
    if (life.disk.isDead) return;
    if (code !== ResponseCode.SUCCESS) {
      // Stored and not known to be safe: then it may take the message back.
      if (owed !== undefined && !life.hasFaults) this.owed.set(key, owed);
      return;
    }
    const nowMs = life.clock.nowMs();
    if (this.dueMs.get(key)! - nowMs > RECALL_LEAD_MS) this.recalledMs.set(key, nowMs);
  }

  ended(end: LifeEnd): void {
    this.ledger.ended(end);
    if (end.kind !== "power" || end.syncFlush) return;
    this.recalledMs.clear();
    // What the log's tail may have taken isn't owed, nor what may have been delivered into that tail for good.
    for (const { key, physicalOffset, at } of this.owed.values()) {
      const isDelivered = !this.comesAgain && this.dueMs.get(key)! <= end.nowMs;
      if (isDelivered || !end.isLogDurable(physicalOffset, at)) this.owed.delete(key);
    }
  }

  removed(logStart: number): void {
    this.ledger.removed(logStart);
    for (const { key, physicalOffset } of this.owed.values()) {
      if (physicalOffset < logStart) this.owed.delete(key);
    }
  }

  async finish(life: SimulatedLife): Promise<void> {
    await life.clock.sleep(DELAY_MS_MAX + 2000);
    await this.check(life);
    for (const { key } of this.owed.values()) life.broken(`${key} was never delivered`);
  }
}
