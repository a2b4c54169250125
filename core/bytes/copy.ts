// Copies of bytes. Not by `slice`: a Buffer's is a view of the same memory, and one passes for a Uint8Array.

/** The bytes in memory of their own. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
