// Frames: [total length][serialize type + header length][header][body], lengths big-endian, total not counting itself.
// Cuts a byte stream into frames whatever the splits, checking every length before anything is allocated.
import { Buffer } from "node:buffer";
import { DecodeError } from "../errors.ts";
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX } from "../limits.ts";
import type { SerializeType } from "./command.ts";

/** One whole frame as a view of the bytes that came in; positions index `buffer`. The bytes may be kept. */
export interface Frame {
  buffer: Buffer;
  /** Start of the 4-byte total length. */
  start: number;
  serializeType: SerializeType;
  headerStart: number;
  /** Header end and body start. */
  bodyStart: number;
  end: number;
}
