// Delayed messages: stored under the delay topic and put into their own when they are due. Promises: each that was
// acknowledged is delivered at least once, unchanged, and not before its time.
import { randomBelow } from "../../../../core/random.ts";
import { decodeOffsetMessageId } from "../../../../core/message/message_id.ts";
import { formatProperties } from "../../../../core/message/properties.ts";
import { SEND_MESSAGE_V2 } from "../../../../core/remoting/codes/send.ts";
import { ResponseCode } from "../../../../core/remoting/response_codes.ts";
import { keyOf, Ledger } from "../ledger.ts";
import type { LifeEnd, SimulatedLife, Workload } from "../workload.ts";
import { bodyOf, createTopic, propertiesOf, sendFields } from "./messages.ts";

const TOPIC = "Later";
const QUEUES = 1;
/** Of the first levels of messageDelayLevel. */
const DELAYS_MS = [1000, 5000, 10_000] as const;

interface Acknowledged {
  key: string;
  physicalOffset: number;
  at: number;
}

export class DelayedWorkload implements Workload {
  readonly name = "delayed messages";
  private readonly ledger = new Ledger({ duplicates: true });
  private readonly owed = new Map<string, Acknowledged>();
  private readonly dueMs = new Map<string, number>();
  private nextKey = 0;

  async begin(life: SimulatedLife): Promise<void> {
    await createTopic(life, TOPIC, QUEUES);
  }

  async check(life: SimulatedLife): Promise<void> {
    for (const record of await this.ledger.check(life, TOPIC, QUEUES)) {
      const key = keyOf(record);
      this.owed.delete(key);
      const dueMs = this.dueMs.get(key) ?? 0;
      if (record.storeTimestampMs < dueMs) {
        life.broken(`${key} is due at ${dueMs} and was delivered at ${record.storeTimestampMs}`);
      }
    }
  }

  act(life: SimulatedLife): void {
    const { random } = life;
    const key = `d${this.nextKey++}`;
    const message = { key, topic: TOPIC, queueId: 0, body: bodyOf(key, random) };
    this.ledger.send(message);
    const level = 1 + randomBelow(random, DELAYS_MS.length);
    const dueMs = life.clock.nowMs() + DELAYS_MS[level - 1]!;
    this.dueMs.set(key, dueMs);
    const properties = formatProperties([...propertiesOf(key), ["DELAY", String(level)]]);
    void life.call(SEND_MESSAGE_V2, sendFields(life, message, properties), message.body)
      .then((answer) => {
        if (answer.code !== ResponseCode.SUCCESS || life.disk.isDead) return;
        const { physicalOffset } = decodeOffsetMessageId(answer.extFields.get("msgId")!);
        this.owed.set(key, { key, physicalOffset, at: life.now });
      });
  }

  ended(end: LifeEnd): void {
    this.ledger.ended(end);
    if (end.kind !== "power" || end.syncFlush) return;
    // What the log's tail may have taken isn't owed, nor what may have been delivered into that tail.
    for (const { key, physicalOffset, at } of this.owed.values()) {
      const isDelivered = this.dueMs.get(key)! <= end.nowMs;
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
    await life.clock.sleep(Math.max(...DELAYS_MS) + 2000);
    await this.check(life);
    for (const { key } of this.owed.values()) life.broken(`${key} was never delivered`);
  }
}
