// Limits of reading JSON bodies and files, by name and with their unit.
import { FRAME_BYTES_MAX } from "../limits.ts";

/** Nesting of arrays and maps. Apache's own bodies stay below 10. */
export const JSON_DEPTH_MAX = 64;
/** Length of a text: no body is longer than a frame; deflated ones may be, up to this many characters. */
export const JSON_CHARS_MAX = 4 * FRAME_BYTES_MAX;
/** Digits of one number; Java's BigInteger would take any. */
export const JSON_NUMBER_CHARS_MAX = 400;
