// The units of queue files and how entries stand in them. Layout and arithmetic only; no I/O.
//   consumequeue        physicalOffset 8 · size 4 · tagsCode 8
//   batchconsumequeue   … the same · storeTime 8 · baseOffset 8 · batchCount 2 · compactOffset 4 · reserved 4
import { assert } from "../../core/errors.ts";
import { isSegmentName, segmentName } from "../file/segment_files.ts";

export const UNIT_BYTES = 20;
export const BATCH_UNIT_BYTES = 46;

export const SIZE_AT = 8;
export const TAGS_CODE_AT = 12;
export const STORE_TIME_AT = 20;
export const BASE_OFFSET_AT = 28;
export const BATCH_COUNT_AT = 36;
export const COMPACT_OFFSET_AT = 38;
export const RESERVED_AT = 42;

/** The size in a blank unit (0, 0x7fffffff, 0): what stands before the first entry of a rebuilt queue's file. */
export const BLANK_SIZE = 0x7fffffff;

/** The name of a file by the byte position at which it starts. */
export function queueFileName(base: number): string {
  return segmentName(base);
}

/** The position that a file's name says; -1 for any other name. */
export function queueFileBase(name: string): number {
  return isSegmentName(name) ? Number(name) : -1;
}

/** mappedFileSizeConsumeQueue rounded up to whole units (MessageStoreConfig.getMappedFileSizeConsumeQueue). */
export function roundUpToUnits(fileBytes: number): number {
  return Math.ceil(fileBytes / UNIT_BYTES) * UNIT_BYTES;
}

/** Whether a topic's folder may hold a queue under the name. */
export function isQueueFolderName(name: string): boolean {
  return /^\d{1,10}$/.test(name);
}

/** The folder of one queue. Names were validated long before; this is the last guard before they become a path. */
export function queueDirectory(root: string, topic: string, queueId: number): string {
  assert(
    topic !== "" && topic !== "." && topic !== ".." && !topic.includes("/"),
    "a topic's name is a safe file name",
  );
  assert(Number.isInteger(queueId) && queueId >= 0, "a queue id is a natural number");
  return `${root}/${topic}/${queueId}`;
}
