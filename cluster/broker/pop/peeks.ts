// Serves PEEK_MESSAGE: shows messages that a group hasn't been given yet, and changes nothing
// (Java: PeekMessageProcessor). Knows no filters.
import type { Logger } from "../../../core/log.ts";
import { Buffer } from "node:buffer";
import { type Random, randomBelow } from "../../../core/random.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import type { PEEK_MESSAGE } from "../../../core/remoting/codes/pop.ts";
import { parseSubscription } from "../clients/subscription.ts";
import { RecordBytes } from "../pull/record_bytes.ts";
import { Selection, type SelectionSettings, Selector } from "../pull/selection.ts";
import type { StatsSink } from "../stats_sink.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { checkRead, type PopCheckParts, popRetryTopic } from "./pop_checks.ts";
import type { PopOffsets } from "./pop_offsets.ts";
import { readSelection } from "./pop_records.ts";
import type { PopSettings } from "./pop_settings.ts";

export interface PeekParts extends PopCheckParts {
  store: MessageStore;
  log: Logger;
  popOffsets: PopOffsets;
  random: Random;
  stats: StatsSink;
  settings: PopSettings & SelectionSettings;
  physicalMemoryBytes: number;
}

export interface Peeked {
  restCount: number;
  /** Empty when there was nothing. */
  body: Buffer;
}

/** Percent of peeks that look at retries first. */
const RETRY_FIRST_PERCENT = 20;

export class Peeks {
  private readonly selector: Selector;
  private readonly records: RecordBytes;

  constructor(private readonly parts: PeekParts) {
    this.selector = new Selector(parts.store, parts.settings, parts.physicalMemoryBytes);
    this.records = new RecordBytes(parts.store, parts.log);
  }

  /** Throws RequestError. */
  async peek(
    fields: RequestFieldsOf<typeof PEEK_MESSAGE>,
    remoteAddress: string,
  ): Promise<Peeked> {
    const { topic } = checkRead(this.parts, fields, remoteAddress);
    const { consumerGroup: group, maxMsgNums } = fields;
    const retryTopic = popRetryTopic(topic.topicName, group, this.parts.settings);
    const first = randomBelow(this.parts.random, 100);
    const own = fields.queueId < 0
      ? this.queuesOf(topic.topicName, first)
      : [{ topic: topic.topicName, queueId: fields.queueId }];
    const retries = this.queuesOf(retryTopic, first);
    const isRetryFirst = randomBelow(this.parts.random, 100) < RETRY_FIRST_PERCENT;
    const bodies: Buffer[] = [];
    const selection = new Selection();
    let restCount = 0;
    let messageCount = 0;
    for (const queue of isRetryFirst ? [...retries, ...own] : [...own, ...retries]) {
      restCount += this.parts.popOffsets.restCount(queue.topic, group, queue.queueId);
      if (messageCount >= maxMsgNums) continue;
      this.select(selection, queue.topic, group, queue.queueId, maxMsgNums - messageCount);
      if (selection.status !== "FOUND") continue;
      bodies.push(await readSelection(this.records, selection));
      messageCount += selection.recordCount;
    }
    const body = Buffer.concat(bodies);
    if (messageCount > 0) {
      const { stats } = this.parts;
      stats.groupGot(group, topic.topicName, fields.queueId, messageCount, body.length);
      stats.brokerGot(topic.topicName, messageCount);
    }
    return { restCount, body };
  }

  private queuesOf(topic: string, first: number): { topic: string; queueId: number }[] {
    const count = this.parts.topics.get(topic)?.readQueueNums ?? 0;
    return Array.from({ length: count }, (_, index) => ({
      topic,
      queueId: (first + index) % count,
    }));
  }

  private select(
    selection: Selection,
    topic: string,
    group: string,
    queueId: number,
    count: number,
  ): void {
    const bounds = this.parts.store.queueBounds(topic, queueId);
    const { minOffset, maxOffset } = bounds ?? { minOffset: 0, maxOffset: 0 };
    const next = this.parts.popOffsets.next(topic, group, queueId);
    const offset = Math.min(Math.max(next, minOffset), maxOffset);
    const everything = parseSubscription(topic, undefined, undefined, 0)!;
    this.selector.select(selection, topic, queueId, offset, count, everything);
  }
}
