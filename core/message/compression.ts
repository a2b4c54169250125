// Compressed bodies: zlib, LZ4 frames and zstd, told apart by the sysFlag. The sender compresses, the consumer
// decompresses, the broker stores what came. Output is bounded: a body that would burst is refused.
import {
  constants,
  deflateSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { Buffer } from "node:buffer";
import { compressLz4Frame, decompressLz4Frame } from "../bytes/lz4_frame.ts";
import { zstdFrames } from "../bytes/zstd_frame.ts";
import { DecodeError } from "../errors.ts";
import { MIB } from "../limits.ts";
import {
  COMPRESSED,
  COMPRESSION_LZ4,
  COMPRESSION_MASK,
  COMPRESSION_ZLIB,
  COMPRESSION_ZSTD,
} from "./sys_flag.ts";

export type CompressionKind = "zlib" | "lz4" | "zstd";

/** Bodies of this many bytes and more are compressed by senders (compressMsgBodyOverHowmuch). */
export const COMPRESS_BODY_BYTES_MIN = 4096;
/** The level senders use (com.rocketmq.compress.level); LZ4 has none. */
export const COMPRESSION_LEVEL = 5;
/** How large a decompressed body may get unless the caller says otherwise. */
export const DECOMPRESSED_BYTES_MAX = 64 * MIB;

const BITS: Readonly<Record<CompressionKind, number>> = {
  lz4: COMPRESSION_LZ4,
  zstd: COMPRESSION_ZSTD,
  zlib: COMPRESSION_ZLIB,
};

/** The sysFlag bits that say "compressed, and how". */
export function compressionBits(kind: CompressionKind): number {
  return COMPRESSED | BITS[kind];
}

/** How a body with this sysFlag is compressed; null when it isn't. Throws DecodeError for a kind nobody knows. */
export function compressionOf(sysFlag: number): CompressionKind | null {
  if ((sysFlag & COMPRESSED) === 0) return null;
  switch (sysFlag & COMPRESSION_MASK) {
    // Clients from before the kinds say nothing and mean zlib.
    case 0:
    case COMPRESSION_ZLIB:
      return "zlib";
    case COMPRESSION_LZ4:
      return "lz4";
    case COMPRESSION_ZSTD:
      return "zstd";
    default:
      throw new DecodeError("sysFlag", `compression ${(sysFlag & COMPRESSION_MASK) >> 8}`);
  }
}

export function compress(
  body: Uint8Array,
  kind: CompressionKind,
  level = COMPRESSION_LEVEL,
): Uint8Array {
  switch (kind) {
    case "zlib":
      return deflateSync(body, { level });
    case "lz4":
      return compressLz4Frame(body);
    case "zstd":
      return zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  }
}

/** The plain body. Throws DecodeError when it is damaged or would be larger than `bytesMax`. */
export function decompress(
  body: Uint8Array,
  kind: CompressionKind,
  bytesMax = DECOMPRESSED_BYTES_MAX,
): Uint8Array {
  switch (kind) {
    case "zlib":
      return decompressBounded(kind, inflateSync, body, bytesMax);
    case "lz4":
      return decompressLz4Frame(body, bytesMax);
    case "zstd":
      return decompressZstd(body, bytesMax);
  }
}

function decompressZstd(body: Uint8Array, bytesMax: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let left = bytesMax;
  for (const frame of zstdFrames(body)) {
    const part = decompressBounded("zstd", zstdDecompressSync, frame, left);
    parts.push(part);
    left -= part.length;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function decompressBounded(
  kind: CompressionKind,
  decompressor: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer,
  body: Uint8Array,
  bytesMax: number,
): Buffer {
  try {
    // A bound of 0 would be taken for none.
    return decompressor(body, { maxOutputLength: Math.max(bytesMax, 1) });
  } catch (error) {
    const problem = error instanceof RangeError ? `larger than ${bytesMax} bytes` : "damaged";
    throw new DecodeError(`${kind} body`, problem, { cause: error });
  }
}
