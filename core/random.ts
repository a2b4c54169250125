// Randomness as an argument, so that a seed replays a run.

export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

/** The machine's randomness; the only place that reads it. */
export const systemRandom: Random = { next: () => Math.random() };

/** A small seeded generator (mulberry32) for tests and simulations. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    },
  };
}

/** A whole number in [0, below). */
export function randomBelow(random: Random, below: number): number {
  return Math.floor(random.next() * below);
}

/** A version 4 UUID in lower case. */
export function randomUuid(random: Random): string {
  const hex = Array.from(
    { length: 8 },
    () => randomBelow(random, 0x10000).toString(16).padStart(4, "0"),
  ).join("");
  const variant = (8 + randomBelow(random, 4)).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-` +
    `${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
