// What a disk refuses in one life, as chance has it: single or lasting errors of writes, syncs and names, a full disk.
import type { FaultOperation, MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { type Random, randomBelow } from "../../../core/random.ts";

const OPERATIONS: readonly FaultOperation[] = [
  "write",
  "write",
  "datasync",
  "truncate",
  "rename",
  "unlink",
  "sync_directory",
];
const FREE_BYTES_MAX = 200 * 1024;

export function injectFaults(memory: MemoryDisk, random: Random): void {
  if (randomBelow(random, 3) === 0) {
    memory.freeBytes = randomBelow(random, FREE_BYTES_MAX);
    return;
  }
  const operation = OPERATIONS[randomBelow(random, OPERATIONS.length)]!;
  memory.inject({
    operation,
    code: operation === "write" && randomBelow(random, 2) === 0 ? "ENOSPC" : "EIO",
    after: randomBelow(random, 120),
    times: randomBelow(random, 2) === 0 ? 1 + randomBelow(random, 5) : Infinity,
    partialBytes: randomBelow(random, 2000),
  });
}
