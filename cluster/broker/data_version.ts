// The version that a persisted table carries: Apache compares all three numbers, and unequal means changed.
// Never says which of two versions is newer.

export interface DataVersion {
  counter: number;
  /** The epoch of the replicated state machine; 0 without one. */
  stateVersion: number;
  timestamp: number;
}

/** The version of a table that was never saved (Java: DataVersion's initial values). */
export function firstDataVersion(nowMs: number): DataVersion {
  return { counter: 0, stateVersion: 0, timestamp: nowMs };
}

/** The version after one more change. */
export function nextDataVersion(version: DataVersion, nowMs: number): DataVersion {
  return { counter: version.counter + 1, stateVersion: version.stateVersion, timestamp: nowMs };
}

/** What a file's `dataVersion` holds; anything missing reads as 0. */
export function parseDataVersion(value: unknown): DataVersion {
  const fields = typeof value === "object" && value !== null
    ? value as Record<string, unknown>
    : {};
  const number = (name: string) => {
    const field = fields[name];
    return typeof field === "number" ? field : 0;
  };
  return {
    counter: number("counter"),
    stateVersion: number("stateVersion"),
    timestamp: number("timestamp"),
  };
}

export function sameDataVersion(left: DataVersion, right: DataVersion): boolean {
  return left.counter === right.counter && left.stateVersion === right.stateVersion &&
    left.timestamp === right.timestamp;
}
