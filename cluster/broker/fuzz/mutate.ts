// Spoils bytes as chance has it: single bits, lengths that lie, cuts, repeats, foreign bytes. Pure.
import { type Random, randomBelow } from "../../../core/random.ts";

const CHANGES_MAX = 6;
/** Numbers on which lengths and counts break. */
const NUMBERS = [0, 1, -1, 127, 128, 255, 32767, -32768, 65535, 0x7fffffff, -0x80000000, 1 << 24];

/** A spoiled copy; as long as the original when `keepsLength`. */
export function mutate(bytes: Uint8Array, random: Random, keepsLength = false): Uint8Array {
  let mutated: Uint8Array = Uint8Array.from(bytes);
  for (let changes = 1 + randomBelow(random, CHANGES_MAX); changes > 0; changes--) {
    mutated = change(mutated, random, keepsLength);
  }
  return mutated;
}

function change(bytes: Uint8Array, random: Random, keepsLength: boolean): Uint8Array {
  const at = randomBelow(random, bytes.length + 1);
  const length = randomBelow(random, Math.min(64, bytes.length - at) + 1);
  switch (randomBelow(random, keepsLength ? 4 : 7)) {
    case 0:
      if (at < bytes.length) bytes[at]! ^= 1 << randomBelow(random, 8);
      return bytes;
    case 1:
      writeNumber(bytes, at, NUMBERS[randomBelow(random, NUMBERS.length)]!);
      return bytes;
    case 2:
      bytes.fill(randomBelow(random, 2) === 0 ? 0 : randomBelow(random, 256), at, at + length);
      return bytes;
    case 3:
      bytes.copyWithin(randomBelow(random, bytes.length + 1), at, at + length);
      return bytes;
    case 4:
      return bytes.slice(0, at);
    case 5:
      return joined(bytes.subarray(0, at), bytes.subarray(at + length));
    default:
      return joined(bytes.subarray(0, at + length), bytes.subarray(at));
  }
}

function writeNumber(bytes: Uint8Array, at: number, number: number): void {
  if (at + 4 > bytes.length) return;
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(at, number);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
