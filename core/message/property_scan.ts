// Finds chosen properties in their encoded form in one pass over the bytes, and copies them without some of them.
// For the send path and the dispatch: no string, object or closure a message. Reads the same entries as properties.ts.
import { Buffer } from "node:buffer";
import { sameBytes } from "../bytes/same_bytes.ts";
import { assert } from "../errors.ts";
import { ENTRY_END, NAME_END } from "./properties.ts";

/** Power of two, so that a hash is masked to a slot. */
const SLOTS = 128;

/**
 * Looks for a fixed list of names. After `scan` or `copy`, `starts[i]` and `ends[i]` bound the value of `names[i]`
 * in the scanned (copied-to) buffer; a start of -1 means absent. One scanner is reused for every message.
 */
export class PropertyScanner {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  private readonly encoded: readonly Uint8Array[];
  private readonly isDropped: Uint8Array;
  /** 1 + index of the name at a slot, 0 when free; slots are probed one by one. */
  private readonly slots = new Uint8Array(SLOTS);
  private readonly hashes: Int32Array;
  /** Whether the last scan met an entry that a copy leaves out: one of a dropped name, or without name or value. */
  needsFilter = false;

  /** `dropped` are those of the names that `copy` leaves out. */
  constructor(readonly names: readonly string[], dropped: readonly string[] = []) {
    assert(names.length * 2 <= SLOTS, "a scanner's names fit its table");
    this.encoded = names.map((name) => Buffer.from(name, "utf8"));
    this.hashes = Int32Array.from(this.encoded, (name) => hashOf(name));
    this.starts = new Int32Array(names.length).fill(-1);
    this.ends = new Int32Array(names.length).fill(-1);
    this.isDropped = Uint8Array.from(names, (name) => dropped.includes(name) ? 1 : 0);
    this.hashes.forEach((hash, index) => {
      let slot = hash & (SLOTS - 1);
      while (this.slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
      this.slots[slot] = index + 1;
    });
  }

  /** The index of a name, for `starts` and `ends`. */
  indexOf(name: string): number {
    const index = this.names.indexOf(name);
    assert(index >= 0, "the scanner knows the name");
    return index;
  }

  has(index: number): boolean {
    return this.starts[index]! >= 0;
  }

  /** The value as text; null when absent. */
  text(buffer: Buffer, index: number): string | null {
    const start = this.starts[index]!;
    return start < 0 ? null : buffer.toString("utf8", start, this.ends[index]!);
  }

  /** Finds the names in `bytes[start…end)`. */
  scan(bytes: Uint8Array, start: number, end: number): void {
    const { starts } = this;
    // A dozen names: cheaper one by one than by a call of fill.
    for (let index = 0; index < starts.length; index++) starts[index] = -1;
    this.needsFilter = false;
    for (let at = start; at < end;) at = this.scanEntry(bytes, at, end);
  }

  /** Reads one entry and gives the start of the next one. */
  private scanEntry(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let hash = 0;
    let byte = 0;
    for (; at < end; at++) {
      byte = bytes[at]!;
      if (byte <= ENTRY_END && (byte === NAME_END || byte === ENTRY_END)) break;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    const nameEnd = at;
    while (at < end && bytes[at] !== ENTRY_END) at++;
    if (nameEnd === start || at <= nameEnd + 1) {
      this.needsFilter = true;
      return at + 1;
    }
    const index = this.find(bytes, start, nameEnd, hash);
    if (index >= 0) {
      this.starts[index] = nameEnd + 1;
      this.ends[index] = at;
      if (this.isDropped[index] === 1) this.needsFilter = true;
    }
    return at + 1;
  }

  private find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    for (let slot = hash & (SLOTS - 1);; slot = (slot + 1) & (SLOTS - 1)) {
      const index = this.slots[slot]! - 1;
      if (index < 0) return -1;
      if (this.hashes[index] === hash && sameBytes(this.encoded[index]!, bytes, start, end)) {
        return index;
      }
    }
  }

  /**
   * Copies `source[start…end)` to `target` at `at` without the dropped names and without entries that don't count,
   * ending the last entry; the positions afterwards are those in `target`. Needs end - start + 1 bytes of room.
   * Gives the position after the copy.
   */
  copy(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
    this.scan(source, start, end);
    return this.copyScanned(source, start, end, target, at);
  }

  /** The same of what was scanned last. */
  copyScanned(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
    if (this.needsFilter) return this.copyFiltered(source, start, end, target, at);
    const shift = at - start;
    for (let index = 0; index < this.starts.length; index++) {
      if (this.starts[index]! < 0) continue;
      this.starts[index]! += shift;
      this.ends[index]! += shift;
    }
    source.copy(target, at, start, end);
    let next = end + shift;
    if (next > at && target[next - 1] !== ENTRY_END) target[next++] = ENTRY_END;
    return next;
  }

  private copyFiltered(
    source: Buffer,
    start: number,
    end: number,
    target: Buffer,
    at: number,
  ): number {
    let next = at;
    for (let entry = start; entry < end;) {
      let entryEnd = source.indexOf(ENTRY_END, entry);
      if (entryEnd < 0 || entryEnd > end) entryEnd = end;
      if (this.isKept(source, entry, entryEnd)) {
        source.copy(target, next, entry, entryEnd);
        next += entryEnd - entry;
        target[next++] = ENTRY_END;
      }
      entry = entryEnd + 1;
    }
    this.scan(target, at, next);
    return next;
  }

  private isKept(source: Buffer, start: number, end: number): boolean {
    const nameEnd = source.indexOf(NAME_END, start);
    if (nameEnd <= start || nameEnd >= end - 1) return false;
    let hash = 0;
    for (let at = start; at < nameEnd; at++) hash = (Math.imul(hash, 31) + source[at]!) | 0;
    const index = this.find(source, start, nameEnd, hash);
    return index < 0 || this.isDropped[index] === 0;
  }
}

function hashOf(name: Uint8Array): number {
  let hash = 0;
  for (const byte of name) hash = (Math.imul(hash, 31) + byte) | 0;
  return hash;
}
