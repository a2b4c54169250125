// Reads bodies that Java's fastjson wrote: JSON whose integer keys may be bare, and values of the
// shapes that are asked for. Throws DecodeError for everything else; never a SyntaxError or
// TypeError.
import { Buffer } from "node:buffer";
import { DecodeError } from "../../core/errors.ts";

export type JsonObject = { readonly [key: string]: unknown };

/** Texts as they are, and the bare integer keys between them. */
const TEXT_OR_BARE_KEY = /"(?:[^"\\]|\\.)*"|([{,]\s*)(-?\d+)(?=\s*:)/g;

export function parseJsonBytes(bytes: Uint8Array): unknown {
  return parseJsonText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
}

export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseWithBareKeys(text);
  }
}

function parseWithBareKeys(text: string): unknown {
  const quoted = text.replaceAll(
    TEXT_OR_BARE_KEY,
    (whole, before?: string, key?: string) =>
      before === undefined || key === undefined ? whole : `${before}"${key}"`,
  );
  try {
    return JSON.parse(quoted);
  } catch (error) {
    throw new DecodeError("body", "is not JSON", { cause: error });
  }
}

export function asObject(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new DecodeError("body", "an object is missing");
  }
  return value as JsonObject;
}

export function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new DecodeError("body", "a list is missing");
  return value;
}

/** A whole number; absent and null read as `fallback`. Numbers in quotes count, as in fastjson. */
export function asNumber(value: unknown, fallback: number): number {
  if (value === undefined || value === null) return fallback;
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number)) {
    throw new DecodeError("body", "a number is malformed");
  }
  return number;
}

/** A text; absent and null read as `fallback`. */
export function asText<T extends string | null>(value: unknown, fallback: T): string | T {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== "string") throw new DecodeError("body", "a text is missing");
  return value;
}
