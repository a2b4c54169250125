// What a condition comes to: SQL's three values, and FAILED where Java throws (the message then isn't let through, even
// below a NOT). Small integers, so that nothing is allocated a message.

export const FALSE = 0;
export const TRUE = 1;
export const UNKNOWN = 2;
export const FAILED = 3;

export type Outcome = typeof FALSE | typeof TRUE | typeof UNKNOWN | typeof FAILED;

/** A compiled condition, about the message whose properties were scanned last. */
export type Test = () => Outcome;

export function outcomeOf(holds: boolean): Outcome {
  return holds ? TRUE : FALSE;
}
