// Micro benches of storing: bursts into the log with all that follows, one queue entry, one index key.
import { nodeDisk } from "../../core/disk/disk_node.ts";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import type { Disk } from "../../core/disk/disk.ts";
import { silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { ConsumeQueues } from "../../store/consume_queue/consume_queues.ts";
import { FILE_MESSAGE_STORE_DEFAULTS } from "../../store/file_message_store_options.ts";
import { KeyIndex } from "../../store/index/key_index.ts";
import { BURST, burstAppender, openStore, RECORD_BYTES, TOPIC_NAME } from "./messages.ts";
import type { Body, MicroBench } from "./harness.ts";

async function append(stack: AsyncDisposableStack, disk: Disk, folder: string): Promise<Body> {
  const burst = burstAppender(await openStore(stack, disk, folder));
  return (count) => {
    for (let done = 0; done < count; done += BURST) burst();
  };
}

async function appendEntry(stack: AsyncDisposableStack, folder: string): Promise<Body> {
  const { consumeQueueFileBytes, batchConsumeQueueFileBytes, consumeQueueExtFileBytes } =
    FILE_MESSAGE_STORE_DEFAULTS;
  const queues = stack.use(
    await ConsumeQueues.open({
      disk: nodeDisk,
      clock: systemClock,
      log: silentLogger,
      storePath: folder,
      fileBytes: consumeQueueFileBytes,
      batchFileBytes: batchConsumeQueueFileBytes,
      extFileBytes: consumeQueueExtFileBytes,
    }),
  );
  const queue = queues.findOrCreate(TOPIC_NAME, 0, "simple");
  return (count) => {
    for (let done = 0; done < count; done++) {
      const offset = queue.nextOffset;
      queue.append(offset, offset * RECORD_BYTES, RECORD_BYTES, 65, 0, 1);
    }
  };
}

async function putKey(stack: AsyncDisposableStack, folder: string): Promise<Body> {
  const index = stack.use(
    await KeyIndex.open({
      disk: nodeDisk,
      clock: systemClock,
      log: silentLogger,
      path: `${folder}/index`,
      slotCount: FILE_MESSAGE_STORE_DEFAULTS.indexSlotCount,
      itemCount: FILE_MESSAGE_STORE_DEFAULTS.indexItemCount,
    }, { lastExitClean: true, completeUntilMs: 0 }),
  );
  let keyHash = 1;
  let physicalOffset = 0;
  const nowMs = systemClock.nowMs();
  return (count) => {
    for (let done = 0; done < count; done++) {
      keyHash = (Math.imul(keyHash, 1664525) + 1013904223) | 0;
      index.put(keyHash, physicalOffset += RECORD_BYTES, nowMs);
    }
  };
}

export const STORE: readonly MicroBench[] = [
  {
    name: "append: message of 128 B in bursts of 64, disk in memory",
    open: (stack) => append(stack, new MemoryDisk(seededRandom(1)), "/store"),
  },
  {
    name: "append: message of 128 B in bursts of 64, real disk",
    open: (stack, folder) => append(stack, nodeDisk, folder),
  },
  { name: "dispatch: queue entry appended", open: appendEntry },
  { name: "dispatch: random key put into the index", open: putKey },
];
