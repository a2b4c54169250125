// Whether a queue still begins with its very first message, near enough to the log's end to count as in memory. Apache
// starts new groups at offset 0 then, also those that ask for the last one (Java: checkInMemByConsumeOffset).
import type { MessageStore } from "../../../store/message_store.ts";

export interface QueueMemoryParts {
  store: Pick<MessageStore, "queueBounds" | "openCursor" | "confirmOffset" | "minPhysicalOffset">;
  settings: { accessMessageInMemoryMaxRatio: number };
  physicalMemoryBytes: number;
}

export function isFirstEntryInMemory(
  parts: QueueMemoryParts,
  topic: string,
  queueId: number,
): boolean {
  const { store } = parts;
  const bounds = store.queueBounds(topic, queueId);
  if (bounds === null || bounds.minOffset > 0 || bounds.maxOffset === 0) return false;
  const cursor = store.openCursor(topic, queueId, 0);
  if (cursor === null || !cursor.next()) return false;
  if (cursor.physicalOffset < store.minPhysicalOffset) return false;
  const memoryBytes = parts.physicalMemoryBytes *
    parts.settings.accessMessageInMemoryMaxRatio / 100;
  return store.confirmOffset - cursor.physicalOffset <= memoryBytes;
}
