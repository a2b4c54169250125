// Brings back what a checkpoint gave out and nobody acknowledged: each message goes to its group's retry topic. What can't
// be brought back now gets a checkpoint of its own for later (Java: PopReviveService.reviveMsgFromCk, rePutCK).
import type { Logger } from "../../../core/log.ts";
import { isSound } from "../../../core/message/record_check.ts";
import { isRetryTopic, normalTopicOf } from "../../../core/message/topic_names.ts";
import type { HostAddress } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { isStored, type MessageStore } from "../../../store/message_store.ts";
import { type Checkpoint, offsetOfIndex, reviveTimeMs } from "../../../store/pop/revive_records.ts";
import type { GroupTable } from "../groups/group_table.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import type { StatsSink } from "../stats_sink.ts";
import { newTopicConfig, type TopicConfig } from "../topics/topic_config.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import { popRetryTopic } from "./pop_checks.ts";
import type { PopQueues } from "./pop_queues.ts";
import type { PopSettings } from "./pop_settings.ts";
import { retryMessageOf } from "./retry_message.ts";
import type { ReviveLog } from "./revive_log.ts";

export interface RevivalParts {
  store: Pick<MessageStore, "queueBounds" | "openCursor" | "entries" | "put">;
  topics: TopicTable;
  groups: GroupTable;
  offsets: OffsetTable;
  queues: PopQueues;
  reviveLog: ReviveLog;
  stats: StatsSink;
  settings: PopSettings;
  storeHost: HostAddress;
  clock: Clock;
  log: Logger;
}

/** How much longer each attempt at a message that can't be brought back waits. */
const REWRITE_DELAYS_SECONDS = [
  10,
  20,
  30,
  60,
  120,
  180,
  240,
  300,
  360,
  420,
  480,
  540,
  600,
  1200,
  1800,
  3600,
  7200,
];

export class Revivals {
  constructor(private readonly parts: RevivalParts) {}

  /** Resolves when every message of the checkpoint is back, gone for good, or has a checkpoint for later. */
  async revive(checkpoint: Checkpoint, reviveQueueId: number): Promise<void> {
    const { topic, group } = checkpoint;
    const { topics, groups } = this.parts;
    const normal = topics.get(normalTopicOf(topic, group));
    if (normal === undefined || groups.find(group) === undefined) {
      this.parts.log.warn("a checkpoint's topic or group is gone", { topic, group });
      return;
    }
    const indexes = Array.from({ length: checkpoint.messageCount }, (_, index) => index)
      .filter((index) => (checkpoint.bits & (1 << index)) === 0);
    await Promise.all(indexes.map(async (index) => {
      const offset = offsetOfIndex(checkpoint, index);
      if (!await this.reviveOne(checkpoint, normal, offset)) {
        await this.rewrite(checkpoint, offset, reviveQueueId);
      }
      // Should another one of them fail, only that one is tried again.
      checkpoint.bits |= 1 << index;
    }));
  }

  /** False when it must be tried again; a message that has left the log can't come back. */
  private async reviveOne(
    checkpoint: Checkpoint,
    normal: TopicConfig,
    offset: number,
  ): Promise<boolean> {
    const { store, stats, queues, storeHost, log } = this.parts;
    const { topic, group, queueId, popTimeMs } = checkpoint;
    try {
      const bounds = store.queueBounds(topic, queueId);
      if (bounds === null || offset < bounds.minOffset || offset >= bounds.maxOffset) return true;
      const cursor = store.openCursor(topic, queueId, offset);
      // Exactly this message, never the next one there is.
      if (cursor === null) return true;
      const isFound = cursor.next() || await store.entries.next(topic, queueId, cursor);
      if (!isFound || cursor.queueOffset !== offset) return true;
      const view = await store.entries.read(topic, queueId, cursor);
      if (view === null) return true;
      if (!isSound(view)) {
        log.error("a damaged message isn't brought back", { topic, group, queueId, offset });
        return true;
      }
      // The view is only good for this turn, and the retry topic may have to be saved.
      const taken = retryMessageOf(view, group, popTimeMs, storeHost);
      const retryTopic = await this.retryTopicOf(checkpoint, normal);
      const target = retryTopic.topicName;
      const isOwnQueue = this.parts.settings.useSeparateRetryQueue &&
        taken.queueId < retryTopic.writeQueueNums;
      const message = { ...taken, topic: target, queueId: isOwnQueue ? taken.queueId : 0 };
      const [result] = await store.put([message]);
      if (!isStored(result!.status)) {
        log.error("a message was not brought back", { topic, group, detail: result!.detail });
        return false;
      }
      queues.returned(OffsetTable.key(topic, group), queueId, 1);
      stats.brokerPut(topic, 1);
      stats.topicPut(target, message.queueId, 1, result!.size);
      return true;
    } catch (error) {
      log.error("a message was not brought back", { topic, group, offset, error });
      return false;
    }
  }

  /**
   * The group's retry topic, made and saved when there is none: nobody would look for messages in a topic that a kill made
   * unknown. Its group starts at its first message.
   */
  private async retryTopicOf(
    { topic, group }: Checkpoint,
    normal: TopicConfig,
  ): Promise<TopicConfig> {
    const { topics, offsets, settings } = this.parts;
    const name = isRetryTopic(topic) ? topic : popRetryTopic(topic, group, settings);
    const queueCount = settings.useSeparateRetryQueue ? normal.writeQueueNums : 1;
    const queueNums = { readQueueNums: queueCount, writeQueueNums: queueCount };
    const known = topics.createIfAbsent(newTopicConfig(name, queueNums));
    if (known.writeQueueNums < queueCount) {
      void topics.update([{ ...known, ...queueNums, attributes: {} }]);
    }
    await topics.saved();
    for (let queueId = 0; queueId < queueCount; queueId++) {
      if (offsets.query(name, group, queueId) < 0) offsets.commit(name, group, queueId, 0);
    }
    return topics.get(name) ?? known;
  }

  private async rewrite(
    checkpoint: Checkpoint,
    offset: number,
    reviveQueueId: number,
  ): Promise<void> {
    const { settings, clock, log, reviveLog } = this.parts;
    const { topic, group, rewriteCount } = checkpoint;
    const isLast = rewriteCount >= REWRITE_DELAYS_SECONDS.length;
    if (isLast && settings.skipWhenCKRePutReachMaxTimes) {
      log.warn("a message is given up", { topic, group, offset, rewriteCount });
      return;
    }
    const delaySeconds = REWRITE_DELAYS_SECONDS[rewriteCount] ?? REWRITE_DELAYS_SECONDS.at(-1)!;
    const isPast = reviveTimeMs(checkpoint) <= clock.nowMs();
    const isStored = await reviveLog.putCheckpoint({
      ...checkpoint,
      invisibleMs: checkpoint.invisibleMs + (isPast ? delaySeconds * 1000 : 0),
      startOffset: offset,
      messageCount: 1,
      offsetDiffs: [0],
      bits: 0,
      rewriteCount: rewriteCount + 1,
    }, reviveQueueId);
    // The revive queue's offset stays before the checkpoint, which is then taken up again.
    if (!isStored) throw new Error(`a checkpoint of ${topic} was not stored again`);
  }
}
