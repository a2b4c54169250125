// Finds the queues of a store by their folders: {root}/{topic}/{queueId}/{20-digit position}. Looks at names and lengths
// only; the units are the queues' business. Leftovers of deletions are removed.
import type { Disk } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { NO_FILES, type QueueExtent } from "./queue_context.ts";
import { queueDirectory, queueFileBase, queueFileName } from "./unit.ts";

export interface FoundQueue {
  topic: string;
  queueId: number;
  directory: string;
  extent: QueueExtent;
}

/** Every queue below `root`. Throws OperationError when a file hasn't the configured length or one is missing. */
export function* findQueues(
  disk: Disk,
  log: Logger,
  root: string,
  fileBytes: number,
): Generator<FoundQueue> {
  for (const topic of disk.listSync(root)) {
    if (disk.statSync(`${root}/${topic}`)?.isDirectory !== true) continue;
    for (const name of disk.listSync(`${root}/${topic}`)) {
      if (!/^\d{1,10}$/.test(name)) continue;
      const queueId = Number(name);
      const directory = queueDirectory(root, topic, queueId);
      const extent = findFiles(disk, log, directory, fileBytes);
      yield { topic, queueId, directory, extent };
    }
  }
}

function findFiles(disk: Disk, log: Logger, directory: string, fileBytes: number): QueueExtent {
  const bases: number[] = [];
  for (const name of disk.listSync(directory)) {
    const base = queueFileBase(name);
    if (base >= 0) bases.push(base);
    else if (name.endsWith(".deleted")) disk.unlinkSync(`${directory}/${name}`);
    else log.warn("a queue's folder holds something else", { path: `${directory}/${name}` });
  }
  const unfinished = bases.findIndex((base) => isUnfinished(disk, directory, base));
  if (unfinished >= 0) {
    // Last first, so that another power cut leaves no gap.
    for (const base of bases.splice(unfinished).reverse()) {
      disk.unlinkSync(`${directory}/${queueFileName(base)}`);
    }
  }
  if (bases.length === 0) return NO_FILES;
  for (const [index, base] of bases.entries()) {
    checkFile(
      disk,
      `${directory}/${queueFileName(base)}`,
      base,
      bases[0]! + index * fileBytes,
      fileBytes,
    );
  }
  return { firstByte: bases[0]!, filesEnd: bases.at(-1)! + fileBytes };
}

/** A file that got no length before the power went: it and what came after it was never synced. */
function isUnfinished(disk: Disk, directory: string, base: number): boolean {
  return disk.statSync(`${directory}/${queueFileName(base)}`)?.sizeBytes === 0;
}

function checkFile(
  disk: Disk,
  path: string,
  base: number,
  expectedBase: number,
  fileBytes: number,
): void {
  const sizeBytes = disk.statSync(path)?.sizeBytes ?? 0;
  if (sizeBytes !== fileBytes) {
    throw new OperationError(
      `${path} has ${sizeBytes} bytes, the configuration says ${fileBytes} a queue file`,
    );
  }
  if (base !== expectedBase || base % fileBytes !== 0) {
    throw new OperationError(`${path} doesn't follow the file before it`);
  }
}
