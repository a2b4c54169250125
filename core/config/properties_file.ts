// Java's Properties syntax, as broker.conf, namesrv.conf and the bodies of configuration updates use it.
// Keeps where each key stands. Bytes are Latin-1 with \uXXXX escapes, as java.util.Properties reads a stream.
// Never touches a file; replaceProperties leaves every line alone that it needn't change.
import { Buffer } from "node:buffer";

export const PROPERTIES_FILE_BYTES_MAX = 1024 * 1024;
export const PROPERTIES_COUNT_MAX = 10_000;
export const PROPERTY_CHARACTERS_MAX = 64 * 1024;

export interface Property {
  readonly name: string;
  readonly value: string;
  /** Line of its first character, from 1. */
  readonly line: number;
  /** Where its logical line stands in the text, line end excluded. */
  readonly start: number;
  readonly end: number;
}

export interface PropertiesProblem {
  readonly line: number;
  readonly text: string;
}

export interface ParsedProperties {
  /** In the order of the file, duplicates included; the last of a name counts. */
  readonly properties: readonly Property[];
  readonly problems: readonly PropertiesProblem[];
}

/** Reads all properties; what can't be read is a problem, and the rest is read all the same. */
export function parseProperties(bytes: Uint8Array): ParsedProperties {
  if (bytes.length > PROPERTIES_FILE_BYTES_MAX) {
    const text = `larger than ${PROPERTIES_FILE_BYTES_MAX} bytes`;
    return { properties: [], problems: [{ line: 1, text }] };
  }
  return new Parser(latin1(bytes)).parse();
}

/** The last value of each name. */
export function lastValues(properties: readonly Property[]): Map<string, string> {
  return new Map(properties.map(({ name, value }) => [name, value]));
}

/** The file with some values changed in their place, and names that it lacks added at its end. */
export function replaceProperties(
  bytes: Uint8Array,
  changes: ReadonlyMap<string, string>,
): Uint8Array {
  const text = latin1(bytes);
  const lastByName = new Map<string, Property>();
  for (const property of parseProperties(bytes).properties) lastByName.set(property.name, property);
  const replaced = [...changes].flatMap(([name, value]) => {
    const property = lastByName.get(name);
    return property ? [{ ...property, line: formatProperty(name, value) }] : [];
  }).sort((a, b) => a.start - b.start);
  let output = "";
  let copied = 0;
  for (const { start, end, line } of replaced) {
    output += text.slice(copied, start) + line;
    copied = end;
  }
  output += text.slice(copied);
  for (const [name, value] of changes) {
    if (lastByName.has(name)) continue;
    if (output !== "" && !/[\r\n]$/.test(output)) output += "\n";
    output += formatProperty(name, value) + "\n";
  }
  return Buffer.from(output, "latin1");
}

/** "name=value" with whatever would be read otherwise escaped. */
export function formatProperty(name: string, value: string): string {
  const escapedName = escape(name).replace(/[=: #!]/g, "\\$&");
  return `${escapedName}=${escape(value).replace(/^ /, "\\ ")}`;
}

function escape(text: string): string {
  return text.replace(/[\\\t\n\r\f]|[^\x20-\x7e]/g, (character) => {
    const short = ESCAPED.get(character);
    if (short !== undefined) return short;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const ESCAPED = new Map([
  ["\\", "\\\\"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\f", "\\f"],
]);
const UNESCAPED = new Map([["t", "\t"], ["n", "\n"], ["r", "\r"], ["f", "\f"]]);
const BLANKS = " \t\f";

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

class Parser {
  private at = 0;
  private line = 1;
  private readonly properties: Property[] = [];
  private readonly problems: PropertiesProblem[] = [];

  constructor(private readonly text: string) {}

  parse(): ParsedProperties {
    const { text, properties, problems } = this;
    while (this.at < text.length) {
      this.skipBlanks();
      // A backslash alone continues nothing: the next line stands for itself, a comment too.
      if (text[this.at] === "\\" && this.skipContinuation()) {
        this.at++;
        continue;
      }
      const first = text[this.at];
      if (first === "#" || first === "!") this.skipLine();
      else if (first !== undefined && first !== "\n" && first !== "\r") this.parseProperty();
      this.skipLineEnd();
      if (properties.length > PROPERTIES_COUNT_MAX) {
        problems.push({ line: this.line, text: `more than ${PROPERTIES_COUNT_MAX} keys` });
        break;
      }
    }
    return { properties, problems };
  }

  private parseProperty(): void {
    const { line, at: start } = this;
    const name = this.readToken(true);
    this.skipContinuedBlanks();
    if (this.text[this.at] === "=" || this.text[this.at] === ":") {
      this.at++;
      this.skipContinuedBlanks();
    }
    const value = this.readToken(false);
    if (name.length + value.length > PROPERTY_CHARACTERS_MAX) {
      this.problems.push({ line, text: `longer than ${PROPERTY_CHARACTERS_MAX} characters` });
      return;
    }
    this.properties.push({ name, value, line, start, end: this.at });
  }

  /** Reads up to the end of the logical line, or of the name. */
  private readToken(isName: boolean): string {
    let token = "";
    for (; this.at < this.text.length; this.at++) {
      const character = this.text[this.at]!;
      if (character === "\n" || character === "\r") break;
      if (isName && (character === "=" || character === ":" || BLANKS.includes(character))) break;
      if (character !== "\\") token += character;
      else if (!this.skipContinuation()) token += this.readEscape();
    }
    return token;
  }

  /** After a backslash at a line's end: stands before the first character of the next line. */
  private skipContinuation(): boolean {
    const next = this.text[this.at + 1];
    if (next !== undefined && next !== "\n" && next !== "\r") return false;
    this.at++;
    this.skipLineEnd();
    this.skipBlanks();
    this.at--;
    return true;
  }

  private readEscape(): string {
    this.at++;
    const character = this.text[this.at]!;
    if (character !== "u") return UNESCAPED.get(character) ?? character;
    const digits = this.text.slice(this.at + 1, this.at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
      this.problems.push({ line: this.line, text: "\\u must be followed by four hex digits" });
      return "";
    }
    this.at += 4;
    return String.fromCharCode(parseInt(digits, 16));
  }

  private skipContinuedBlanks(): void {
    for (;;) {
      this.skipBlanks();
      if (this.text[this.at] !== "\\" || !this.skipContinuation()) return;
      this.at++;
    }
  }

  private skipBlanks(): void {
    while (this.at < this.text.length && BLANKS.includes(this.text[this.at]!)) this.at++;
  }

  private skipLine(): void {
    while (this.at < this.text.length && !"\r\n".includes(this.text[this.at]!)) this.at++;
  }

  private skipLineEnd(): void {
    if (this.text[this.at] === "\r" && this.text[this.at + 1] === "\n") this.at += 2;
    else if (this.text[this.at] === "\r" || this.text[this.at] === "\n") this.at++;
    else return;
    this.line++;
  }
}
