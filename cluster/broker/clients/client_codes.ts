// Serves what clients say about themselves: heartbeats, goodbyes, expression checks, and who else is in a group
// (Java: ClientManageProcessor, ConsumerManageProcessor).
import { writeJson } from "../../../core/json/json_writer.ts";
import {
  CHECK_CLIENT_CONFIG,
  GET_CONSUMER_LIST_BY_GROUP,
  HEART_BEAT,
  UNREGISTER_CLIENT,
} from "../../../core/remoting/codes/groups.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import { RequestError } from "../../../core/errors.ts";
import { retryTopicOf } from "../../../core/message/topic_names.ts";
import type { Connection, HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { PullFilters } from "../filters/pull_filters.ts";
import type { GroupTable } from "../groups/group_table.ts";
import { JsonFields } from "../json_fields.ts";
import { PERM_READ_WRITE, TOPIC_FLAG_UNIT_SUB } from "../topics/topic_config.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import type { Client } from "./client.ts";
import type { Consumers } from "./consumers.ts";
import { decodeHeartbeat, type HeartbeatConsumer, subscriptionOf } from "./heartbeat_body.ts";
import type { Producers } from "./producers.ts";

/** Configuration keys by Apache's names. */
export interface ClientSettings {
  rejectPullConsumerEnable: boolean;
}

export interface ClientCodeParts {
  topics: TopicTable;
  groups: GroupTable;
  producers: Producers;
  consumers: Consumers;
  filters: PullFilters;
  clock: Clock;
  settings: ClientSettings;
}

export function registerClientCodes(registry: HandlerRegistry, parts: ClientCodeParts): void {
  parts.consumers.onGroupGone((group) => parts.filters.table.unregister(group));
  const heartbeats = new Heartbeats(parts);
  registry.handle(HEART_BEAT, ({ command }, connection) => ({
    fields: {
      IS_SUPPORT_HEART_BEAT_V2: true,
      IS_SUB_CHANGE: heartbeats.handle(command, connection),
    },
  }));

  registry.handle(UNREGISTER_CLIENT, ({ fields }, connection) => {
    const { producerGroup, consumerGroup } = fields;
    if (producerGroup !== undefined) parts.producers.unregister(producerGroup, connection);
    if (consumerGroup !== undefined) {
      const notify = parts.groups.find(consumerGroup)?.notifyConsumerIdsChangedEnable ?? true;
      parts.consumers.unregister(consumerGroup, connection, notify);
    }
    return {};
  });

  registry.handle(GET_CONSUMER_LIST_BY_GROUP, ({ fields }) => {
    const members = parts.consumers.group(fields.consumerGroup)?.members;
    if (members === undefined || members.size === 0) {
      throw new RequestError(
        ResponseCode.SYSTEM_ERROR,
        `no consumer for this group, ${fields.consumerGroup}`,
      );
    }
    const consumerIdList = [...members.values()].map((client) => client.clientId);
    return { body: new TextEncoder().encode(writeJson({ consumerIdList })) };
  });

  registry.handle(CHECK_CLIENT_CONFIG, ({ body }) => {
    const data = JsonFields.ofBody(body, "checkClient").object("subscriptionData");
    if (data === null) return {};
    const { subString, expressionType } = subscriptionOf(data);
    parts.filters.checkExpression(subString, expressionType);
    return {};
  });
}

class Heartbeats {
  /** The fingerprint of each group's last heartbeat, whichever member sent it. */
  private readonly fingerprints = new Map<string, number>();

  constructor(private readonly parts: ClientCodeParts) {}

  /** Whether the client must send its subscriptions again. */
  handle(command: RemotingCommand, connection: Connection): boolean {
    const heartbeat = decodeHeartbeat(command.body);
    const client = (): Client => ({
      connection,
      clientId: heartbeat.clientId,
      language: command.language,
      version: command.version,
      serializeType: command.serializeType,
      lastUpdateMs: this.parts.clock.nowMs(),
    });
    let changed = heartbeat.fingerprint === 0;
    for (const consumer of heartbeat.consumers) {
      const { fingerprint, withoutSubscriptions } = heartbeat;
      if (this.consumer(consumer, client(), fingerprint, withoutSubscriptions)) changed = true;
    }
    for (const group of heartbeat.producerGroups) this.parts.producers.register(group, client());
    return changed;
  }

  /**
   * True when the group's last heartbeat had another fingerprint, and when subscriptions are left out that this broker
   * doesn't know: it was started since. Apache's then lets the consumer go on without them.
   */
  private consumer(
    consumer: HeartbeatConsumer,
    client: Client,
    fingerprint: number,
    withoutSubscriptions: boolean,
  ): boolean {
    const { topics, groups, consumers, filters, settings } = this.parts;
    if (settings.rejectPullConsumerEnable && consumer.consumeType === "CONSUME_ACTIVELY") {
      return false;
    }
    const config = groups.find(consumer.group);
    if (config === undefined) return false;
    const known = this.fingerprints.get(consumer.group);
    this.fingerprints.set(consumer.group, fingerprint);
    topics.createForSendBack(
      retryTopicOf(consumer.group),
      config.retryQueueNums,
      PERM_READ_WRITE,
      consumer.unitMode ? TOPIC_FLAG_UNIT_SUB : 0,
      consumer.subscriptions.some(({ topic }) => topics.isOrder(topic)),
    );
    const subscriptions = fingerprint !== 0 && withoutSubscriptions ? null : consumer.subscriptions;
    consumers.register(
      consumer.group,
      client,
      consumer,
      subscriptions,
      config.notifyConsumerIdsChangedEnable,
    );
    if (subscriptions !== null) filters.table.register(consumer.group, subscriptions);
    else if (consumers.group(consumer.group)?.subscriptions.size === 0) return true;
    return known !== undefined && known !== fingerprint;
  }
}
