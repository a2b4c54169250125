// Runs the revive topic's queues in the background, each at its own pace, and none while there is nothing in them.
import type { Logger } from "../../../core/log.ts";
import { runInBackground } from "../../../core/time/background.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { ReviveQueue } from "./revive_queue.ts";

export function runRevival(
  queues: readonly ReviveQueue[],
  intervalMs: number,
  clock: Clock,
  log: Logger,
): AsyncDisposable {
  const stack = new AsyncDisposableStack();
  for (const queue of queues) {
    const tick = async () => queue.isIdle ? "idle" as const : await queue.step();
    const name = `reviving queue ${queue.queueId}`;
    // The budget lets a backlog be read on end.
    stack.use(runInBackground({ name, intervalMs, tick, budgetMs: 10_000 }, clock, log));
  }
  return stack;
}
