// Plain messages: single and in batches, small and large, with keys, over several queues; and retention, which takes the
// oldest away. Promises: what is acknowledged stays, unchanged, at its place, once, and is found by its key.
import { Buffer } from "node:buffer";
import { encodeBatch } from "../../../../core/message/batch.ts";
import { decodeOffsetMessageId } from "../../../../core/message/message_id.ts";
import { encodeProperties, formatProperties } from "../../../../core/message/properties.ts";
import { type Random, randomBelow } from "../../../../core/random.ts";
import { DELETE_EXPIRED_COMMITLOG } from "../../../../core/remoting/codes/admin.ts";
import { SEND_BATCH_MESSAGE, SEND_MESSAGE_V2 } from "../../../../core/remoting/codes/send.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../../../core/remoting/codes/topics.ts";
import type { RemotingCommand } from "../../../../core/remoting/command.ts";
import { ResponseCode } from "../../../../core/remoting/response_codes.ts";
import { Ledger, type SentMessage } from "../ledger.ts";
import type { LifeEnd, SimulatedLife, Workload } from "../workload.ts";

const TOPICS = [{ topic: "Orders", queueCount: 3 }, { topic: "Events", queueCount: 1 }] as const;
/** A size that comes often: records of one length are where bytes of an earlier life could fit in. */
const COMMON_BODY_BYTES = 60;
const BODY_BYTES_MAX = 6000;

export class MessagesWorkload implements Workload {
  readonly name: string = "messages";
  private readonly ledger = new Ledger();
  private nextKey = 0;

  async begin(life: SimulatedLife): Promise<void> {
    for (const { topic, queueCount } of TOPICS) await createTopic(life, topic, queueCount);
  }

  async check(life: SimulatedLife): Promise<void> {
    for (const { topic, queueCount } of TOPICS) await this.ledger.check(life, topic, queueCount);
    // A disk that takes no more can't take an index either; it is whole again when there is room.
    if (!life.hasFaults) await this.ledger.checkIndex(life, 6);
  }

  act(life: SimulatedLife): void {
    const { random } = life;
    const kind = randomBelow(random, 40);
    if (kind === 0) void life.call(DELETE_EXPIRED_COMMITLOG, {});
    else if (kind < 6) this.sendBatch(life);
    else for (let count = 1 + randomBelow(random, 4); count > 0; count--) this.sendOne(life);
  }

  ended(end: LifeEnd): void {
    this.ledger.ended(end);
  }

  removed(logStart: number): void {
    this.ledger.removed(logStart);
  }

  async finish(life: SimulatedLife): Promise<void> {
    await this.ledger.checkIndex(life, Infinity);
  }

  private newMessage(random: Random): SentMessage {
    const { topic, queueCount } = TOPICS[randomBelow(random, TOPICS.length)]!;
    const key = `m${this.nextKey++}`;
    const message = {
      key,
      topic,
      queueId: randomBelow(random, queueCount),
      body: bodyOf(key, random),
    };
    this.ledger.send(message);
    return message;
  }

  private sendOne(life: SimulatedLife): void {
    const message = this.newMessage(life.random);
    const sentAfterFailure = life.disk.logSyncFailed;
    const fields = sendFields(life, message, formatProperties(propertiesOf(message.key)));
    void life.call(SEND_MESSAGE_V2, fields, message.body).then((answer) => {
      this.acknowledged(life, [message], answer, sentAfterFailure);
    });
  }

  private sendBatch(life: SimulatedLife): void {
    const { random } = life;
    const first = this.newMessage(random);
    const messages = [first];
    for (let more = 1 + randomBelow(random, 4); more > 0; more--) {
      const next = this.newMessage(random);
      const { topic, queueId } = first;
      const message = { ...next, topic, queueId };
      this.ledger.send(message);
      messages.push(message);
    }
    const items = messages.map(({ key, body }) => ({
      flag: 0,
      body,
      properties: encodeProperties(propertiesOf(key)),
    }));
    const fields = { ...sendFields(life, first, ""), m: true };
    const sentAfterFailure = life.disk.logSyncFailed;
    void life.call(SEND_BATCH_MESSAGE, fields, encodeBatch(items)).then((answer) => {
      this.acknowledged(life, messages, answer, sentAfterFailure);
    });
  }

  private acknowledged(
    life: SimulatedLife,
    messages: readonly SentMessage[],
    answer: RemotingCommand,
    sentAfterFailure: boolean,
  ): void {
    if (answer.code !== ResponseCode.SUCCESS) return;
    if (life.syncFlush && sentAfterFailure) {
      life.broken(`${messages[0]!.key} was acknowledged after a sync of the log had failed`);
    }
    const queueOffset = Number(answer.extFields.get("queueOffset"));
    const ids = answer.extFields.get("msgId")!.split(",");
    messages.forEach(({ key }, index) => {
      const { physicalOffset } = decodeOffsetMessageId(ids[index]!);
      this.ledger.promise(life, key, queueOffset + index, physicalOffset);
    });
  }
}

/** A topic with so many queues; resolves when the broker says that it has it. */
export async function createTopic(
  life: SimulatedLife,
  topic: string,
  queueCount: number,
): Promise<RemotingCommand> {
  return await life.call(UPDATE_AND_CREATE_TOPIC, {
    topic,
    defaultTopic: "TBW102",
    readQueueNums: queueCount,
    writeQueueNums: queueCount,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
  });
}

export function sendFields(
  life: SimulatedLife,
  { topic, queueId }: { topic: string; queueId: number },
  properties: string,
) {
  return {
    a: "Producers",
    b: topic,
    c: "TBW102",
    d: 4,
    e: queueId,
    f: 0,
    g: life.clock.nowMs(),
    h: 0,
    i: properties,
    j: 0,
    k: false,
    m: false,
  };
}

export function propertiesOf(key: string): [string, string][] {
  return [["UNIQ_KEY", `U${key.padStart(31, "0")}`], ["KEYS", key], ["TAGS", "A"], [
    "WAIT",
    "true",
  ]];
}

/** A body that tells its key, of a length that chance picks. */
export function bodyOf(key: string, random: Random): Buffer {
  const sizes = [
    COMMON_BODY_BYTES,
    COMMON_BODY_BYTES,
    1 + randomBelow(random, 300),
    1 + randomBelow(random, 1500),
    1 + randomBelow(random, BODY_BYTES_MAX),
  ];
  return Buffer.alloc(sizes[randomBelow(random, sizes.length)]!, `${key} `);
}
