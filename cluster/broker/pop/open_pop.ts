// Puts POP together: its tables, what serves requests, what runs in the background. Holds no logic of its own.
import type { Buffer } from "node:buffer";
import { parseProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import { isRetryTopic, normalTopicOf, reviveTopicOf } from "../../../core/message/topic_names.ts";
import type { HandlerRegistry, HostAddress } from "../../../core/remoting/handler.ts";
import { runInBackground } from "../../../core/time/background.ts";
import { Acks } from "./acks.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { Arrival } from "./held_pops.ts";
import { Notifications } from "./notifications.ts";
import type { OrderTable } from "./order_table.ts";
import { Peeks } from "./peeks.ts";
import { registerPopCodes } from "./pop_codes.ts";
import { PopOffsets } from "./pop_offsets.ts";
import { PopQueues } from "./pop_queues.ts";
import { type PopParts, Pops } from "./pops.ts";
import { runRevival } from "./revive.ts";
import { ReviveLog, type TimedPuts } from "./revive_log.ts";
import { ReviveQueue } from "./revive_queue.ts";
import { Revivals } from "./revivals.ts";

export interface OpenPopParts
  extends Omit<PopParts, "queues" | "popOffsets" | "checkpoints" | "orders"> {
  orders: OrderTable;
  server: HandlerRegistry;
  storeHost: HostAddress;
  timedPuts: TimedPuts;
  /** True when the timer hasn't delivered yet what is due. */
  isTimerBehind: () => boolean;
}

const IDLE_SCAN_INTERVAL_MS = 30_000;

export interface OpenedPop {
  queues: PopQueues;
  pops: Pops;
  notifications: Notifications;
}

/** POP, served from here on; its background work and what it keeps in memory end with the stack. */
export function openPop(parts: OpenPopParts, stack: AsyncDisposableStack): OpenedPop {
  const { store, settings, clock, log, offsets, orders, topics, groups } = parts;
  const queues = new PopQueues();
  const reviveLog = new ReviveLog(parts);
  const checkpoints = stack.use(new Checkpoints({ ...parts, reviveLog }));
  const popOffsets = new PopOffsets({ ...parts, queues, checkpoints });
  const common = { ...parts, queues, checkpoints, popOffsets, reviveLog };
  const pops = stack.use(new Pops(common));
  const notifications = stack.use(new Notifications(common));
  const wake = (topic: string, group: string, queueId: number) => {
    pops.held.wakeForQueue(topic, group, queueId);
    notifications.held.wakeForQueue(topic, group, queueId);
  };
  const reviveTopic = reviveTopicOf(settings.brokerClusterName);
  const reviveQueueCount = countReviveQueues(store, reviveTopic, settings.reviveQueueNum);
  const acks = new Acks({ ...common, reviveQueueCount, wake });
  const peeks = new Peeks(common);
  registerPopCodes(parts.server, { pops, acks, notifications, peeks, checks: parts, clock });
  wakeOnArrival(parts, pops, notifications);
  orders.onFree((topic, group, queueId) => {
    if (!settings.enableNotifyAfterPopOrderLockRelease) return;
    if (popOffsets.restCount(topic, group, queueId) > 0) wake(topic, group, queueId);
  });
  stack.use(orders);
  stack.use(runInBackground(
    {
      name: "forgetting idle pop queues",
      intervalMs: IDLE_SCAN_INTERVAL_MS,
      tick: () => {
        const exists = (topic: string, group: string) => topics.has(topic) && groups.has(group);
        queues.forgetIdle(clock.nowMs(), exists);
        return "idle";
      },
    },
    clock,
    log,
  ));
  const revivals = new Revivals({ ...common, store });
  const reviveParts = {
    store,
    offsets,
    clock,
    topic: reviveTopic,
    brokerName: settings.brokerName,
    isTimerBehind: parts.isTimerBehind,
    revive: revivals.revive.bind(revivals),
  };
  const reviveQueues = Array.from(
    { length: reviveQueueCount },
    (_, queueId) => new ReviveQueue(queueId, reviveParts),
  );
  stack.use(runRevival(reviveQueues, settings.reviveInterval, clock, log));
  return { queues, pops, notifications };
}

/** Those that are configured, and what an earlier configuration left behind them: their checkpoints are still owed. */
function countReviveQueues(
  store: OpenPopParts["store"],
  reviveTopic: string,
  configured: number,
): number {
  let count = configured;
  while (store.queueBounds(reviveTopic, count) !== null) count++;
  return count;
}

/** Wakes those who wait for a topic's messages; a retry topic's are waited for under the topic itself. */
function wakeOnArrival(
  { store, settings }: Pick<OpenPopParts, "store" | "settings">,
  pops: Pops,
  notifications: Notifications,
): void {
  store.onArrival((topic, queueId, queueOffset, tagsCode) => {
    if (pops.held.count === 0 && notifications.held.count === 0) return;
    if (isRetryTopic(topic)) {
      const group = originGroup(store, topic, queueId, queueOffset);
      if (group === null) return;
      const origin = normalTopicOf(topic, group);
      pops.held.wakeForRetry(origin, group, queueId);
      notifications.held.wakeForRetry(origin, group, queueId);
      return;
    }
    const interval = settings.popLongPollingForceNotifyInterval;
    const isForced = interval > 0 && queueOffset % interval === 0;
    const passes: Arrival["passes"] = (filter) => {
      const view = hotRecord(store, topic, queueId, queueOffset);
      return view === null || filter.matches(view.buffer as Buffer, view.start, view.size);
    };
    pops.held.arrived(topic, queueId, isForced ? null : { tagsCode, passes });
    notifications.held.arrived(topic, queueId, null);
  });
}

/** The group that a message of a pop retry topic came back for; null when it isn't one. */
function originGroup(
  store: OpenPopParts["store"],
  topic: string,
  queueId: number,
  queueOffset: number,
): string | null {
  const view = hotRecord(store, topic, queueId, queueOffset);
  if (view === null) return null;
  const { properties } = decodeRecord(view.buffer, view.start, view.start + view.size);
  return parseProperties(properties).get(PROPERTY.originGroup) ?? null;
}

function hotRecord(
  store: OpenPopParts["store"],
  topic: string,
  queueId: number,
  queueOffset: number,
) {
  const cursor = store.openCursor(topic, queueId, queueOffset);
  if (cursor === null || !cursor.next()) return null;
  return store.readHot(cursor.physicalOffset, cursor.size);
}
