// Cuts a message filter's text into tokens, one at a time: text that the grammar never looks at is never an error, as in
// Apache (Java: SelectorParserTokenManager). Knows no grammar.
import { FilterSyntaxError } from "./syntax_error.ts";

/** Kinds of tokens; their order is the order in which refusals list what was expected. */
export const TOKEN = {
  END: 0,
  NOT: 1,
  AND: 2,
  OR: 3,
  BETWEEN: 4,
  IN: 5,
  TRUE: 6,
  FALSE: 7,
  NULL: 8,
  IS: 9,
  CONTAINS: 10,
  STARTSWITH: 11,
  ENDSWITH: 12,
  DECIMAL: 13,
  FLOAT: 14,
  STRING: 15,
  NAME: 16,
  EQUAL: 17,
  NOT_EQUAL: 18,
  GREATER: 19,
  GREATER_EQUAL: 20,
  LESS: 21,
  LESS_EQUAL: 22,
  OPEN: 23,
  COMMA: 24,
  CLOSE: 25,
  PLUS: 26,
  MINUS: 27,
} as const;

export type TokenKind = typeof TOKEN[keyof typeof TOKEN];

/** How refusals show a kind. */
export const TOKEN_TEXTS: readonly string[] = [
  "<EOF>",
  ...["NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL", "IS"].map(quoted),
  ...["CONTAINS", "STARTSWITH", "ENDSWITH"].map(quoted),
  "<DECIMAL_LITERAL>",
  "<FLOATING_POINT_LITERAL>",
  "<STRING_LITERAL>",
  "<ID>",
  ...["=", "<>", ">", ">=", "<", "<=", "(", ",", ")", "+", "-"].map(quoted),
];

function quoted(text: string): string {
  return `"${text}"`;
}

const KEYWORDS = new Map<string, TokenKind>([
  ["NOT", TOKEN.NOT],
  ["AND", TOKEN.AND],
  ["OR", TOKEN.OR],
  ["BETWEEN", TOKEN.BETWEEN],
  ["IN", TOKEN.IN],
  ["TRUE", TOKEN.TRUE],
  ["FALSE", TOKEN.FALSE],
  ["NULL", TOKEN.NULL],
  ["IS", TOKEN.IS],
  ["CONTAINS", TOKEN.CONTAINS],
  ["STARTSWITH", TOKEN.STARTSWITH],
  ["ENDSWITH", TOKEN.ENDSWITH],
]);

const SIGNS = new Map<string, TokenKind>([
  ["=", TOKEN.EQUAL],
  ["<>", TOKEN.NOT_EQUAL],
  [">", TOKEN.GREATER],
  [">=", TOKEN.GREATER_EQUAL],
  ["<", TOKEN.LESS],
  ["<=", TOKEN.LESS_EQUAL],
  ["(", TOKEN.OPEN],
  [",", TOKEN.COMMA],
  [")", TOKEN.CLOSE],
  ["+", TOKEN.PLUS],
  ["-", TOKEN.MINUS],
]);

export interface Token {
  kind: TokenKind;
  image: string;
  /** Where it begins in the text. */
  start: number;
}

// A line comment counts as one only when its line ends; "--" before the end of the text is two minus signs.
const BLANK = /(?:[ \t\n\r\f]|--[^\n\r]*(?:\r\n|\r|\n)|\/\*[^*]*\*(?:\*|[^*/][^*]*\*)*\/)+/y;
const FLOAT = /(?:\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)/y;
const DECIMAL = /(?:0|[1-9]\d*[lL]?)/y;
const STRING = /'(?:''|[^'])*'/y;
const NAME = /[A-Za-z_$][A-Za-z0-9_$]*/y;
const SIGN = /<>|>=|<=|[=<>(),+-]/y;

export class Tokenizer {
  private at = 0;

  constructor(readonly text: string) {}

  /** The next token; END at the end, again and again. Throws FilterSyntaxError. */
  next(): Token {
    this.at += this.match(BLANK).length;
    const start = this.at;
    if (start >= this.text.length) return { kind: TOKEN.END, image: "", start };
    const token = this.name(start) ?? this.literal(start) ?? this.sign(start);
    if (token === null) throw this.refuse(start);
    this.at += token.image.length;
    return token;
  }

  private name(start: number): Token | null {
    const image = this.match(NAME);
    if (image === "") return null;
    return { kind: KEYWORDS.get(image.toUpperCase()) ?? TOKEN.NAME, image, start };
  }

  private literal(start: number): Token | null {
    const string = this.match(STRING);
    if (string !== "") return { kind: TOKEN.STRING, image: string, start };
    const float = this.match(FLOAT);
    const decimal = this.match(DECIMAL);
    if (float.length > decimal.length) return { kind: TOKEN.FLOAT, image: float, start };
    return decimal === "" ? null : { kind: TOKEN.DECIMAL, image: decimal, start };
  }

  private sign(start: number): Token | null {
    const image = this.match(SIGN);
    return image === "" ? null : { kind: SIGNS.get(image)!, image, start };
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0] ?? "";
  }

  /** What can't be a token: a foreign character, a string or comment without an end, a lone "." or "/". */
  private refuse(start: number): FilterSyntaxError {
    const { text } = this;
    const first = text[start]!;
    const isOpen = first === "'" || text.startsWith("/*", start);
    const consumed = isOpen ? text.length - start : first === "." || first === "/" ? 1 : 0;
    const end = start + consumed;
    // Apache looks one character further: when there is none, it is the end that it blames.
    const isLast = end >= text.length - 1;
    const { line, column } = isLast ? endOf(text) : positionOf(text, end);
    const image = text.slice(start, isLast ? text.length : end);
    const after = isLast && image.length === 1 ? "" : escaped(image);
    const encountered = isLast ? "<EOF> " : `"${escaped(text[end]!)}" (${text.charCodeAt(end)}), `;
    return new FilterSyntaxError(
      "org.apache.rocketmq.filter.parser.TokenMgrError: " +
        `Lexical error at line ${line}, column ${column}.  Encountered: ${encountered}` +
        `after : "${after}"`,
      { line, column },
    );
  }
}

const TAB_COLUMNS = 8;

export interface Position {
  line: number;
  column: number;
}

/** Line and column of a place, both from 1, or 0 before the text; tabs reach to the next multiple of eight (Java: SimpleCharStream). */
export function positionOf(text: string, place: number): Position {
  let line = place < 0 ? 0 : 1;
  let column = 0;
  for (let at = 0; at <= place; at++) {
    const before = at === 0 ? "" : text[at - 1];
    const isNewLine = before === "\n" || (before === "\r" && text[at] !== "\n");
    if (isNewLine) {
      line++;
      column = 0;
    }
    column++;
    if (text[at] === "\t") column += TAB_COLUMNS - 1 - (column - 1) % TAB_COLUMNS;
  }
  return { line, column };
}

/** The place after the last character, as lexical refusals name it. */
function endOf(text: string): Position {
  const { line, column } = positionOf(text, text.length - 1);
  return /[\r\n]$/.test(text) ? { line: line + 1, column: 0 } : { line, column: column + 1 };
}

const ESCAPES = new Map([
  ["\0", ""],
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ['"', '\\"'],
  ["'", "\\'"],
  ["\\", "\\\\"],
]);

/** Text as refusals quote it. */
export function escaped(text: string): string {
  let result = "";
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isPlain = code >= 0x20 && code <= 0x7e;
    result += ESCAPES.get(text[at]!) ??
      (isPlain ? text[at] : `\\u${code.toString(16).padStart(4, "0")}`);
  }
  return result;
}
