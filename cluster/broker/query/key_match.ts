// Whether a record that the index names has the key that was asked for. Nothing is decoded for one that has.
import { Buffer } from "node:buffer";
import { absHash, javaHash } from "../../../core/bytes/java_hash.ts";
import { sameBytes } from "../../../core/bytes/same_bytes.ts";
import { parseProperties } from "../../../core/message/properties.ts";
import { KEY_SEPARATOR, PROPERTY, TAG_KEY_PREFIX } from "../../../core/message/property_names.ts";
import { PropertyScanner } from "../../../core/message/property_scan.ts";
import { decodeRecord, emptyParts, locateParts } from "../../../core/message/record.ts";
import { eachIndexKey } from "../../../store/index/record_keys.ts";
import type { RecordView } from "../../../store/message_store.ts";

const UNIQUE = 0;
const KEYS = 1;
const TAGS = 2;
const SEPARATOR = KEY_SEPARATOR.charCodeAt(0);

const scanner = new PropertyScanner([PROPERTY.uniqueKey, PROPERTY.keys, PROPERTY.tags]);
const parts = emptyParts();

/** "hash": its keys are others of the same hash, which Apache gives all the same; "none": the index isn't true. */
export type KeyMatch = "key" | "hash" | "none";

/** A key as the index has it: a unique one, one of several, or tags behind their mark. */
export class KeyMatcher {
  private readonly topicBytes: Buffer;
  private readonly keyBytes: Buffer;
  private readonly tagBytes: Buffer | null;

  constructor(private readonly topic: string, private readonly key: string) {
    this.topicBytes = Buffer.from(topic, "utf8");
    this.keyBytes = Buffer.from(key, "utf8");
    this.tagBytes = key.startsWith(TAG_KEY_PREFIX)
      ? this.keyBytes.subarray(TAG_KEY_PREFIX.length)
      : null;
  }

  /** Of a sound record. */
  matchOf(view: RecordView): KeyMatch {
    const { buffer, size, start } = view;
    locateParts(buffer, start, start + size, parts);
    scanner.scan(buffer, parts.propertiesStart, parts.propertiesEnd);
    const isMatch = sameBytes(this.topicBytes, buffer, parts.topicStart, parts.topicEnd) &&
      (this.isValue(buffer, UNIQUE, this.keyBytes) || this.isAmongKeys(buffer) ||
        (this.tagBytes !== null && this.isValue(buffer, TAGS, this.tagBytes)));
    return isMatch ? "key" : this.textMatchOf(view);
  }

  private isValue(bytes: Uint8Array, name: number, value: Buffer): boolean {
    return scanner.has(name) && sameBytes(value, bytes, scanner.starts[name]!, scanner.ends[name]!);
  }

  private isAmongKeys(bytes: Uint8Array): boolean {
    if (!scanner.has(KEYS)) return false;
    const end = scanner.ends[KEYS]!;
    for (let start = scanner.starts[KEYS]!; start < end;) {
      const separator = bytes.indexOf(SEPARATOR, start);
      const keyEnd = separator < 0 || separator > end ? end : separator;
      if (sameBytes(this.keyBytes, bytes, start, keyEnd)) return true;
      start = keyEnd + 1;
    }
    return false;
  }

  /** Keys that are no UTF-8 are found by the text that they were indexed as. */
  private textMatchOf({ buffer, size, start }: RecordView): KeyMatch {
    const { key } = this;
    const { properties, sysFlag, topic } = decodeRecord(buffer, start, start + size);
    const values = parseProperties(properties);
    const UNIQ_KEY = values.get(PROPERTY.uniqueKey);
    const KEYS = values.get(PROPERTY.keys);
    const TAGS = values.get(PROPERTY.tags);
    const isMatch = topic === this.topic &&
      (UNIQ_KEY === key || KEYS?.split(KEY_SEPARATOR).includes(key) ||
        (TAGS !== undefined && TAG_KEY_PREFIX + TAGS === key));
    if (isMatch) return "key";
    const hash = absHash(javaHash(`${this.topic}#${key}`));
    let match: KeyMatch = "none";
    eachIndexKey(topic, sysFlag, { UNIQ_KEY, KEYS, TAGS }, (each) => {
      if (absHash(each) === hash) match = "hash";
    });
    return match;
  }
}
