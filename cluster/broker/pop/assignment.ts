// Which queues a member of a group gets when it asks the broker: its own share, or under POP those that it shares with
// others. Pure (Java: QueryAssignmentProcessor.doLoadBalance, allocate4Pop).
import {
  type AllocationStrategy,
  average,
  averageByCircle,
} from "../../../core/client/allocation.ts";
import type { MessageQueue } from "../../../core/client/message.ts";
import { compareQueues } from "../../../core/client/rebalance.ts";
import type { RequestModeName } from "./request_modes.ts";

const strategies: ReadonlyMap<string, AllocationStrategy> = new Map(
  [average, averageByCircle].map((strategy) => [strategy.name, strategy]),
);

/** In a POP assignment: any queue of the broker. */
const ANY_QUEUE = -1;

export interface Member {
  group: string;
  clientId: string;
  strategyName: string;
}

/** The member's queues; null when it must keep what it has: its strategy isn't known here. */
export function assignQueues(
  { group, clientId, strategyName }: Member,
  topicQueues: readonly MessageQueue[],
  clientIds: readonly string[],
  mode: RequestModeName,
  popShareQueueNum: number,
): MessageQueue[] | null {
  const strategy = strategies.get(strategyName);
  if (strategy === undefined) return null;
  const queues = [...topicQueues].sort(compareQueues);
  const members = [...clientIds].sort();
  const shareOf = (member: string) =>
    queues.length === 0 ? [] : strategy.allocate({ group, clientId: member, queues, members });
  if (mode === "PULL") return [...shareOf(clientId)];
  if (popShareQueueNum <= 0 || popShareQueueNum >= members.length - 1) return anyQueue(queues);
  const index = members.indexOf(clientId);
  if (members.length > queues.length) {
    return index < 0 || queues.length === 0 ? [] : [queues[index % queues.length]!];
  }
  const shared = [...shareOf(clientId)];
  for (let next = 1; index >= 0 && next <= popShareQueueNum; next++) {
    shared.push(...shareOf(members[(index + next) % members.length]!));
  }
  return unique(shared);
}

/** Each broker's queues as one. */
function anyQueue(queues: readonly MessageQueue[]): MessageQueue[] {
  return unique(queues.map((queue) => ({ ...queue, queueId: ANY_QUEUE })));
}

function unique(queues: readonly MessageQueue[]): MessageQueue[] {
  const byName = new Map(queues.map((queue) => [`${queue.brokerName} ${queue.queueId}`, queue]));
  return [...byName.values()];
}
