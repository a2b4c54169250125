// Consumers' offsets: committed in memory, saved every so often. Promises: what is there after a restart was committed
// once, no longer ago than the saving interval, and a clean stop keeps the last; never beyond the queue's end.
import { Buffer } from "node:buffer";
import { randomBelow } from "../../../../core/random.ts";
import {
  GET_MAX_OFFSET,
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} from "../../../../core/remoting/codes/offsets.ts";
import { SEND_MESSAGE_V2 } from "../../../../core/remoting/codes/send.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../../../core/remoting/codes/groups.ts";
import { ResponseCode } from "../../../../core/remoting/response_codes.ts";
import { formatProperties } from "../../../../core/message/properties.ts";
import { groupConfigToJson, newGroupConfig } from "../../groups/group_config.ts";
import type { LifeEnd, SimulatedLife, Workload } from "../workload.ts";
import { bodyOf, createTopic, propertiesOf, sendFields } from "./messages.ts";

const TOPIC = "Consumed";
const QUEUES = 2;
const GROUPS = ["Fast", "Slow"] as const;
/** Far longer than the saving interval: a device may take its time. */
const SAVED_AFTER_MS = 8000;
const NOTHING = -1;

interface Commit {
  offset: number;
  /** When it was acknowledged; Infinity before. */
  atMs: number;
}

export class OffsetsWorkload implements Workload {
  readonly name = "consumer offsets";
  /** What may be found after a restart, oldest first: the last that is surely saved, and those after it. */
  private readonly commits = new Map<string, Commit[]>();
  private nextKey = 0;

  async begin(life: SimulatedLife): Promise<void> {
    await createTopic(life, TOPIC, QUEUES);
    for (const group of GROUPS) {
      const body = Buffer.from(JSON.stringify(groupConfigToJson(newGroupConfig(group))));
      await life.call(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, body);
    }
  }

  async check(life: SimulatedLife): Promise<void> {
    for (const group of GROUPS) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        const commits = this.commitsOf(group, queueId);
        const offset = await this.query(life, group, queueId);
        const end = await this.endOf(life, queueId);
        // A log that lost its tail takes the offsets in it back.
        const isTakenBack = !life.syncFlush && offset === end &&
          commits.some((commit) => commit.offset > end);
        if (!isTakenBack && !commits.some((commit) => commit.offset === offset)) {
          const known = commits.map((commit) => commit.offset);
          life.broken(`${group} in ${TOPIC}/${queueId} is at ${offset}, committed were ${known}`);
        }
        if (offset > end) {
          life.broken(`${group} in ${TOPIC}/${queueId} is at ${offset}, the queue ends at ${end}`);
        }
        // A disk that refuses may keep that from being saved.
        const before = isTakenBack && life.hasFaults ? commits : [];
        this.commits.set(keyOf(group, queueId), [...before, { offset, atMs: Infinity }]);
      }
    }
  }

  act(life: SimulatedLife): void {
    const { random } = life;
    const queueId = randomBelow(random, QUEUES);
    if (randomBelow(random, 2) === 0) {
      const key = `c${this.nextKey++}`;
      const to = { topic: TOPIC, queueId };
      const fields = sendFields(life, to, formatProperties(propertiesOf(key)));
      void life.call(SEND_MESSAGE_V2, fields, bodyOf(key, random));
      return;
    }
    const group = GROUPS[randomBelow(random, GROUPS.length)]!;
    void this.endOf(life, queueId).then((end) => {
      if (end > 0) void this.commit(life, group, queueId, randomBelow(random, end) + 1);
    });
  }

  private async commit(
    life: SimulatedLife,
    group: string,
    queueId: number,
    commitOffset: number,
  ): Promise<void> {
    // Its answer may be lost though it was done.
    const commit = { offset: commitOffset, atMs: Infinity };
    this.commitsOf(group, queueId).push(commit);
    const fields = { consumerGroup: group, topic: TOPIC, queueId, commitOffset };
    const { code, remark } = await life.call(UPDATE_CONSUMER_OFFSET, fields);
    if (code !== ResponseCode.SUCCESS) return life.broken(`a commit was refused: ${remark}`);
    if (!life.disk.isDead) commit.atMs = life.clock.nowMs();
  }

  ended(end: LifeEnd): void {
    const savedAgoMs = end.hasFaults ? Infinity : end.kind === "clean" ? 0 : SAVED_AFTER_MS;
    const savedMs = end.nowMs - savedAgoMs;
    for (const commits of this.commits.values()) {
      const saved = commits.findLastIndex(({ atMs }) => atMs <= savedMs);
      commits.splice(0, Math.max(0, saved));
      // What wasn't saved by now never will be, unless it was just being saved.
      for (const commit of commits.slice(1)) commit.atMs = Infinity;
    }
  }

  removed(): void {}

  finish(): Promise<void> {
    return Promise.resolve();
  }

  private async query(life: SimulatedLife, group: string, queueId: number): Promise<number> {
    const fields = { consumerGroup: group, topic: TOPIC, queueId, setZeroIfNotFound: false };
    const { code, extFields } = await life.call(QUERY_CONSUMER_OFFSET, fields);
    return code === ResponseCode.SUCCESS ? Number(extFields.get("offset")) : NOTHING;
  }

  private async endOf(life: SimulatedLife, queueId: number): Promise<number> {
    const { extFields } = await life.call(GET_MAX_OFFSET, { topic: TOPIC, queueId });
    return Number(extFields.get("offset") ?? 0);
  }

  private commitsOf(group: string, queueId: number): Commit[] {
    const key = keyOf(group, queueId);
    let commits = this.commits.get(key);
    if (commits === undefined) this.commits.set(key, commits = [{ offset: NOTHING, atMs: 0 }]);
    return commits;
  }
}

function keyOf(group: string, queueId: number): string {
  return `${group}/${queueId}`;
}
