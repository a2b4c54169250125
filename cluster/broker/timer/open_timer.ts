// Puts the timer together: its files below the store's root, its counts, its rules. Opened only while timerWheelEnable is
// true: with it off, files that are there stay untouched.
import type { BrokerConfig } from "../../../core/config/tables.ts";
import type { Disk } from "../../../core/disk/disk.ts";
import type { Logger } from "../../../core/log.ts";
import { TIMER_QUEUE_ID, TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { MetadataFile } from "../../../store/file/metadata_file.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { TimerMetrics } from "../../../store/timer/timer_metrics.ts";
import { TimerStore } from "../../../store/timer/timer_store.ts";
import { losable } from "../lost_tables.ts";
import type { StatsSink } from "../stats_sink.ts";
import type { TimerRules } from "./timer_rules.ts";
import { TimerService } from "./timer_service.ts";

export interface TimerParts {
  disk: Disk;
  clock: Clock;
  log: Logger;
  settings: BrokerConfig;
  store: MessageStore;
  stats: StatsSink;
  timerRules: TimerRules;
}

export interface OpenedTimer {
  service: TimerService;
  timers: TimerStore;
  metrics: TimerMetrics;
}

/** Null while timerWheelEnable is false. Throws OperationError when the files can't be used, DiskError. */
export function openTimer(parts: TimerParts): OpenedTimer | null {
  const { clock, disk, settings, store } = parts;
  if (!settings.timerWheelEnable) return null;
  const log = parts.log.named("timer");
  const nowMs = clock.nowMs();
  const timers = TimerStore.open({
    disk,
    log,
    nowMs,
    storePath: settings.storePathRootDir,
    logFileBytes: settings.mappedFileSizeTimerLog,
    precisionMs: settings.timerPrecisionMs,
    rollWindowSlots: settings.timerRollWindowSlot,
    commitLogEnd: store.maxPhysicalOffset,
    queueEnd: store.queueBounds(TIMER_TOPIC, TIMER_QUEUE_ID)?.maxOffset ?? 0,
  });
  const path = `${settings.storePathRootDir}/config/timermetrics`;
  // Counts for monitoring: no start is refused for want of them.
  const storePath = settings.storePathRootDir;
  const file = losable(new MetadataFile({ disk, log, path }), { disk, log, path, storePath });
  const metrics = new TimerMetrics(nowMs);
  const text = file.load();
  if (text !== null) metrics.decode(text);
  const saveMetrics = async () => {
    if (metrics.takeDirty()) await file.saveInBackground(metrics.encode());
  };
  parts.timerRules.waitingAt = (timeMs) => timers.waitingAt(timeMs);
  const service = new TimerService({ ...parts, log, timers, metrics, saveMetrics });
  return { service, timers, metrics };
}
