// Big-endian numbers in byte arrays, as every wire and disk format of RocketMQ has them.
// Never checks bounds: the caller knows the lengths. 64-bit numbers are two 32-bit halves, exact to ±2^53.

const TWO_32 = 0x1_0000_0000;

export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function readI16(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) >> 16) | bytes[at + 1]!;
}

export function readI32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) >>> 0;
}

/** A signed 64-bit number, rounded to the nearest double beyond ±2^53 (see readU63 for ext addresses). */
export function readI64(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) * TWO_32 + readU32(bytes, at + 4);
}

/**
 * The 64-bit number without its sign bit. ConsumeQueueExt marks its addresses by that bit (Long.MIN_VALUE + offset),
 * so this gives the offset, which a double could not hold together with the sign.
 */
export function readU63(bytes: Uint8Array, at: number): number {
  return (readI32(bytes, at) & 0x7fffffff) * TWO_32 + readU32(bytes, at + 4);
}

/** True when the 64-bit number at `at` is negative. */
export function isNegativeI64(bytes: Uint8Array, at: number): boolean {
  return bytes[at]! > 127;
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

/** Takes signed and unsigned 32-bit values alike. */
export function writeI32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
}

/** A whole number, positive or negative. */
export function writeI64(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  writeI32(bytes, at, high | 0);
  writeI32(bytes, at + 4, (value - high * TWO_32) | 0);
}

/** Long.MIN_VALUE + value: the address of a ConsumeQueueExt unit at offset `value`. */
export function writeU63Negative(bytes: Uint8Array, at: number, value: number): void {
  writeI64(bytes, at, value);
  bytes[at] = bytes[at]! | 0x80;
}
