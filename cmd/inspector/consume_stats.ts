// How far a group is with its queues, as brokers tell it. Asks; prints nothing.
import { compareQueues } from "../../core/client/rebalance.ts";
import type { MessageQueue } from "../../core/client/message.ts";
import type { JsonValue } from "../../core/json/json_value.ts";
import { GET_CONSUME_STATS } from "../../core/remoting/codes/groups.ts";
import { asObject, bodyObject, number, queueEntries } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";
import { addressesOf } from "./routes.ts";

export interface QueueProgress extends MessageQueue {
  brokerOffset: number;
  consumerOffset: number;
  pullOffset: number;
  /** 0 when nothing of the queue was consumed. */
  lastTimestamp: number;
}

export interface GroupProgress {
  /** Sorted. */
  queues: QueueProgress[];
  consumeTps: number;
}

const STATS_TIMEOUT_MS = 15_000;

/** A ConsumeStats. */
export function groupProgressOf(value: JsonValue): GroupProgress {
  const stats = asObject(value);
  const queues = queueEntries(stats["offsetTable"]).map(([queue, wrapper]) => {
    const offsets = asObject(wrapper);
    return {
      ...queue,
      brokerOffset: number(offsets["brokerOffset"]),
      consumerOffset: number(offsets["consumerOffset"]),
      pullOffset: number(offsets["pullOffset"]),
      lastTimestamp: number(offsets["lastTimestamp"]),
    };
  });
  return { queues: queues.sort(compareQueues), consumeTps: number(stats["consumeTps"]) };
}

/** One broker's part. */
export async function progressOn(
  cluster: Cluster,
  address: string,
  group: string,
  topic: string | undefined,
): Promise<GroupProgress> {
  const fields = { consumerGroup: group, ...(topic !== undefined && { topic }) };
  const options = { timeoutMs: STATS_TIMEOUT_MS };
  const { body } = await cluster.ask(GET_CONSUME_STATS, address, fields, options);
  return groupProgressOf(bodyObject(body, address));
}

/** Of all brokers at the addresses. */
export async function progressAt(
  cluster: Cluster,
  addresses: readonly string[],
  group: string,
  topic?: string,
): Promise<GroupProgress> {
  const parts = await Promise.all(
    addresses.map((address) => progressOn(cluster, address, group, topic)),
  );
  return {
    queues: parts.flatMap(({ queues }) => queues).sort(compareQueues),
    consumeTps: parts.reduce((sum, part) => sum + part.consumeTps, 0),
  };
}

/** Of the brokers that know the group. Throws OperationError for a group that doesn't exist. */
export async function progressOf(cluster: Cluster, group: string): Promise<GroupProgress> {
  const { brokers } = await cluster.routeOfGroup(group);
  return await progressAt(cluster, addressesOf(brokers), group);
}

/** Messages that wait, over all queues. */
export function lagOf({ queues }: GroupProgress): number {
  return queues.reduce((sum, queue) => sum + queue.brokerOffset - queue.consumerOffset, 0);
}
