// Whether a stretch of bytes is what is looked for. For short ones: a loop costs less than the call of a native comparison.

/** Whether `bytes[start…end)` is `whole`. */
export function sameBytes(
  whole: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  return end - start === whole.length && equalsAt(bytes, start, whole);
}

/** Whether `part` stands in `bytes` at a position, from where on there is room for it. */
export function equalsAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  const length = part.length;
  for (let index = 0; index < length; index++) {
    if (bytes[at + index] !== part[index]) return false;
  }
  return true;
}
