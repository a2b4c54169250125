// Whether the groups of a topic have consumed a message. Asks; prints nothing.
import type { ClientMessage } from "../../core/message/client_message.ts";
import { PROPERTY } from "../../core/message/property_names.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import type { Cluster } from "./cluster.ts";
import { findConsumers } from "./connections.ts";
import { progressOf } from "./consume_stats.ts";
import { masterOf } from "./routes.ts";
import { groupsOfTopic } from "./topics.ts";

export type TrackType =
  | "CONSUMED"
  | "CONSUMED_BUT_FILTERED"
  | "PULL"
  | "NOT_CONSUME_YET"
  | "NOT_ONLINE"
  | "CONSUME_BROADCASTING"
  | "UNKNOWN";

export interface MessageTrack {
  consumerGroup: string;
  trackType: TrackType;
  exceptionDesc: string | null;
}

export async function tracksOf(cluster: Cluster, message: ClientMessage): Promise<MessageTrack[]> {
  const groups = await groupsOfTopic(cluster, message.topic);
  return await Promise.all(groups.map(async (consumerGroup) => {
    try {
      return { consumerGroup, ...await trackOf(cluster, message, consumerGroup) };
    } catch (error) {
      return { consumerGroup, trackType: "UNKNOWN", exceptionDesc: (error as Error).message };
    }
  }));
}

type Track = Omit<MessageTrack, "consumerGroup">;

const track = (trackType: TrackType): Track => ({ trackType, exceptionDesc: null });

async function trackOf(cluster: Cluster, message: ClientMessage, group: string): Promise<Track> {
  const consumers = await findConsumers(cluster, group);
  if (consumers === null) {
    const why = `the consumer group[${group}] not online`;
    const exceptionDesc = `CODE:${ResponseCode.CONSUMER_NOT_ONLINE} DESC:${why}`;
    return { trackType: "NOT_ONLINE", exceptionDesc };
  }
  if (consumers.consumeType === "CONSUME_ACTIVELY") return track("PULL");
  if (consumers.consumeType !== "CONSUME_PASSIVELY") return track("UNKNOWN");
  const { queues } = await progressOf(cluster, group);
  if (queues.length === 0 && consumers.messageModel === "BROADCASTING") {
    return track("CONSUME_BROADCASTING");
  }
  const { brokers } = await cluster.info();
  const isConsumed = queues.some((queue) => {
    if (queue.topic !== message.topic || queue.queueId !== message.queueId) return false;
    const broker = brokers.get(queue.brokerName);
    const isSameBroker = broker !== undefined && masterOf(broker) === message.storeHost;
    return isSameBroker && queue.consumerOffset > message.queueOffset;
  });
  if (!isConsumed) return track("NOT_CONSUME_YET");
  const subscription = consumers.subscriptions.find(({ topic }) => topic === message.topic);
  const tags = subscription?.tags ?? [];
  const tag = message.properties.get(PROPERTY.tags) ?? "";
  const isWanted = tags.length === 0 || tags.includes("*") || tags.includes(tag);
  return track(isWanted ? "CONSUMED" : "CONSUMED_BUT_FILTERED");
}

/** As MessageTrack.toString. */
export function trackText({ consumerGroup, exceptionDesc, trackType }: MessageTrack): string {
  return `MessageTrack [consumerGroup=${consumerGroup}, trackType=${trackType}, ` +
    `exceptionDesc=${exceptionDesc}]`;
}
