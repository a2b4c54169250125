// Who of a group consumes which queues (AVG), and what changes for one member. Pure.
import { type MessageQueue, queueKey } from "./message.ts";

/**
 * The queues of one member: queues and members sorted, then cut into runs as equal as can be, the
 * first members taking one more. Every member computes the same cut by itself, Java's too: an id
 * that the broker lists twice counts twice. None when the member isn't in the list: the broker
 * doesn't know of it yet. (AllocateMessageQueueAveragely)
 */
export function allocateAveragely(
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
  clientId: string,
): MessageQueue[] {
  const members = [...clientIds].sort(compareText);
  const index = members.indexOf(clientId);
  if (index < 0) return [];
  const sorted = [...queues].sort(compareQueues);
  const share = Math.floor(sorted.length / members.length);
  const rest = sorted.length % members.length;
  const start = index * share + Math.min(index, rest);
  return sorted.slice(start, start + share + (index < rest ? 1 : 0));
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
