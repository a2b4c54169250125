// The body of a heartbeat: what a client is in, and what it subscribes to (Java: HeartbeatData).
import { JsonFields } from "../json_fields.ts";
import type { ConsumeMode } from "./consumers.ts";
import { EXPRESSION_TAG, type Subscription } from "./subscription.ts";

export interface HeartbeatConsumer extends ConsumeMode {
  group: string;
  unitMode: boolean;
  subscriptions: Subscription[];
}

export interface Heartbeat {
  clientId: string;
  /** Hash of all subscriptions; 0 in heartbeats of version 1. */
  fingerprint: number;
  /** The subscriptions are left out: they are those of the last heartbeat with this fingerprint. */
  withoutSubscriptions: boolean;
  consumers: HeartbeatConsumer[];
  producerGroups: string[];
}

/** Throws DecodeError naming the field. */
export function decodeHeartbeat(body: Uint8Array): Heartbeat {
  const fields = JsonFields.ofBody(body, "heartbeat");
  return {
    clientId: fields.text("clientID"),
    fingerprint: fields.number("heartbeatFingerprint"),
    withoutSubscriptions: fields.boolean("withoutSub"),
    consumers: fields.objects("consumerDataSet").map(consumerOf),
    producerGroups: fields.objects("producerDataSet").map((data) => data.text("groupName")),
  };
}

function consumerOf(data: JsonFields): HeartbeatConsumer {
  return {
    group: data.text("groupName"),
    consumeType: data.text("consumeType", "CONSUME_PASSIVELY"),
    messageModel: data.text("messageModel", "CLUSTERING"),
    consumeFromWhere: data.text("consumeFromWhere", "CONSUME_FROM_LAST_OFFSET"),
    unitMode: data.boolean("unitMode"),
    subscriptions: data.objects("subscriptionDataSet").map(subscriptionOf),
  };
}

/** A SubscriptionData object, as heartbeats and expression checks carry it. */
export function subscriptionOf(data: JsonFields): Subscription {
  return {
    topic: data.text("topic"),
    subString: data.text("subString"),
    expressionType: data.text("expressionType", EXPRESSION_TAG),
    subVersion: data.number("subVersion"),
    tags: data.texts("tagsSet"),
    codes: new Set(data.items("codeSet").map(Number)),
    classFilterMode: data.boolean("classFilterMode"),
  };
}
