// Which messages listeners have in hand, and for how long: what operators look for in a thread dump
// of a Java consumer. Pure.
import { RUNNING_CALLS_LISTED_MAX } from "./limits.ts";
import type { QueuedMessage } from "./process_queue.ts";

/** One line for each message, those in hand for the longest first. Times are monotonic, in ms. */
export function describeRunning(entries: readonly QueuedMessage[], nowMs: number): string {
  const running = entries.toSorted((a, b) => a.startedMs - b.startedMs);
  const lines = running.slice(0, RUNNING_CALLS_LISTED_MAX).map(({ message, of, startedMs }) => {
    const { topic, brokerName, queueId } = of.queue;
    return `listener  for ${Math.round(nowMs - startedMs)} ms  ${topic}@${brokerName}@${queueId}` +
      `  offset ${message.queueOffset}  message ${message.messageId}`;
  });
  const more = running.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  return [`${running.length} messages are being consumed`, ...lines, ""].join("\n");
}
