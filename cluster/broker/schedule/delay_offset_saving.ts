// When the delay levels' offsets go to disk, and what is made of those found there. An offset passes over messages for
// good, so it is never on the device before the log that it counts in, nor left beyond the end of its queue.
import type { Logger } from "../../../core/log.ts";
import { SCHEDULE_TOPIC } from "../../../core/message/topic_names.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { MetadataFile } from "../../../store/file/metadata_file.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { FileMessageStore } from "../../../store/message_store_impl.ts";
import { DelayLevels } from "../../../store/schedule/delay_levels.ts";
import type { DelayOffsets } from "../../../store/schedule/delay_offsets.ts";

/**
 * Saves what has changed, after the log is on the device: with it are the copies of what counts as delivered. Rejects
 * with DiskError; then it is saved at the next call.
 */
export async function saveDelayOffsets(
  offsets: DelayOffsets,
  file: Pick<MetadataFile, "saveInBackground">,
  store: Pick<FileMessageStore, "flush">,
): Promise<void> {
  if (!offsets.takeDirty()) return;
  const text = offsets.encode();
  let isSaved = false;
  try {
    if (!await store.flush()) return;
    await file.saveInBackground(text);
    isSaved = true;
  } finally {
    if (!isSaved) offsets.markDirty();
  }
}

/**
 * Levels that stand beyond the ends of their queues, by a power cut or a broker that saved too early, go back to them:
 * what is stored there next would be passed over. To be saved before anybody is served. Gives how many.
 */
export function clampDelayOffsets(
  offsets: DelayOffsets,
  store: Pick<MessageStore, "queueBounds">,
  clock: Clock,
  log: Logger,
): number {
  let count = 0;
  for (const [level, stored] of offsets.all()) {
    const end = store.queueBounds(SCHEDULE_TOPIC, DelayLevels.queueOf(level))?.maxOffset ?? 0;
    if (stored <= end) continue;
    log.warn("a delay level's offset is taken back", { level, stored, offset: end });
    offsets.set(level, end, 1, clock.nowMs());
    count++;
  }
  return count;
}
