// What recovery asks of the bytes at a position of the log: a message, the blank end of a file, nothing yet, or damage.
// Mirrors CommitLog.checkMessageAndReturnSize; what Apache would serve but looks damaged is "suspect", never "bad".
import { isUtf8 } from "node:buffer";
import { readI32, readI64 } from "../bytes/big_endian.ts";
import { crc32Masked } from "../bytes/crc32.ts";
import { CRC_PROPERTY_BYTES, readCrcProperty } from "./crc_property.ts";
import { ENTRY_END } from "./properties.ts";
import type { PropertyScanner } from "./property_scan.ts";
import {
  BLANK_RECORD_BYTES_MIN,
  BODY_CRC_AT,
  MAGIC_AT,
  MAGIC_BLANK,
  PHYSICAL_OFFSET_AT,
  QUEUE_ID_AT,
  QUEUE_OFFSET_AT,
  RECORD_BYTES_MIN,
} from "./record_layout.ts";
import { emptyParts, locateParts, type RecordParts } from "./record.ts";

/** No queue is so long: its entries' byte positions would be no safe integers. */
export const QUEUE_OFFSET_MAX = 2 ** 47;

/** Where a record stands. */
export interface RecordBytes {
  buffer: Uint8Array;
  start: number;
  size: number;
}

export interface RecordCheckOptions {
  /** Compare the body with its CRC (checkCRCOnRecover). */
  checkCrc: boolean;
  /** Compare the whole record with the __CRC32# property instead, and miss it as bad (forceVerifyPropCRC). */
  requirePropertyCrc?: boolean;
  /** What the record's own physical offset should be; another one is suspect. */
  physicalOffset?: number;
  /** Scans each message's properties: for whoever reads them next, and one look at them is spared. */
  scanner?: PropertyScanner;
}

export interface RecordCheck {
  /** "end": nothing was written here (zeros, or too few bytes for a record); "bad": something, but no whole record. */
  kind: "message" | "blank" | "end" | "bad";
  /** Bytes of the message or of the blank rest; 0 otherwise. */
  size: number;
  /** Why it is bad or the end. */
  reason: string | null;
  /** Why a message that Apache takes as good looks damaged outside its body. */
  suspicion: string | null;
}

/**
 * Checks what stands at `start`, of which `available` bytes are there. Never throws for any bytes. `parts` are those of a
 * message afterwards.
 */
export function checkRecordAt(
  buffer: Uint8Array,
  start: number,
  available: number,
  options: RecordCheckOptions,
  parts: RecordParts = emptyParts(),
): RecordCheck {
  if (available < BLANK_RECORD_BYTES_MIN) return stop("end", `${available} bytes left`);
  const size = readI32(buffer, start);
  const magic = readI32(buffer, start + MAGIC_AT);
  if (size === 0 && magic === 0) return stop("end", "nothing written");
  if (magic === MAGIC_BLANK) return checkBlank(size, available);
  const problem = locateParts(buffer, start, start + available, parts);
  if (problem !== null) return stop("bad", `${parts.field}: ${problem}`);
  const mismatch = checkCrcs(buffer, start, parts, options);
  if (mismatch !== null) return stop("bad", mismatch);
  options.scanner?.scan(buffer, parts.propertiesStart, parts.propertiesEnd);
  const suspicion = suspect(buffer, start, parts, options);
  return { kind: "message", size, reason: null, suspicion };
}

function stop(kind: "end" | "bad", reason: string): RecordCheck {
  return { kind, size: 0, reason, suspicion: null };
}

function checkBlank(size: number, available: number): RecordCheck {
  if (size > available) return stop("bad", `totalSize: blank of ${size}, ${available} bytes left`);
  const suspicion = size === available
    ? null
    : `blank of ${size} where ${available} bytes are left`;
  // Apache takes a blank's magic as the end of the file whatever its size says.
  return { kind: "blank", size: available, reason: null, suspicion };
}

function checkCrcs(
  buffer: Uint8Array,
  start: number,
  parts: RecordParts,
  options: RecordCheckOptions,
): string | null {
  if (!options.checkCrc) return null;
  if (options.requirePropertyCrc) {
    const problem = checkPropertyCrc(buffer, start, parts);
    return problem === undefined ? "property CRC: missing" : problem;
  }
  if (hasTrueBody(buffer, start, parts)) return null;
  const crc = crc32Masked(buffer, parts.bodyStart, parts.bodyEnd);
  return `bodyCrc: ${readI32(buffer, start + BODY_CRC_AT)} stored, ${crc} computed`;
}

const wholeParts = emptyParts();

/** Whether bytes are one whole record whose body agrees with its CRC: for what is stored again as a message of its own. */
export function isSound({ buffer, size, start }: RecordBytes): boolean {
  return locateParts(buffer, start, start + size, wholeParts) === null &&
    hasTrueBody(buffer, start, wholeParts);
}

/** Whether the body of the record at `start`, whose parts are known, agrees with its CRC. An empty one has none. */
export function hasTrueBody(
  buffer: Uint8Array,
  start: number,
  { bodyEnd, bodyStart }: Readonly<RecordParts>,
): boolean {
  return bodyEnd === bodyStart ||
    crc32Masked(buffer, bodyStart, bodyEnd) === readI32(buffer, start + BODY_CRC_AT);
}

/** Whether a record's head stands at `start` that says that it has so many bytes and stands at this offset of the log. */
export function isRecordAt(
  buffer: Uint8Array,
  start: number,
  size: number,
  physicalOffset: number,
): boolean {
  return size >= RECORD_BYTES_MIN && readI32(buffer, start) === size &&
    readI64(buffer, start + PHYSICAL_OFFSET_AT) === physicalOffset;
}

/** Whether the record at `start` says of itself that it has this number in a queue of this id. Two comparisons. */
export function isNumbered(
  buffer: Uint8Array,
  start: number,
  queueId: number,
  queueOffset: number,
): boolean {
  return readI64(buffer, start + QUEUE_OFFSET_AT) === queueOffset &&
    readI32(buffer, start + QUEUE_ID_AT) === queueId;
}

/** Undefined when there is no such property at the end, null when it agrees. */
function checkPropertyCrc(
  buffer: Uint8Array,
  start: number,
  parts: RecordParts,
): string | null | undefined {
  const stored = readCrcProperty(buffer, parts.propertiesStart, parts.propertiesEnd);
  if (stored < 0) return undefined;
  const crc = crc32Masked(buffer, start, parts.propertiesEnd - CRC_PROPERTY_BYTES);
  return crc === stored ? null : `property CRC: ${stored} stored, ${crc} computed`;
}

function suspect(
  buffer: Uint8Array,
  start: number,
  parts: RecordParts,
  options: RecordCheckOptions,
): string | null {
  const physicalOffset = readI64(buffer, start + PHYSICAL_OFFSET_AT);
  const expected = options.physicalOffset;
  if (expected !== undefined && physicalOffset !== expected) {
    return `physicalOffset: ${physicalOffset} at ${expected}`;
  }
  const queueId = readI32(buffer, start + QUEUE_ID_AT);
  if (queueId < 0) return `queueId: ${queueId}`;
  const queueOffset = readI64(buffer, start + QUEUE_OFFSET_AT);
  if (queueOffset < 0 || queueOffset > QUEUE_OFFSET_MAX) return `queueOffset: ${queueOffset}`;
  return suspectTopic(buffer, parts) ??
    suspectProperties(buffer, parts.propertiesStart, parts.propertiesEnd, options.scanner) ??
    checkPropertyCrc(buffer, start, parts) ?? null;
}

function suspectTopic(buffer: Uint8Array, parts: RecordParts): string | null {
  if (parts.topicStart === parts.topicEnd) return "topic: empty";
  let isAscii = true;
  for (let at = parts.topicStart; at < parts.topicEnd; at++) {
    const byte = buffer[at]!;
    // Cluster and broker names become topics, so only what no name can hold counts.
    if (byte <= 0x20 || byte === 0x7f || byte === 0x2f) return `topic: byte ${byte}`;
    if (byte > 0x7f) isAscii = false;
  }
  if (isAscii) return null;
  return isUtf8(buffer.subarray(parts.topicStart, parts.topicEnd)) ? null : "topic: not UTF-8";
}

/** Not Buffer's own, which does more before it looks. */
const { indexOf: indexOfByte } = Uint8Array.prototype;

function suspectProperties(
  buffer: Uint8Array,
  start: number,
  end: number,
  scanned?: PropertyScanner,
): string | null {
  // What the scanner found whole needs a look for zero bytes only, which mostly ends at the next record's size.
  if (scanned?.needsFilter === false) {
    const zero = indexOfByte.call(buffer, 0, start);
    if (zero < 0 || zero >= end) return null;
  }
  let nameStart = start;
  let inName = true;
  for (let at = start; at < end; at++) {
    const byte = buffer[at]!;
    if (byte > ENTRY_END) continue;
    if (byte === 0) return "properties: a zero byte";
    if (byte === ENTRY_END) {
      if (inName) return "properties: a name without a value";
      inName = true;
      nameStart = at + 1;
    } else if (inName) {
      if (at === nameStart) return "properties: a value without a name";
      inName = false;
    }
  }
  return inName && end > nameStart ? "properties: a name without a value" : null;
}
