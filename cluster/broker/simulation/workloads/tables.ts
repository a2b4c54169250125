// Topics and groups that come, change and go, and messages in topics that are made again under an old name. Promises:
// what was acknowledged is so after a crash; a deleted topic's messages never come back.
import { Buffer } from "node:buffer";
import { parseLenientJsonBytes } from "../../../../core/json/lenient_reader.ts";
import { randomBelow } from "../../../../core/random.ts";
import { formatProperties } from "../../../../core/message/properties.ts";
import { decodeOffsetMessageId } from "../../../../core/message/message_id.ts";
import {
  GET_SUBSCRIPTIONGROUP_CONFIG,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
} from "../../../../core/remoting/codes/groups.ts";
import { SEND_MESSAGE_V2 } from "../../../../core/remoting/codes/send.ts";
import {
  DELETE_TOPIC_IN_BROKER,
  GET_TOPIC_CONFIG,
} from "../../../../core/remoting/codes/topics.ts";
import { ResponseCode } from "../../../../core/remoting/response_codes.ts";
import { groupConfigToJson, newGroupConfig } from "../../groups/group_config.ts";
import { Ledger } from "../ledger.ts";
import type { LifeEnd, SimulatedLife, Workload } from "../workload.ts";
import { bodyOf, createTopic, propertiesOf, sendFields } from "./messages.ts";

const NAMES = ["Red", "Green", "Blue"] as const;
const QUEUES_MAX = 3;
/** Of a group that nobody made: it is made when it is looked at. */
const RETRIES_BY_DEFAULT = 16;
/** A topic's queues (0: there is no such topic) or a group's retries. */
type State = number;

/** One thing that has one of several states: exactly one, but while a change isn't acknowledged. */
class Thing {
  states: State[];
  isBusy = false;

  constructor(readonly name: string, absent: State) {
    this.states = [absent];
  }

  /** Something was asked for: from now on it may be so, or still be as it was. */
  begin(state: State): void {
    this.isBusy = true;
    this.states.push(state);
  }

  acknowledged(life: SimulatedLife, state: State): void {
    this.isBusy = false;
    // Apache acknowledges a change that it couldn't save, and so does Roquet.
    if (!life.hasFaults) this.states = [state];
  }

  found(life: SimulatedLife, state: State): void {
    if (!this.states.includes(state)) {
      life.broken(`${this.name} is ${state}, acknowledged were ${this.states}`);
    }
    this.states = [state];
    this.isBusy = false;
  }
}

export class TablesWorkload implements Workload {
  readonly name = "tables";
  private readonly ledger = new Ledger();
  private readonly topics = NAMES.map((name) => new Thing(name, 0));
  private readonly groups = NAMES.map((name) => new Thing(`${name}Group`, RETRIES_BY_DEFAULT));
  private nextKey = 0;

  begin(): Promise<void> {
    return Promise.resolve();
  }

  async check(life: SimulatedLife): Promise<void> {
    for (const topic of this.topics) {
      const { code, body } = await life.call(GET_TOPIC_CONFIG, { topic: topic.name });
      const queues = code === ResponseCode.SUCCESS ? numberIn(body, "writeQueueNums") : 0;
      topic.found(life, queues);
      if (queues > 0) await this.ledger.check(life, topic.name, queues);
      else this.ledger.forget(topic.name);
    }
    for (const group of this.groups) {
      const { code, body } = await life.call(GET_SUBSCRIPTIONGROUP_CONFIG, { group: group.name });
      group.found(life, code === ResponseCode.SUCCESS ? numberIn(body, "retryMaxTimes") : 0);
    }
  }

  act(life: SimulatedLife): void {
    const { random } = life;
    const index = randomBelow(random, NAMES.length);
    const topic = this.topics[index]!;
    const kind = randomBelow(random, 10);
    if (kind === 0) void this.changeGroup(life, this.groups[index]!);
    else if (topic.isBusy) return;
    else if (topic.states.includes(0)) void this.make(life, topic);
    else if (kind === 1) void this.delete(life, topic);
    else if (kind === 2) void this.make(life, topic);
    else void this.send(life, topic);
  }

  private async make(life: SimulatedLife, topic: Thing): Promise<void> {
    // Queues are never taken away: what stands in them would be out of sight.
    const queues = Math.max(...topic.states, 1 + randomBelow(life.random, QUEUES_MAX));
    topic.begin(queues);
    const { code } = await createTopic(life, topic.name, queues);
    if (code === ResponseCode.SUCCESS) topic.acknowledged(life, queues);
  }

  private async delete(life: SimulatedLife, topic: Thing): Promise<void> {
    topic.begin(0);
    // From now on its messages may be gone, and once it is acknowledged they must be.
    this.ledger.forget(topic.name);
    const { code } = await life.call(DELETE_TOPIC_IN_BROKER, { topic: topic.name });
    if (code !== ResponseCode.SUCCESS || life.disk.isDead) return;
    topic.acknowledged(life, 0);
    if (!life.hasFaults) this.ledger.retract(life, topic.name);
  }

  private async send(life: SimulatedLife, topic: Thing): Promise<void> {
    const key = `t${this.nextKey++}`;
    const queueId = randomBelow(life.random, Math.min(...topic.states));
    const message = { key, topic: topic.name, queueId, body: bodyOf(key, life.random) };
    this.ledger.send(message);
    const fields = sendFields(life, message, formatProperties(propertiesOf(key)));
    // Nothing else happens to the topic meanwhile, so that the message's place is known.
    topic.isBusy = true;
    const { code, extFields } = await life.call(SEND_MESSAGE_V2, fields, message.body);
    topic.isBusy = false;
    if (code !== ResponseCode.SUCCESS) return;
    const { physicalOffset } = decodeOffsetMessageId(extFields.get("msgId")!);
    this.ledger.promise(life, key, Number(extFields.get("queueOffset")), physicalOffset);
  }

  private async changeGroup(life: SimulatedLife, group: Thing): Promise<void> {
    if (group.isBusy) return;
    const retryMaxTimes = 1 + randomBelow(life.random, 9);
    group.begin(retryMaxTimes);
    const config = groupConfigToJson(newGroupConfig(group.name, { retryMaxTimes }));
    const body = Buffer.from(JSON.stringify(config));
    const { code } = await life.call(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, body);
    if (code === ResponseCode.SUCCESS) group.acknowledged(life, retryMaxTimes);
  }

  ended(end: LifeEnd): void {
    this.ledger.ended(end);
  }

  removed(logStart: number): void {
    this.ledger.removed(logStart);
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }
}

function numberIn(body: Uint8Array, name: string): number {
  return Number((parseLenientJsonBytes(body) as Record<string, unknown>)[name]);
}
