// Serves notifications: tells a proxy that a group has messages, at once or as soon as one arrives, without giving any out
// (Java: NotificationProcessor).
import { AssertionError, RequestError } from "../../../core/errors.ts";
import { popRetryTopicV1 } from "../../../core/message/topic_names.ts";
import { type Random, randomBelow } from "../../../core/random.ts";
import { answerTo } from "../../../core/remoting/answers.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import { NOTIFICATION } from "../../../core/remoting/codes/pop.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import type { TopicConfig } from "../topics/topic_config.ts";
import { HeldPops, type Waiter } from "./held_pops.ts";
import type { OrderTable } from "./order_table.ts";
import { checkRead, type PopCheckParts, popRetryTopic } from "./pop_checks.ts";
import type { PopOffsets } from "./pop_offsets.ts";

export interface NotificationParts extends PopCheckParts {
  orders: OrderTable;
  popOffsets: PopOffsets;
  random: Random;
}

export interface NotificationRequest extends Waiter {
  readonly fields: RequestFieldsOf<typeof NOTIFICATION>;
  readonly command: RemotingCommand;
}

export class Notifications implements Disposable {
  readonly held: HeldPops<NotificationRequest>;

  constructor(private readonly parts: NotificationParts) {
    const notify = (request: NotificationRequest) => this.notify(request);
    this.held = new HeldPops(parts.clock, parts.settings, notify, "newest");
  }

  [Symbol.dispose](): void {
    this.held[Symbol.dispose]();
  }

  notify(request: NotificationRequest): void {
    const { fields, connection, command } = request;
    try {
      const { topic } = checkRead(this.parts, fields, connection.remoteAddress);
      const hasMsg = this.hasMessages(request, topic);
      const result = hasMsg ? null : this.held.hold(request, fields.pollTime);
      if (result === "held") return;
      connection.send(answerTo(command, NOTIFICATION, {
        // What Apache's answer carries.
        remark: "not set any response code",
        fields: { hasMsg, pollingFull: result === "full" },
      }));
    } catch (error) {
      if (error instanceof AssertionError || !(error instanceof RequestError)) throw error;
      connection.send(answerTo(command, NOTIFICATION, {
        code: error.code,
        remark: error.remark,
        fields: { hasMsg: false, pollingFull: false },
      }));
    }
  }

  private hasMessages(request: NotificationRequest, topic: TopicConfig): boolean {
    const { queueId } = request;
    const first = randomBelow(this.parts.random, 100);
    const isInTopic = queueId < 0
      ? this.hasInTopic(request, topic.topicName, first)
      : this.hasInQueue(request, topic.topicName, queueId);
    return isInTopic || this.hasRetries(request, first);
  }

  private hasRetries(request: NotificationRequest, first: number): boolean {
    const { settings } = this.parts;
    const { topic, group } = request;
    if (this.hasInTopic(request, popRetryTopic(topic, group, settings), first)) return true;
    return settings.enableRetryTopicV2 && settings.retrieveMessageFromPopRetryTopicV1 &&
      this.hasInTopic(request, popRetryTopicV1(topic, group), first);
  }

  private hasInTopic(request: NotificationRequest, topic: string, first: number): boolean {
    const count = this.parts.topics.get(topic)?.readQueueNums ?? 0;
    for (let index = 0; index < count; index++) {
      if (this.hasInQueue(request, topic, (first + index) % count)) return true;
    }
    return false;
  }

  private hasInQueue(
    { fields, topic: named, group }: NotificationRequest,
    topic: string,
    queueId: number,
  ) {
    if (fields.order) {
      const attemptId = fields.attemptId ?? null;
      if (this.parts.orders.isBlocked(attemptId, named, group, queueId, 0)) return false;
    }
    return this.parts.popOffsets.restCount(topic, group, queueId) > 0;
  }
}
