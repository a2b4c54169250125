// Whether a stretch of bytes is what is looked for. For short ones: a loop costs less than the call of a native comparison.

/** Whether `bytes[start…end)` is `whole`. */
export function sameBytes(
  whole: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const length = whole.length;
  if (end - start !== length) return false;
  for (let index = 0; index < length; index++) {
    if (whole[index] !== bytes[start + index]) return false;
  }
  return true;
}
