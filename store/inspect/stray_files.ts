// Notes what stands in a store's folders and is no part of it: an editor's backup, lost+found, a file somebody put there. A
// broker passes over such things. Read-only; looks at names alone.
import type { Disk } from "../../core/disk/disk.ts";
import { isQueueFolderName } from "../consume_queue/unit.ts";
import { isSegmentName } from "../file/segment_files.ts";
import { isIndexFileName } from "../index/layout.ts";
import type { Findings } from "./fault.ts";
import { queueFolders, type StoreShape } from "./store_shape.ts";

/** More of them are counted only. */
const STRAYS_NAMED_MAX = 20;

export function noteStrays(disk: Disk, shape: StoreShape, findings: Findings): void {
  let count = 0;
  for (const place of strays(disk, shape)) {
    if (++count > STRAYS_NAMED_MAX) continue;
    findings.note(`${place} is no part of the store and is passed over`);
  }
  const more = count - STRAYS_NAMED_MAX;
  if (more > 0) findings.note(`${more} more files and folders are no part of the store`);
}

function* strays(disk: Disk, { commitLogPath, storePath }: StoreShape): Generator<string> {
  for (const name of disk.listSync(commitLogPath)) {
    if (!isSegmentName(name)) yield `commitlog/${name}`;
  }
  for (const folder of ["consumequeue", "batchconsumequeue"]) {
    const root = `${storePath}/${folder}`;
    for (const topic of disk.listSync(root)) {
      if (disk.statSync(`${root}/${topic}`)?.isDirectory !== true) yield `${folder}/${topic}`;
      else yield* straysOfTopic(disk, `${root}/${topic}`, `${folder}/${topic}`);
    }
    for (const queue of queueFolders(disk, root)) {
      for (const name of disk.listSync(queue)) {
        const isLeftover = name.endsWith(".deleted");
        if (!isLeftover && !isSegmentName(name)) {
          yield `${queue.slice(storePath.length + 1)}/${name}`;
        }
      }
    }
  }
  for (const name of disk.listSync(`${storePath}/index`)) {
    if (!isIndexFileName(name)) yield `index/${name}`;
  }
}

function* straysOfTopic(disk: Disk, path: string, place: string): Generator<string> {
  for (const name of disk.listSync(path)) {
    if (!isQueueFolderName(name) && !name.endsWith(".deleted")) yield `${place}/${name}`;
  }
}
