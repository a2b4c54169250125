// Reads JSON as fastjson 1 and 2 write and take it: bare and object keys, single quotes, trailing commas, comments,
// \x escapes, NaN, 64-bit integers. Standard text goes through JSON.parse. Every failure is a DecodeError with a position.
import { Buffer } from "node:buffer";
import { DecodeError } from "../errors.ts";
import { JSON_CHARS_MAX, JSON_DEPTH_MAX, JSON_NUMBER_CHARS_MAX } from "./json_limits.ts";
import { type JsonObject, type JsonValue, LenientMap } from "./json_value.ts";

/** Digits that a double always holds exactly. */
const EXACT_DIGITS = 15;

/**
 * Parses a text. Maps become plain objects, or a LenientMap when a key is an object or array; integers beyond 2^53
 * become bigints; `undefined` reads as null. The last of equal keys wins. Throws DecodeError.
 */
export function parseLenientJson(text: string): JsonValue {
  if (text.length > JSON_CHARS_MAX) {
    throw new DecodeError("json", `longer than ${JSON_CHARS_MAX} characters`);
  }
  if (isShallowAndExact(text)) {
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      // Not standard JSON: the reader below takes more, and says where it fails.
    }
  }
  return new LenientReader(text).read();
}

/** The same for a body or file in UTF-8. */
export function parseLenientJsonBytes(bytes: Uint8Array): JsonValue {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return parseLenientJson(buffer.toString("utf8"));
}

/** Whether JSON.parse can't overflow the stack or lose digits: nesting within the limit, no run of 16 digits. */
function isShallowAndExact(text: string): boolean {
  let depth = 0;
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char >= 0x30 && char <= 0x39) {
      if (++digits > EXACT_DIGITS) return false;
      continue;
    }
    digits = 0;
    if (char === QUOTE) {
      at = plainStringEnd(text, at + 1);
    } else if (char === BRACE_OPEN || char === BRACKET_OPEN) {
      if (++depth > JSON_DEPTH_MAX) return false;
    } else if (char === BRACE_CLOSE || char === BRACKET_CLOSE) {
      depth--;
    }
  }
  return true;
}

function plainStringEnd(text: string, at: number): number {
  for (; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) return at;
    if (char === BACKSLASH) at++;
  }
  return at;
}

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const STAR = 0x2a;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

const NUMBER = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
/** fastjson's type suffixes: 1L, 2S, 3B, 4F, 5D. */
const NUMBER_SUFFIX = /[LSBFD](?![\w$])/y;
const WORD = /[A-Za-z_$][\w$.-]*/y;
const INTEGER = /^[+-]?\d+$/;

const WORDS = new Map<string, JsonValue>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["undefined", null],
  ["NaN", NaN],
  ["Infinity", Infinity],
]);

const ESCAPES = new Map<string, string>([
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ['"', '"'],
  ["'", "'"],
  ["\\", "\\"],
  ["/", "/"],
]);

class LenientReader {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  read(): JsonValue {
    this.skipBlank();
    const value = this.value();
    this.skipBlank();
    if (this.at < this.text.length) throw this.problem("the text goes on after its value");
    return value;
  }

  private value(): JsonValue {
    const char = this.peek();
    if (char === BRACE_OPEN) return this.map();
    if (char === BRACKET_OPEN) return this.array();
    if (char === QUOTE || char === APOSTROPHE) return this.string(char);
    const number = this.number();
    return number ?? this.word();
  }

  private array(): JsonValue[] {
    const values: JsonValue[] = [];
    this.open();
    for (this.skipCommas(); this.peek() !== BRACKET_CLOSE; this.skipCommas()) {
      values.push(this.value());
      this.expectSeparator(BRACKET_CLOSE);
    }
    this.close();
    return values;
  }

  private map(): JsonObject | LenientMap {
    const entries: [JsonValue, JsonValue][] = [];
    let isPlain = true;
    this.open();
    for (this.skipCommas(); this.peek() !== BRACE_CLOSE; this.skipCommas()) {
      const key = this.key();
      if (typeof key !== "string") isPlain = false;
      this.skipBlank();
      if (this.peek() !== COLON) throw this.problem("':' expected");
      this.at++;
      this.skipBlank();
      entries.push([key, this.value()]);
      this.expectSeparator(BRACE_CLOSE);
    }
    this.close();
    return isPlain ? plainObject(entries as [string, JsonValue][]) : new LenientMap(entries);
  }

  private key(): JsonValue {
    const char = this.peek();
    if (char === BRACE_OPEN || char === BRACKET_OPEN) return this.value();
    if (char === QUOTE || char === APOSTROPHE) return this.string(char);
    const key = this.match(NUMBER) ?? this.match(WORD);
    if (key === undefined) throw this.problem("a key expected");
    return key;
  }

  private string(quote: number): string {
    const { text } = this;
    let value = "";
    let from = ++this.at;
    for (; this.at < text.length; this.at++) {
      const char = text.charCodeAt(this.at);
      if (char === quote) {
        value += text.slice(from, this.at++);
        return value;
      }
      if (char === BACKSLASH) {
        value += text.slice(from, this.at) + this.escape();
        from = this.at + 1;
      }
    }
    throw this.problem("a string without its closing quote");
  }

  /** Stands on the backslash before, on the escape's last character after. */
  private escape(): string {
    const { text } = this;
    const letter = text[++this.at] ?? "";
    if (letter === "u") return this.hexEscape(4);
    if (letter === "x") return this.hexEscape(2);
    // Java: JSONLexerBase takes \0 … \7.
    if (letter >= "0" && letter <= "7") return String.fromCharCode(Number(letter));
    const plain = ESCAPES.get(letter);
    if (plain === undefined) throw this.problem("an unknown escape");
    return plain;
  }

  private hexEscape(digits: number): string {
    const hex = this.text.slice(this.at + 1, this.at + 1 + digits);
    if (hex.length < digits || !/^[\da-fA-F]+$/.test(hex)) throw this.problem("a broken escape");
    this.at += digits;
    return String.fromCharCode(parseInt(hex, 16));
  }

  private number(): number | bigint | undefined {
    const char = this.peek();
    const isNumber = (char >= 0x30 && char <= 0x39) || char === MINUS || char === PLUS ||
      char === DOT;
    if (!isNumber) return undefined;
    const literal = this.match(NUMBER);
    if (literal === undefined) return this.signedWord(char);
    if (literal.length > JSON_NUMBER_CHARS_MAX) throw this.problem("a number too long");
    this.match(NUMBER_SUFFIX);
    const value = Number(literal);
    return INTEGER.test(literal) && !Number.isSafeInteger(value) ? BigInt(literal) : value;
  }

  /** -Infinity is the only word with a sign. */
  private signedWord(sign: number): number {
    this.at++;
    if (this.match(WORD) !== "Infinity") throw this.problem("a number expected");
    return sign === MINUS ? -Infinity : Infinity;
  }

  private word(): JsonValue {
    const word = this.match(WORD);
    const value = word === undefined ? undefined : WORDS.get(word);
    if (value === undefined) throw this.problem("a value expected");
    return value;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private open(): void {
    this.at++;
    if (++this.depth > JSON_DEPTH_MAX) throw this.problem(`deeper than ${JSON_DEPTH_MAX}`);
  }

  private close(): void {
    this.at++;
    this.depth--;
  }

  private expectSeparator(close: number): void {
    this.skipBlank();
    const char = this.peek();
    if (char !== COMMA && char !== close) throw this.problem("',' expected");
  }

  private skipCommas(): void {
    this.skipBlank();
    while (this.peek() === COMMA) {
      this.at++;
      this.skipBlank();
    }
  }

  private skipBlank(): void {
    for (;;) {
      const char = this.peek();
      if (char <= 0x20 || char === 0xfeff) this.at++;
      else if (char === SLASH) this.skipComment();
      else return;
    }
  }

  private skipComment(): void {
    const kind = this.text.charCodeAt(this.at + 1);
    const end = kind === STAR ? "*/" : kind === SLASH ? "\n" : "";
    if (end === "") throw this.problem("a value expected");
    const found = this.text.indexOf(end, this.at + 2);
    this.at = found < 0 ? this.text.length : found + end.length;
  }

  /** NaN at the end, which equals nothing. */
  private peek(): number {
    return this.text.charCodeAt(this.at);
  }

  private problem(problem: string): DecodeError {
    return new DecodeError(`json at ${Math.min(this.at, this.text.length)}`, problem);
  }
}

/** A key "__proto__" is a member like any other, as from JSON.parse. */
function plainObject(entries: [string, JsonValue][]): JsonObject {
  return Object.fromEntries(entries);
}
