// Pops: messages given out for a while, acknowledged, put off, or left alone. Promises: each acknowledged send that no pop's
// acknowledgement was answered for is given out again and again, through every death of the broker; and within one life
// nothing is given out again that was acknowledged in time.
import { decodeOffsetMessageId } from "../../../../core/message/message_id.ts";
import { formatProperties } from "../../../../core/message/properties.ts";
import {
  formatReceiptHandle,
  parseReceiptHandle,
  type ReceiptHandle,
} from "../../../../core/message/receipt_handle.ts";
import { randomBelow } from "../../../../core/random.ts";
import {
  ACK_MESSAGE,
  BATCH_ACK_MESSAGE,
  CHANGE_MESSAGE_INVISIBLETIME,
  POP_MESSAGE,
} from "../../../../core/remoting/codes/pop.ts";
import type { CodeRow, Fields, FieldsOf } from "../../../../core/remoting/code_row.ts";
import type { RemotingCommand } from "../../../../core/remoting/command.ts";
import { SEND_MESSAGE_V2 } from "../../../../core/remoting/codes/send.ts";
import { ResponseCode } from "../../../../core/remoting/response_codes.ts";
import { batchAckBody, handleFields, poppedIn } from "../../pop/testing_pop_calls.ts";
import type { LifeEnd, SimulatedLife, Workload } from "../workload.ts";
import { bodyOf, createTopic, propertiesOf, sendFields } from "./messages.ts";

const TOPIC = "Popped";
const QUEUES = 2;
const GROUP = "Poppers";
const INVISIBLE_MS_MIN = 2_000;
const INVISIBLE_MS_SPREAD = 7_000;
const POPPED_MAX = 32;
/** How long the last look waits for what is out, checkpoints of checkpoints included. */
const FINISH_MS_MAX = 100_000;
const FINISH_STEP_MS = 2_000;

interface Owed {
  physicalOffset: number;
  at: number;
  wasPopped: boolean;
}

interface Given {
  key: string;
  handle: ReceiptHandle;
}

export class PopsWorkload implements Workload {
  readonly name = "pops";
  /** Sent and not acknowledged by a pop. */
  private readonly owed = new Map<string, Owed>();
  /** Given out in this life and not settled. */
  private out: Given[] = [];
  /** Acknowledged since the broker died last, while the pop's time wasn't up. */
  private readonly settled = new Set<string>();
  /** Given out since then, and until when nobody else gets it. */
  private readonly hiddenUntilMs = new Map<string, number>();
  /** May be given out twice: its handle was used too late, or the broker died when it may have been popped. */
  private readonly doubtful = new Set<string>();
  private readonly sent = new Set<string>();
  /** A request about it wasn't answered yet. */
  private readonly asked = new Set<string>();
  private nextKey = 0;

  async begin(life: SimulatedLife): Promise<void> {
    await createTopic(life, TOPIC, QUEUES);
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  act(life: SimulatedLife): void {
    const kind = randomBelow(life.random, 10);
    if (kind < 4) this.send(life);
    else if (kind < 7) void this.pop(life, 8, this.invisibleMs(life));
    else this.settleOne(life, kind);
  }

  ended(end: LifeEnd): void {
    this.out = [];
    const isClean = end.kind === "clean" && !end.hasFaults;
    if (!isClean) this.settled.clear();
    if (!isClean) this.hiddenUntilMs.clear();
    const uncertain = isClean ? this.asked : this.sent;
    for (const key of uncertain) this.doubtful.add(key);
    this.asked.clear();
    if (end.kind !== "power" || end.syncFlush) return;
    // The log's tail may be gone: messages with it, and checkpoints of what is not.
    for (const [key, { physicalOffset, at, wasPopped }] of this.owed) {
      if (wasPopped || !end.isLogDurable(physicalOffset, at)) this.owed.delete(key);
    }
  }

  removed(logStart: number): void {
    for (const [key, { physicalOffset }] of this.owed) {
      if (physicalOffset < logStart) this.owed.delete(key);
    }
  }

  async finish(life: SimulatedLife): Promise<void> {
    const seen = new Set<string>();
    for (let waitedMs = 0; waitedMs < FINISH_MS_MAX; waitedMs += FINISH_STEP_MS) {
      for (let count = -1; count !== 0;) {
        const keys = await this.pop(life, POPPED_MAX, FINISH_MS_MAX * 2);
        for (const key of keys) seen.add(key);
        count = keys.length;
      }
      if ([...this.owed.keys()].every((key) => seen.has(key))) return;
      await life.clock.sleep(FINISH_STEP_MS);
    }
    for (const key of this.owed.keys()) {
      if (!seen.has(key)) life.broken(`${key} was never acknowledged, and isn't given out`);
    }
  }

  private send(life: SimulatedLife): void {
    const { random } = life;
    const key = `p${this.nextKey++}`;
    this.sent.add(key);
    const target = { topic: TOPIC, queueId: randomBelow(random, QUEUES) };
    const fields = sendFields(life, target, formatProperties(propertiesOf(key)));
    void life.call(SEND_MESSAGE_V2, fields, bodyOf(key, random)).then((answer) => {
      if (answer.code !== ResponseCode.SUCCESS || life.disk.isDead) return;
      const { physicalOffset } = decodeOffsetMessageId(answer.extFields.get("msgId")!);
      this.owed.set(key, { physicalOffset, at: life.now, wasPopped: false });
    });
  }

  /** The keys of the messages that came. */
  private async pop(life: SimulatedLife, count: number, invisibleMs: number): Promise<string[]> {
    const answer = await life.call(POP_MESSAGE, {
      consumerGroup: GROUP,
      topic: TOPIC,
      queueId: -1,
      maxMsgNums: count,
      invisibleTime: invisibleMs,
      pollTime: 0,
      bornTime: life.clock.nowMs(),
      initMode: 0,
      order: false,
    });
    if (answer.code !== ResponseCode.SUCCESS || life.disk.isDead) return [];
    const messages = poppedIn(answer, TOPIC, "simulated");
    return messages.flatMap(({ handle, keys: [key] }) => {
      // A record whose properties a power cut tore was never acknowledged, and is nobody's.
      if (key === undefined || !this.sent.has(key)) return [];
      if (this.settled.has(key)) life.broken(`${key} was acknowledged and is given out again`);
      this.checkHidden(life, key, handle);
      // Its earlier handle's time is up.
      this.out = [...this.out.filter((other) => other.key !== key), { key, handle }];
      const owed = this.owed.get(key);
      if (owed !== undefined) owed.wasPopped = true;
      return [key];
    });
  }

  /** Nobody gets a message while it is somebody else's. */
  private checkHidden(life: SimulatedLife, key: string, handle: ReceiptHandle): void {
    const untilMs = this.hiddenUntilMs.get(key) ?? 0;
    if (handle.popTimeMs < untilMs && !this.doubtful.has(key)) {
      life.broken(`${key} is given out at ${handle.popTimeMs}, and was hidden until ${untilMs}`);
    }
    this.hiddenUntilMs.set(key, visibleAtMs(handle));
  }

  private settleOne(life: SimulatedLife, kind: number): void {
    if (this.out.length === 0) return;
    const [taken] = this.out.splice(randomBelow(life.random, this.out.length), 1);
    if (kind === 9) this.putOff(life, taken!);
    else if (kind === 8) this.acknowledgeBatch(life, taken!);
    else this.acknowledge(life, [taken!], ACK_MESSAGE, handleFields(TOPIC, GROUP, taken!.handle));
  }

  /** All that came with it, in one request. */
  private acknowledgeBatch(life: SimulatedLife, first: Given): void {
    const pop = popOf(first.handle);
    const given = [first, ...this.out.filter(({ handle }) => popOf(handle) === pop)];
    this.out = this.out.filter((each) => !given.includes(each));
    const handles = given.map(({ handle }) => handle);
    const body = batchAckBody(TOPIC, GROUP, handles, first.handle.brokerName);
    this.acknowledge(life, given, BATCH_ACK_MESSAGE, {}, body);
  }

  private acknowledge<Q extends Fields>(
    life: SimulatedLife,
    given: readonly Given[],
    row: CodeRow<Q>,
    fields: Partial<FieldsOf<Q>>,
    body?: Uint8Array,
  ): void {
    const settle = given.map((each) => this.beginAcknowledging(life, each));
    void life.call(row, fields, body).then((answer) => {
      for (const each of settle) each(answer);
    });
  }

  /** Gives what is to be done with the answer. */
  private beginAcknowledging(
    life: SimulatedLife,
    { key, handle }: Given,
  ): (answer: RemotingCommand) => void {
    if (!isInTime(life, handle)) this.doubtful.add(key);
    // From now on it may be gone, whether the answer comes or not.
    const owed = this.owed.get(key);
    this.owed.delete(key);
    this.asked.add(key);
    return (answer) => {
      if (!life.disk.isDead) this.asked.delete(key);
      if (life.disk.isDead) return;
      if (answer.code !== ResponseCode.SUCCESS) {
        if (owed !== undefined) this.owed.set(key, owed);
        return;
      }
      if (isInTime(life, handle) && !this.doubtful.has(key)) this.settled.add(key);
    };
  }

  private putOff(life: SimulatedLife, { key, handle }: Given): void {
    if (!isInTime(life, handle)) this.doubtful.add(key);
    const invisibleTime = this.invisibleMs(life);
    const fields = { ...handleFields(TOPIC, GROUP, handle), invisibleTime };
    this.asked.add(key);
    void life.call(CHANGE_MESSAGE_INVISIBLETIME, fields).then((answer) => {
      if (!life.disk.isDead) this.asked.delete(key);
      if (answer.code !== ResponseCode.SUCCESS || life.disk.isDead) {
        this.doubtful.add(key);
        return;
      }
      if (!isInTime(life, handle)) this.doubtful.add(key);
      const changed = parseReceiptHandle(formatReceiptHandle({
        ...handle,
        startOffset: handle.queueOffset,
        popTimeMs: Number(answer.extFields.get("popTime")),
        invisibleMs: invisibleTime,
      }));
      this.hiddenUntilMs.set(key, visibleAtMs(changed!));
      this.out.push({ key, handle: changed! });
    });
  }

  private invisibleMs({ random }: SimulatedLife): number {
    return INVISIBLE_MS_MIN + randomBelow(random, INVISIBLE_MS_SPREAD);
  }
}

function visibleAtMs({ popTimeMs, invisibleMs }: ReceiptHandle): number {
  return popTimeMs + invisibleMs;
}

function isInTime({ clock }: SimulatedLife, handle: ReceiptHandle): boolean {
  return clock.nowMs() < visibleAtMs(handle);
}

/** What the messages of one pop of one queue have in common. */
function popOf({ retry, queueId, startOffset, popTimeMs, reviveQueueId }: ReceiptHandle): string {
  return [retry, queueId, startOffset, popTimeMs, reviveQueueId].join(" ");
}
