// The request code of a frame without decoding its header. Guesses nothing: a header that doesn't begin with the code
// has to be decoded.
import { SERIALIZE_ROCKETMQ } from "./command.ts";
import type { Frame } from "./frame.ts";

/** `{"code":` read as two big-endian words: Apache's JSON headers begin with it, their keys are sorted. */
const CODE_KEY_HIGH = 0x7b22636f;
const CODE_KEY_LOW = 0x6465223a;
const DIGIT_ZERO = 0x30;

/** The code as it is written (a binary header cuts it to a signed short); -1 when only decoding can tell. */
export function peekCode(frame: Frame): number {
  const { buffer, headerStart, bodyStart } = frame;
  if (bodyStart - headerStart < 10) return -1;
  if (frame.serializeType === SERIALIZE_ROCKETMQ) return buffer.readInt16BE(headerStart);
  if (
    buffer.readInt32BE(headerStart) !== CODE_KEY_HIGH ||
    buffer.readInt32BE(headerStart + 4) !== CODE_KEY_LOW
  ) return -1;
  let code = 0;
  let at = headerStart + 8;
  for (; at < bodyStart; at++) {
    const digit = buffer[at]! - DIGIT_ZERO;
    if (digit < 0 || digit > 9) break;
    code = code * 10 + digit;
  }
  return at === headerStart + 8 ? -1 : code;
}
