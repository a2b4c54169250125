// Hexadecimal text in upper case, as Apache prints message ids.
import { Buffer } from "node:buffer";
import { DecodeError } from "../errors.ts";

export function toHex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("hex")
    .toUpperCase();
}

/** The bytes of hexadecimal text of either case. Throws DecodeError naming `what`. */
export function fromHex(text: string, what = "hexadecimal text"): Uint8Array {
  if (text.length % 2 !== 0) throw new DecodeError(what, `odd length ${text.length}`);
  if (!/^[0-9a-fA-F]*$/.test(text)) throw new DecodeError(what, "not hexadecimal");
  return Buffer.from(text, "hex");
}

const HEX_DIGITS = new Uint8Array([
  48,
  49,
  50,
  51,
  52,
  53,
  54,
  55,
  56,
  57,
  65,
  66,
  67,
  68,
  69,
  70,
]);

/** Writes the low `digits` hexadecimal digits of a 32-bit value as ASCII. */
export function writeHexDigits(bytes: Uint8Array, at: number, value: number, digits: number): void {
  for (let shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    bytes[at++] = HEX_DIGITS[(value >>> shift) & 15]!;
  }
}
