// Which keys of a record enter the index, and in which order: IndexService.buildIndex of 5.4.0. The append path gathers
// the same hashes from bytes; this is for records that were decoded.
import { javaHash } from "../../core/bytes/java_hash.ts";

/** sysFlag bits of the transaction's state. */
const TRANSACTION_MASK = 0b1100;
const TRANSACTION_ROLLBACK = 0b1100;

export interface IndexedProperties {
  UNIQ_KEY?: string | undefined;
  KEYS?: string | undefined;
  TAGS?: string | undefined;
}

/**
 * Calls `put` with the hash of topic#uniqueKey, of topic#key for each of the blank-separated keys, and of topic#T#tags
 * (5.4.0 added the last). Rollback records have none.
 */
export function eachIndexKey(
  topic: string,
  sysFlag: number,
  properties: IndexedProperties,
  put: (keyHash: number) => void,
): void {
  if ((sysFlag & TRANSACTION_MASK) === TRANSACTION_ROLLBACK) return;
  const prefix = javaHash("#", javaHash(topic));
  if (properties.UNIQ_KEY !== undefined) put(javaHash(properties.UNIQ_KEY, prefix));
  for (const key of properties.KEYS?.split(" ") ?? []) {
    if (key !== "") put(javaHash(key, prefix));
  }
  if (properties.TAGS) put(javaHash(properties.TAGS, javaHash("T#", prefix)));
}
