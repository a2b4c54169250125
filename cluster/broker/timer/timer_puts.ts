// Stores the messages whose time has come, and tries again for as long as the disk refuses them: Apache gives a message up
// after three attempts. What can never be stored is said and left out.
import type { Logger } from "../../../core/log.ts";
import { type Clock, endOfTurn } from "../../../core/time/clock.ts";
import {
  isStored,
  type MessageStore,
  type MessageToStore,
  type PutResult,
  type PutStatus,
} from "../../../store/message_store.ts";
import type { StatsSink } from "../stats_sink.ts";
import { GROUPS_PER_TURN, PUT_MESSAGES_MAX, RETRY_DELAY_MS } from "./limits.ts";

export interface TimerPutsParts {
  store: Pick<MessageStore, "put">;
  clock: Clock;
  log: Logger;
  stats: StatsSink;
}

/** The broker stops while messages wait for the disk: they are delivered after its next start. */
export class TimerStopped extends Error {
  override readonly name = "TimerStopped";
}

export class TimerPuts {
  isStopped = false;
  /** Messages stored since the start. */
  total = 0;

  constructor(private readonly parts: TimerPutsParts) {}

  /** Resolves when all of them are stored as the flush setting promises. Rejects with TimerStopped. */
  async put(messages: readonly MessageToStore[]): Promise<void> {
    let groups = split(messages, PUT_MESSAGES_MAX);
    while (groups.length > 0) {
      const results = await this.putGroups(groups);
      const again: MessageToStore[][] = [];
      groups.forEach((group, index) => {
        const status = results[index]?.[0]?.status;
        if (status === undefined || isRefusal(status)) again.push(group);
        else if (isStored(status)) this.count(group, results[index]!);
        else if (group.length > 1) again.push(...split(group, 1));
        else this.giveUp(group[0]!, results[index]![0]!);
      });
      const refused = results.flat().find(({ status }) => isRefusal(status));
      groups = again;
      if (refused !== undefined) await this.waitForDisk(refused);
    }
  }

  /**
   * A few groups a turn: consumers get the first ones while the last ones are stored, and others have their turns. Stops
   * where the disk refuses, so that what is tried again keeps its place.
   */
  private async putGroups(groups: readonly (readonly MessageToStore[])[]): Promise<PutResult[][]> {
    const { clock, store } = this.parts;
    const puts: Promise<PutResult[]>[] = [];
    let isRefused = false;
    const note = (results: PutResult[]) => {
      isRefused ||= isRefusal(results[0]!.status);
      return results;
    };
    for (const group of groups) {
      if (puts.length > 0 && puts.length % GROUPS_PER_TURN === 0) {
        await endOfTurn(clock);
      }
      if (isRefused) break;
      puts.push(store.put(group).then(note));
    }
    return await Promise.all(puts);
  }

  private async waitForDisk({ status, detail }: PutResult): Promise<void> {
    const { clock, log } = this.parts;
    if (this.isStopped || status === "shutting_down") throw new TimerStopped();
    log.warn("timed messages can't be stored now", { status, detail });
    await clock.sleep(RETRY_DELAY_MS);
    if (this.isStopped) throw new TimerStopped();
  }

  private giveUp({ topic, uniqueKey }: MessageToStore, { status, detail }: PutResult): void {
    this.parts.log.error("a timed message can never be stored", {
      topic,
      uniqueKey,
      status,
      detail,
    });
  }

  private count(messages: readonly MessageToStore[], results: readonly PutResult[]): void {
    const { stats } = this.parts;
    this.total += messages.length;
    messages.forEach(({ topic, queueId }, index) => {
      stats.topicPut(topic, queueId, 1, results[index]!.size);
      stats.brokerPut(topic, 1);
    });
  }
}

/** What the disk may take later; a message whose flush timed out is stored, and putting it again would double it. */
function isRefusal(status: PutStatus): boolean {
  return !isStored(status) && !isHopeless(status);
}

function isHopeless(status: PutStatus): boolean {
  return status === "message_illegal" || status === "properties_too_long" ||
    status === "topic_too_long";
}

function split(messages: readonly MessageToStore[], size: number): MessageToStore[][] {
  const groups: MessageToStore[][] = [];
  for (let from = 0; from < messages.length; from += size) {
    groups.push(messages.slice(from, from + size));
  }
  return groups;
}
