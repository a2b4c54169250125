// Finds the queues of a store by their folders: {root}/{topic}/{queueId}/{20-digit position}. Looks at names and lengths
// only; the units are the queues' business. Leftovers of deletions are removed.
import type { Disk } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { NO_FILES, type QueueExtent } from "./queue_context.ts";
import type { QueueEnd } from "./queue_ends.ts";
import { isQueueFolderName, queueDirectory, queueFileBase } from "./unit.ts";

export interface FoundQueue {
  topic: string;
  queueId: number;
  directory: string;
  extent: QueueExtent;
}

interface FoundFile {
  path: string;
  base: number;
  sizeBytes: number;
  allocatedBytes: number | undefined;
}

/** A queue whose files can't be used as they are. */
export interface DamagedQueue {
  directory: string;
  problem: string;
}

export interface QueuesOnDisk {
  found: FoundQueue[];
  /** Of them, those that weren't looked at: they are what was told of them. */
  told: number;
  damaged: DamagedQueue[];
}

/** What is known of a queue whose folder is there. */
export type ToldOf = (topic: string, queueId: number) => QueueEnd | undefined;

/**
 * Every queue below `root`. Throws OperationError when no file at all has the configured length: then it is the
 * configuration that is wrong, and making the queues again would give their offsets away.
 */
export function findQueues(
  disk: Disk,
  log: Logger,
  root: string,
  fileBytes: number,
  onQueue: () => void = () => {},
  toldOf: ToldOf = () => undefined,
): QueuesOnDisk {
  const found: FoundQueue[] = [];
  const damaged: DamagedQueue[] = [];
  let told = 0;
  for (const { topic, queueId } of findDirectories(disk, root)) {
    onQueue();
    const directory = queueDirectory(root, topic, queueId);
    const end = toldOf(topic, queueId);
    if (end !== undefined) {
      const { filesEnd, firstByte } = end;
      found.push({ topic, queueId, directory, extent: { firstByte, filesEnd, end } });
      told++;
      continue;
    }
    const extent = findFiles(disk, log, directory, fileBytes);
    if (typeof extent === "string") damaged.push({ directory, problem: extent });
    else found.push({ topic, queueId, directory, extent });
  }
  const isConfigured = found.some(({ extent }) => extent !== NO_FILES);
  if (damaged.length > 0 && !isConfigured) throw new OperationError(damaged[0]!.problem);
  return { found, damaged, told };
}

function* findDirectories(
  disk: Disk,
  root: string,
): Generator<{ topic: string; queueId: number }> {
  for (const topic of disk.listSync(root)) {
    if (disk.statSync(`${root}/${topic}`)?.isDirectory !== true) continue;
    for (const name of disk.listSync(`${root}/${topic}`)) {
      if (name.endsWith(".deleted")) disk.unlinkSync(`${root}/${topic}/${name}`);
      if (isQueueFolderName(name)) yield { topic, queueId: Number(name) };
    }
  }
}

/** Where the queue's files are, or what is wrong with them. */
function findFiles(
  disk: Disk,
  log: Logger,
  directory: string,
  fileBytes: number,
): QueueExtent | string {
  const files: FoundFile[] = [];
  for (const name of disk.listSync(directory)) {
    const path = `${directory}/${name}`;
    const base = queueFileBase(name);
    if (base >= 0) {
      const { allocatedBytes, isDirectory, sizeBytes = 0 } = disk.statSync(path) ?? {};
      if (isDirectory) return `${path} is a folder where a file belongs`;
      files.push({ path, base, sizeBytes, allocatedBytes });
    } else if (name.endsWith(".deleted")) disk.unlinkSync(path);
    else log.warn("a queue's folder holds something else", { path });
  }
  // A file that got no length before the power went: it and what came after it was never synced.
  const unfinished = files.findIndex((file) => file.sizeBytes === 0);
  if (unfinished >= 0) {
    // Last first, so that another power cut leaves no gap.
    for (const { path } of files.splice(unfinished).reverse()) disk.unlinkSync(path);
  }
  if (files.length === 0) return NO_FILES;
  const firstByte = files[0]!.base;
  for (const [index, file] of files.entries()) {
    if (file.sizeBytes !== fileBytes) {
      return `${file.path} has ${file.sizeBytes} bytes, the configuration says ${fileBytes} a queue file`;
    }
    if (file.base !== firstByte + index * fileBytes || file.base % fileBytes !== 0) {
      return `${file.path} doesn't follow the file before it`;
    }
  }
  const { allocatedBytes } = files.at(-1)!;
  return { firstByte, filesEnd: firstByte + files.length * fileBytes, allocatedBytes };
}
