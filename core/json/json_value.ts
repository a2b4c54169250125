// What Apache's JSON holds beyond JavaScript's: maps whose keys are objects or bare numbers, 64-bit integers, and
// doubles that keep their ".0". Values only; reading and writing are beside it.

export type JsonValue =
  | null
  | boolean
  | number
  /** An integer beyond ±2^53. */
  | bigint
  | string
  | JsonValue[]
  | JsonObject
  | LenientMap
  /** Only for writing. */
  | JsonDouble;

/** Members may be undefined: absent when reading, left out when writing. */
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

/**
 * A map whose keys need not be strings: `{{"brokerName":"a","queueId":1}:{…}}` when keys are objects, `{0:"ip:port"}`
 * when they are numbers. The reader gives it for maps that have an object or array among their keys, and plain
 * objects for all others (bare numbers as keys become strings).
 */
export class LenientMap {
  constructor(readonly entries: [key: JsonValue, value: JsonValue][]) {}
}

/** A Java double: written with a fraction even when it is whole (`0.0`), as Java peers read and print it. */
export class JsonDouble {
  constructor(readonly value: number) {}
}

/** The entries of a map whichever way it was read: an empty one is always a plain object. */
export function mapEntries(value: JsonObject | LenientMap): [key: JsonValue, value: JsonValue][] {
  if (value instanceof LenientMap) return value.entries;
  return Object.entries(value) as [key: string, value: JsonValue][];
}
