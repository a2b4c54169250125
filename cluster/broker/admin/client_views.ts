// Shows who is connected and who consumes what (Java: AdminBrokerProcessor).
import { RequestError } from "../../../core/errors.ts";
import type { JsonObject, JsonValue } from "../../../core/json/json_value.ts";
import {
  GET_ALL_PRODUCER_INFO,
  GET_CONSUMER_CONNECTION_LIST,
  GET_PRODUCER_CONNECTION_LIST,
  QUERY_SUBSCRIPTION_BY_CONSUMER,
  QUERY_TOPIC_CONSUME_BY_WHO,
  QUERY_TOPICS_BY_CONSUMER,
} from "../../../core/remoting/codes/groups.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Client } from "../clients/client.ts";
import type { ConsumerGroup } from "../clients/consumers.ts";
import type { AdminParts } from "./admin_parts.ts";
import { connectionJson, jsonAnswer, subscriptionJson } from "./json_answer.ts";

export function registerClientViews(parts: AdminParts): void {
  registerConnections(parts);
  registerSubscriptions(parts);
}

function registerConnections({ server, consumers, producers }: AdminParts): void {
  server.handle(GET_CONSUMER_CONNECTION_LIST, ({ fields: { consumerGroup } }) => {
    const group = consumers.group(consumerGroup);
    if (group !== undefined) return jsonAnswer(consumerConnection(group));
    throw new RequestError(
      ResponseCode.CONSUMER_NOT_ONLINE,
      `the consumer group[${consumerGroup}] not online`,
    );
  });

  server.handle(GET_PRODUCER_CONNECTION_LIST, ({ fields: { producerGroup } }) => {
    const members = producers.members(producerGroup);
    if (members === undefined) {
      throw new RequestError(
        ResponseCode.SYSTEM_ERROR,
        `the producer group[${producerGroup}] not exist`,
      );
    }
    return jsonAnswer({ connectionSet: [...members.values()].map(connectionJson) });
  });

  server.handle(GET_ALL_PRODUCER_INFO, () => {
    const data = Object.fromEntries(
      [...producers.all()].map(([group, members]) => [
        group,
        [...members.values()].map(producerJson),
      ]),
    );
    return jsonAnswer({ data });
  });
}

function registerSubscriptions({ server, consumers, offsets, brokerAddress }: AdminParts): void {
  server.handle(QUERY_TOPIC_CONSUME_BY_WHO, ({ fields: { topic } }) => {
    const groups = new Set([...consumers.groupsOf(topic), ...offsets.groupsOf(topic)]);
    return jsonAnswer({ groupList: [...groups] });
  });

  server.handle(
    QUERY_TOPICS_BY_CONSUMER,
    ({ fields: { group } }) =>
      jsonAnswer({ brokerAddr: brokerAddress, topicList: [...offsets.topicsOf(group)] }),
  );

  server.handle(QUERY_SUBSCRIPTION_BY_CONSUMER, ({ fields: { group, topic } }) => {
    const subscription = consumers.subscription(group, topic);
    return jsonAnswer({
      group,
      subscriptionData: subscription && subscriptionJson(subscription),
      topic,
    });
  });
}

/** Java: ConsumerConnection. */
function consumerConnection(group: ConsumerGroup): JsonValue {
  const subscriptionTable = Object.fromEntries(
    [...group.subscriptions].map((
      [topic, subscription],
    ) => [topic, subscriptionJson(subscription)]),
  );
  return {
    connectionSet: [...group.members.values()].map(connectionJson),
    consumeFromWhere: group.consumeFromWhere,
    consumeType: group.consumeType,
    messageModel: group.messageModel,
    subscriptionTable,
  };
}

/** Java: ProducerInfo; its address is a Java socket address with an empty host name. */
function producerJson(client: Client): JsonObject {
  return {
    clientId: client.clientId,
    language: client.language,
    lastUpdateTimestamp: client.lastUpdateMs,
    remoteIP: `/${client.connection.remoteAddress}`,
    version: client.version,
  };
}
