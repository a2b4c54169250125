// What a rebalance means for one member: its queues by the group's strategy, and what begins and
// ends. Pure.
import type { AllocationInput, AllocationStrategy } from "./allocation.ts";
import { type MessageQueue, queueKey } from "./message.ts";

/**
 * One member's queues of a topic, whatever the order in which name servers and brokers list queues
 * and members. Null when the member isn't among them: the broker doesn't know of it yet.
 */
export function queuesOfMember(
  strategy: AllocationStrategy,
  { group, clientId, queues, members }: AllocationInput,
): MessageQueue[] | null {
  if (!members.includes(clientId)) return null;
  if (queues.length === 0) return [];
  const topic = queues[0]!.topic;
  return strategy.allocate({
    group,
    clientId,
    queues: queues.toSorted(compareQueues),
    members: members.toSorted(compareText),
  }).filter((queue) => queue.topic === topic);
}

export interface RebalanceChange {
  added: MessageQueue[];
  removed: MessageQueue[];
}

/** What to begin and to end so that `current` becomes `wanted`. */
export function changeOf(
  current: readonly MessageQueue[],
  wanted: readonly MessageQueue[],
): RebalanceChange {
  const have = new Set(current.map(queueKey));
  const want = new Set(wanted.map(queueKey));
  return {
    added: wanted.filter((queue) => !have.has(queueKey(queue))),
    removed: current.filter((queue) => !want.has(queueKey(queue))),
  };
}

/** MessageQueue.compareTo: topic, broker name, queue id. */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  return compareText(a.topic, b.topic) || compareText(a.brokerName, b.brokerName) ||
    a.queueId - b.queueId;
}

/** Java's String.compareTo: by UTF-16 units, as JavaScript compares. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
