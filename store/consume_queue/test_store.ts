// Helpers of this folder's tests: queues over a disk in memory, what a queue holds as a list.
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { ConsumeQueues, type ConsumeQueuesOptions } from "./consume_queues.ts";
import type { LogProbe, StoredQueue } from "./stored_queue.ts";

/** An entry as expected/*.json has it: physical offset, size, tags code. */
export type Entry = [number, number, number];

export interface TestStore {
  disk: MemoryDisk;
  clock: VirtualClock;
  options: ConsumeQueuesOptions & { clock: VirtualClock };
}

/** Files of 6000 and 13800 bytes: 300 entries each, as the fixtures have them. */
export function testStore(
  seed = 1,
  options: Partial<Omit<ConsumeQueuesOptions, "clock">> = {},
): TestStore {
  const disk = new MemoryDisk(seededRandom(seed));
  const clock = new VirtualClock();
  return {
    disk,
    clock,
    options: {
      disk,
      clock,
      log: silentLogger,
      storePath: "/store",
      fileBytes: 6000,
      batchFileBytes: 13800,
      extFileBytes: 65536,
      ...options,
    },
  };
}

export function entriesOf(queue: StoredQueue, confirmOffset = Infinity): Entry[] {
  const cursor = queue.openCursor(queue.minOffset, confirmOffset);
  const entries: Entry[] = [];
  while (cursor.next()) entries.push([cursor.physicalOffset, cursor.size, cursor.tagsCode]);
  return entries;
}

/** A log that holds whatever is asked for in its bounds. */
export function wholeLog(maxPhysicalOffset: number, minPhysicalOffset = 0): LogProbe {
  return { minPhysicalOffset, maxPhysicalOffset, holds: () => true };
}

export async function reopened(store: TestStore, probe: LogProbe): Promise<ConsumeQueues> {
  const queues = await ConsumeQueues.open(store.options);
  queues.recover(probe);
  return queues;
}
