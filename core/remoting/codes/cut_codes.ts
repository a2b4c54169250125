// Request codes above 32767 as they arrive in binary headers, whose code is a signed short (Java:
// RocketMQSerializable). No cut code is a request code of its own; a test holds the list against the table.

const FULL_CODES = [
  200050,
  200051,
  200052,
  200053,
  200054,
  200055,
  200056,
  200151,
];

/** Cut code → full code: 3442 → 200050 … 3448 → 200056, 3543 → 200151. */
export const cutCodes: ReadonlyMap<number, number> = new Map(
  FULL_CODES.map((code) => [code << 16 >> 16, code]),
);

const CUT_MIN = Math.min(...cutCodes.keys());
const CUT_MAX = Math.max(...cutCodes.keys());

/** The full request code for one read from a binary header. */
export function uncutCode(code: number): number {
  return code < CUT_MIN || code > CUT_MAX ? code : cutCodes.get(code) ?? code;
}
