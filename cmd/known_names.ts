// What the names in a line or a record mean, found by their bytes: the next one mostly has the same names at the same
// places as the last, so that none of them becomes a string.
import { Buffer } from "node:buffer";

const PLACES_MAX = 16;

interface KnownName<T> {
  bytes: Uint8Array;
  meaning: T;
}

export class KnownNames<T> {
  private readonly places: (KnownName<T> | undefined)[] = new Array(PLACES_MAX).fill(undefined);

  /** `meaningOf` is asked when a place has another name than before. */
  constructor(private readonly meaningOf: (name: string) => T) {}

  /** The meaning of the name that is bytes[start, end), the `place`th of its line or record. */
  find(bytes: Uint8Array, start: number, end: number, place: number): T {
    const known = this.places[place];
    if (known !== undefined && isSame(known.bytes, bytes, start, end)) return known.meaning;
    const name = Buffer.from(bytes.subarray(start, end));
    const meaning = this.meaningOf(name.toString("latin1"));
    if (place < PLACES_MAX) this.places[place] = { bytes: name, meaning };
    return meaning;
  }
}

/** Whether these are the bytes [start, end). */
export function isSame(
  known: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (known.length !== end - start) return false;
  for (let index = 0; index < known.length; index++) {
    if (known[index] !== bytes[start + index]) return false;
  }
  return true;
}
