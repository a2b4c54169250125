// Looks a key up in all files of the index, newest first. It gives what has the key's hash: the caller compares keys.
import { javaHash } from "../../core/bytes/java_hash.ts";
import { DiskError } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import type { IndexFile } from "./index_file.ts";

export interface IndexQuery {
  topic: string;
  key: string;
  maxCount: number;
  /** Store times in ms, inclusive. */
  beginMs: number;
  endMs: number;
}

export interface IndexQueryResult {
  /** Physical offsets, newest first; records whose key merely shares the hash are among them. */
  offsets: number[];
  lastUpdateTimestampMs: number;
  lastUpdatePhysicalOffset: number;
  /** Says that no record with the key's hash is at an offset of them. */
  disprove(offset: number): void;
}

/** At most `maxCount` candidates for a key stored between two times. `files` are oldest first. IndexService.queryOffset. */
export async function queryFiles(
  files: readonly IndexFile[],
  log: Logger,
  { topic, key, maxCount, beginMs, endMs }: IndexQuery,
): Promise<IndexQueryResult> {
  const newest = files.at(-1)?.header;
  const offsets: number[] = [];
  /** Of each offset. */
  const sources: IndexFile[] = [];
  const result: IndexQueryResult = {
    offsets,
    lastUpdateTimestampMs: newest?.endTimestampMs ?? 0,
    lastUpdatePhysicalOffset: newest?.endPhysicalOffset ?? 0,
    disprove: (offset) =>
      sources[offsets.indexOf(offset)]
        ?.condemn(`an item names ${offset}, where no record with its key is`, log),
  };
  const keyHash = javaHash(key, javaHash("#", javaHash(topic)));
  for (const file of files.toReversed()) {
    try {
      if (file.overlaps(beginMs, endMs)) {
        const problem = await file.select(offsets, keyHash, maxCount, beginMs, endMs);
        if (problem !== null) file.condemn(problem, log);
        while (sources.length < offsets.length) sources.push(file);
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      log.warn("an index file can't be read", { path: file.path, error });
    }
    if (file.header.beginTimestampMs < beginMs || offsets.length >= maxCount) break;
  }
  return result;
}
