// Orderly pops: a queue gives nothing more out before what it gave is acknowledged or its time is up. Promises: no message
// is passed over that nobody acknowledged, through every death of the broker, and a queue's messages come in their order.
import { decodeOffsetMessageId } from "../../../../core/message/message_id.ts";
import { formatProperties } from "../../../../core/message/properties.ts";
import type { ReceiptHandle } from "../../../../core/message/receipt_handle.ts";
import { randomBelow } from "../../../../core/random.ts";
import { ACK_MESSAGE, POP_MESSAGE } from "../../../../core/remoting/codes/pop.ts";
import { SEND_MESSAGE_V2 } from "../../../../core/remoting/codes/send.ts";
import { ResponseCode } from "../../../../core/remoting/response_codes.ts";
import { handleFields, poppedIn } from "../../pop/testing_pop_calls.ts";
import type { LifeEnd, SimulatedLife, Workload } from "../workload.ts";
import { bodyOf, createTopic, propertiesOf, sendFields } from "./messages.ts";

const TOPIC = "InOrder";
const QUEUES = 2;
const GROUP = "Orderly";
const INVISIBLE_MS_MIN = 500;
const INVISIBLE_MS_SPREAD = 3_000;
const FINISH_MS_MAX = 60_000;
const FINISH_STEP_MS = 1_000;

interface Owed {
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  at: number;
}

interface Given {
  key: string;
  handle: ReceiptHandle;
}

export class OrderedPopsWorkload implements Workload {
  readonly name = "orderly pops";
  /** Sent, and no acknowledgement asked for. */
  private readonly owed = new Map<string, Owed>();
  private out: Given[] = [];
  /** By queue, until when what was given out blocks it. */
  private readonly blockedUntilMs = new Map<number, number>();
  private nextKey = 0;

  async begin(life: SimulatedLife): Promise<void> {
    await createTopic(life, TOPIC, QUEUES);
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  act(life: SimulatedLife): void {
    const kind = randomBelow(life.random, 8);
    if (kind < 3) this.send(life);
    else if (kind < 5) {
      const invisibleMs = INVISIBLE_MS_MIN + randomBelow(life.random, INVISIBLE_MS_SPREAD);
      void this.pop(life, randomBelow(life.random, QUEUES), invisibleMs);
    } else if (this.out.length > 0) {
      const [given] = this.out.splice(randomBelow(life.random, this.out.length), 1);
      void this.acknowledge(life, given!);
    }
  }

  ended(end: LifeEnd): void {
    // A client goes on with what it has after a kill; its acknowledgements must not carry off what stands before.
    if (end.kind === "power") this.out = [];
    this.blockedUntilMs.clear();
    if (end.kind !== "power" || end.syncFlush) return;
    for (const [key, { physicalOffset, at }] of this.owed) {
      if (!end.isLogDurable(physicalOffset, at)) this.owed.delete(key);
    }
  }

  removed(logStart: number): void {
    for (const [key, { physicalOffset }] of this.owed) {
      if (physicalOffset < logStart) this.owed.delete(key);
    }
  }

  async finish(life: SimulatedLife): Promise<void> {
    for (let waitedMs = 0; waitedMs < FINISH_MS_MAX; waitedMs += FINISH_STEP_MS) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        for (const given of await this.pop(life, queueId, FINISH_STEP_MS / 2)) {
          await this.acknowledge(life, given);
        }
      }
      if (this.owed.size === 0) return;
      await life.clock.sleep(FINISH_STEP_MS);
    }
    for (const key of this.owed.keys()) life.broken(`${key} was never given out in its order`);
  }

  private send(life: SimulatedLife): void {
    const { random } = life;
    const key = `o${this.nextKey++}`;
    const queueId = randomBelow(random, QUEUES);
    const fields = sendFields(life, { topic: TOPIC, queueId }, formatProperties(propertiesOf(key)));
    void life.call(SEND_MESSAGE_V2, fields, bodyOf(key, random)).then((answer) => {
      if (answer.code !== ResponseCode.SUCCESS || life.disk.isDead) return;
      // Where a power cut took the queue's end, the group's offset is taken back; a disk that refuses to save that leaves
      // it where it was, before messages that come to the lost ones' places meanwhile.
      if (life.hasFaults && !life.syncFlush) return;
      const { physicalOffset } = decodeOffsetMessageId(answer.extFields.get("msgId")!);
      const queueOffset = Number(answer.extFields.get("queueOffset"));
      this.owed.set(key, { queueId, queueOffset, physicalOffset, at: life.now });
    });
  }

  private async pop(life: SimulatedLife, queueId: number, invisibleMs: number): Promise<Given[]> {
    const answer = await life.call(POP_MESSAGE, {
      consumerGroup: GROUP,
      topic: TOPIC,
      queueId,
      maxMsgNums: 4,
      invisibleTime: invisibleMs,
      pollTime: 0,
      bornTime: life.clock.nowMs(),
      initMode: 0,
      order: true,
    });
    if (answer.code !== ResponseCode.SUCCESS || life.disk.isDead) return [];
    const popTimeMs = Number(answer.extFields.get("popTime"));
    const blockedMs = this.blockedUntilMs.get(queueId) ?? 0;
    if (popTimeMs < blockedMs && this.out.some(({ handle }) => handle.queueId === queueId)) {
      life.broken(`queue ${queueId} gave out at ${popTimeMs} and was blocked until ${blockedMs}`);
    }
    const given = poppedIn(answer, TOPIC, "simulated")
      .map(({ handle, keys: [key = "torn"] }) => ({ key, handle }));
    this.checkOrder(life, queueId, given);
    this.blockedUntilMs.set(queueId, popTimeMs + invisibleMs);
    this.out = [...this.out.filter(({ handle }) => handle.queueId !== queueId), ...given];
    return given;
  }

  /** Each comes behind the one before, and nothing is left out that is owed. */
  private checkOrder(life: SimulatedLife, queueId: number, given: readonly Given[]): void {
    const offsets = given.map(({ handle }) => handle.queueOffset);
    const last = offsets.at(-1) ?? -1;
    if (offsets.some((offset, index) => index > 0 && offset <= offsets[index - 1]!)) {
      life.broken(`queue ${queueId} gave out ${offsets}`);
    }
    const keys = new Set(given.map(({ key }) => key));
    for (const [key, owed] of this.owed) {
      if (owed.queueId !== queueId || owed.queueOffset > last || keys.has(key)) continue;
      life.broken(`${key} at ${owed.queueOffset} is passed over by ${offsets}`);
    }
  }

  private async acknowledge(life: SimulatedLife, { key, handle }: Given): Promise<void> {
    const owed = this.owed.get(key);
    this.owed.delete(key);
    const { code } = await life.call(ACK_MESSAGE, handleFields(TOPIC, GROUP, handle));
    if (code === ResponseCode.SUCCESS || owed === undefined || life.disk.isDead) return;
    this.owed.set(key, owed);
  }
}
