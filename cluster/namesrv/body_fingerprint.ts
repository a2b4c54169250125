// Tells a registration that was seen before from a changed one without parsing it.
// Equal fingerprints mean an equal table at an equal data version; unequal ones mean nothing.
import type { Buffer } from "node:buffer";
import { crc32 } from "../../core/bytes/crc32.ts";
import { BODY_HEAD_BYTES_MAX } from "./limits.ts";

/** Brokers make a new mapping version for every registration, and no name server reads it. */
const IGNORED_KEY = '"mappingDataVersion":{';

/**
 * How a body is read, its length and checksum, and of a plain one its head as it is: that holds the
 * data version. A compressed body holds no mapping version, so its bytes stay the same, and end in
 * a second checksum (Adler-32).
 */
export function bodyFingerprint(body: Buffer, form: string): string {
  const head = body.subarray(0, BODY_HEAD_BYTES_MAX);
  const ignoredStart = head.indexOf(IGNORED_KEY, 0, "latin1");
  const ignoredEnd = ignoredStart < 0 ? -1 : head.indexOf("}", ignoredStart, "latin1");
  if (ignoredEnd < 0) {
    const tail = body.length < 4 ? 0 : body.readUInt32BE(body.length - 4);
    return `${form}:${body.length}:${crc32(body)}:${tail}`;
  }
  const rest = crc32(body, ignoredEnd, body.length);
  const before = head.toString("latin1", 0, ignoredStart);
  return `${form}:${body.length - ignoredEnd}:${rest}:${before}`;
}
