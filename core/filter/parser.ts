// Reads a message filter: SQL92's conditions as Apache takes them, by recursive descent. Like Apache's parser it stops
// where the grammar ends and ignores what follows (Java: SelectorParser.jj). Builds the tree, evaluates nothing.
import {
  among,
  asCondition,
  between,
  type Condition,
  equal,
  type Expression,
  isNull,
  notBetween,
  ordered,
  type Relation,
  type TextMatch,
} from "./expression.ts";
import { narrowest } from "./java_numbers.ts";
import { FilterSyntaxError } from "./syntax_error.ts";
import {
  escaped,
  positionOf,
  TOKEN,
  type Token,
  TOKEN_TEXTS,
  Tokenizer,
  type TokenKind,
} from "./tokens.ts";

/** Deeper nesting than this is refused; Apache's parser runs out of stack somewhere past it. */
export const FILTER_DEPTH_MAX = 500;
/** More operands than this are refused: the tree of a long chain is as deep as the chain is long. */
export const FILTER_OPERANDS_MAX = 4096;

const RELATIONS = new Map<TokenKind, Relation>([
  [TOKEN.GREATER, ">"],
  [TOKEN.GREATER_EQUAL, ">="],
  [TOKEN.LESS, "<"],
  [TOKEN.LESS_EQUAL, "<="],
]);
const MATCHES = new Map<TokenKind, TextMatch>([
  [TOKEN.CONTAINS, "CONTAINS"],
  [TOKEN.STARTSWITH, "STARTSWITH"],
  [TOKEN.ENDSWITH, "ENDSWITH"],
]);
/** What may follow a comparison's left side. */
const COMPARISONS: readonly TokenKind[] = [
  TOKEN.NOT,
  TOKEN.BETWEEN,
  TOKEN.IN,
  ...MATCHES.keys(),
  ...RELATIONS.keys(),
];
const NEGATABLE: readonly TokenKind[] = [...MATCHES.keys(), TOKEN.BETWEEN, TOKEN.IN];
const OPERAND_STARTS: readonly TokenKind[] = [
  TOKEN.NOT,
  TOKEN.TRUE,
  TOKEN.FALSE,
  TOKEN.NULL,
  TOKEN.DECIMAL,
  TOKEN.FLOAT,
  TOKEN.STRING,
  TOKEN.NAME,
  TOKEN.OPEN,
  TOKEN.MINUS,
];

/** The condition that a text stands for. Throws FilterSyntaxError. */
export function parseFilter(text: string): Condition {
  return new Parser(text).parse();
}

class Parser {
  private readonly tokenizer: Tokenizer;
  /** Tokens looked at and not yet taken, at most two. */
  private readonly ahead: Token[] = [];
  /** What could have come at the current place, for refusals. */
  private readonly expected = new Set<TokenKind>();
  private depth = 0;
  private operands = 0;

  constructor(text: string) {
    this.tokenizer = new Tokenizer(text);
  }

  parse(): Condition {
    return asCondition(this.disjunction());
  }

  private disjunction(): Expression {
    let left = this.conjunction();
    while (this.accept(TOKEN.OR)) {
      const right = this.conjunction();
      left = { kind: "or", left: asCondition(left), right: asCondition(right) };
    }
    return left;
  }

  private conjunction(): Expression {
    let left = this.equality();
    while (this.accept(TOKEN.AND)) {
      const right = this.equality();
      left = { kind: "and", left: asCondition(left), right: asCondition(right) };
    }
    return left;
  }

  private equality(): Expression {
    let left = this.comparison();
    for (;;) {
      if (this.accept(TOKEN.EQUAL)) left = equal(left, this.comparison());
      else if (this.accept(TOKEN.NOT_EQUAL)) left = not(equal(left, this.comparison()));
      else if (this.accept(TOKEN.IS)) {
        const isNegated = this.accept(TOKEN.NOT);
        this.take(TOKEN.NULL);
        left = isNegated ? not(isNull(left)) : isNull(left);
      } else return left;
    }
  }

  private comparison(): Expression {
    let left = this.operand();
    for (;;) {
      const { kind } = this.peek();
      for (const comparison of COMPARISONS) this.expected.add(comparison);
      if (!COMPARISONS.includes(kind)) return left;
      const isNegated = kind === TOKEN.NOT;
      if (isNegated && !NEGATABLE.includes(this.peek(1).kind)) throw this.unexpectedNot();
      if (isNegated) this.take(TOKEN.NOT);
      left = this.comparisonWith(left, isNegated);
    }
  }

  private comparisonWith(left: Expression, isNegated: boolean): Condition {
    const { kind } = this.take(this.peek().kind);
    const relation = RELATIONS.get(kind);
    if (relation !== undefined) return ordered(relation, left, this.operand());
    const match = MATCHES.get(kind);
    if (match !== undefined) {
      return { kind: "text", match, operand: left, search: this.string(), negated: isNegated };
    }
    if (kind === TOKEN.IN) return among(left, this.strings(), isNegated);
    const low = this.operand();
    this.take(TOKEN.AND);
    const high = this.operand();
    return isNegated ? notBetween(left, low, high) : between(left, low, high);
  }

  private operand(): Expression {
    if (++this.depth > FILTER_DEPTH_MAX || ++this.operands > FILTER_OPERANDS_MAX) {
      throw new FilterSyntaxError(
        `the filter has more than ${FILTER_OPERANDS_MAX} operands or nests deeper than ${FILTER_DEPTH_MAX}`,
      );
    }
    const operand = this.signedOperand();
    this.depth--;
    return operand;
  }

  private signedOperand(): Expression {
    if (this.accept(TOKEN.PLUS)) return this.operand();
    for (const start of OPERAND_STARTS) this.expected.add(start);
    if (this.accept(TOKEN.MINUS)) return { kind: "negate", operand: this.operand() };
    if (this.accept(TOKEN.NOT)) return not(asCondition(this.operand()));
    if (this.accept(TOKEN.OPEN)) {
      const inner = this.disjunction();
      this.take(TOKEN.CLOSE);
      return inner;
    }
    return this.primary();
  }

  private primary(): Expression {
    const { kind, image } = this.peek();
    switch (kind) {
      case TOKEN.NAME:
        this.take(kind);
        return { kind: "property", name: image };
      case TOKEN.STRING:
        return { kind: "constant", value: this.string() };
      case TOKEN.DECIMAL:
        this.take(kind);
        return decimal(image);
      case TOKEN.FLOAT:
        this.take(kind);
        return float(image);
      case TOKEN.TRUE:
      case TOKEN.FALSE:
      case TOKEN.NULL:
        this.take(kind);
        return { kind: "literal", value: kind === TOKEN.NULL ? null : kind === TOKEN.TRUE };
    }
    throw this.unexpected();
  }

  private strings(): string[] {
    this.take(TOKEN.OPEN);
    const texts = [this.string()];
    while (this.accept(TOKEN.COMMA)) texts.push(this.string());
    this.take(TOKEN.CLOSE);
    return texts;
  }

  private string(): string {
    return this.take(TOKEN.STRING).image.slice(1, -1).replaceAll("''", "'");
  }

  private peek(distance = 0): Token {
    while (this.ahead.length <= distance) this.ahead.push(this.tokenizer.next());
    return this.ahead[distance]!;
  }

  private accept(kind: TokenKind): boolean {
    const isNext = this.peek().kind === kind;
    if (isNext) this.take(kind);
    else this.expected.add(kind);
    return isNext;
  }

  private take(kind: TokenKind): Token {
    const token = this.peek();
    if (token.kind !== kind) {
      // Other ways on were looked at before this one; only this one is left.
      this.expected.add(kind);
      throw this.unexpected();
    }
    this.expected.clear();
    return this.ahead.shift()!;
  }

  private unexpected(): FilterSyntaxError {
    const kinds = [...this.expected].sort((left, right) => left - right);
    // Apache's parser tries a plus sign apart from the rest and so names it last.
    const plus = kinds.filter((kind) => kind === TOKEN.PLUS);
    return this.refuse([...kinds.filter((kind) => kind !== TOKEN.PLUS), ...plus]);
  }

  /** A NOT that no negatable comparison follows: Apache blames the NOT. */
  private unexpectedNot(): FilterSyntaxError {
    const kinds = COMPARISONS.filter((kind) => kind !== TOKEN.NOT);
    return this.refuse(kinds.sort((left, right) => left - right));
  }

  private refuse(expected: readonly TokenKind[]): FilterSyntaxError {
    const { kind, image, start } = this.peek();
    // The end has the place of the last character.
    const position = positionOf(this.tokenizer.text, kind === TOKEN.END ? start - 1 : start);
    const encountered = kind === TOKEN.END
      ? TOKEN_TEXTS[kind]
      : ` ${TOKEN_TEXTS[kind]} "${escaped(image)} "`;
    const choices = expected.map((one) => `${TOKEN_TEXTS[one]} ...\n    `);
    return new FilterSyntaxError(
      "org.apache.rocketmq.filter.parser.ParseException: " +
        `Encountered "${encountered}" at line ${position.line}, column ${position.column}.\n` +
        `Was expecting${choices.length === 1 ? "" : " one of"}:\n    ${choices.join("")}`,
      position,
    );
  }
}

function not(operand: Condition): Condition {
  return { kind: "not", operand };
}

function decimal(image: string): Expression {
  const digits = image.replace(/[lL]$/, "");
  const value = narrowest(BigInt(digits));
  if (value !== null) return { kind: "constant", value };
  throw new FilterSyntaxError(`java.lang.NumberFormatException: For input string: "${digits}"`);
}

function float(image: string): Expression {
  const value = Number(image);
  if (value === Infinity) {
    throw new FilterSyntaxError(
      `java.lang.RuntimeException: ${image} is greater than 1.7976931348623157E308`,
    );
  }
  // Apache takes zero for too small.
  if (value === 0) {
    throw new FilterSyntaxError(`java.lang.RuntimeException: ${image} is less than 4.9E-324`);
  }
  return { kind: "constant", value };
}
