// The tree of a parsed filter and the rules that its nodes must keep, with Apache's refusals for those that don't
// (Java: ComparisonExpression, LogicExpression, UnaryExpression). Evaluates nothing.
import { doubleText, WholeNumber } from "./java_numbers.ts";
import { FilterSyntaxError } from "./syntax_error.ts";
import { compareValues, type Value } from "./values.ts";

export type Relation = "=" | ">" | ">=" | "<" | "<=";
export type TextMatch = "CONTAINS" | "STARTSWITH" | "ENDSWITH";

export type Expression =
  | { kind: "property"; name: string }
  | { kind: "constant"; value: Value }
  | { kind: "negate"; operand: Expression }
  | Condition;

/** What gives true, false or null. */
export type Condition =
  | { kind: "literal"; value: boolean | null }
  | { kind: "cast"; operand: Expression }
  | { kind: "not"; operand: Condition }
  | { kind: "and" | "or"; left: Condition; right: Condition }
  | { kind: "compare"; relation: Relation; left: Expression; right: Expression }
  | { kind: "in"; name: string; texts: readonly string[]; negated: boolean }
  | { kind: "text"; match: TextMatch; operand: Expression; search: string; negated: boolean };

export function isCondition(expression: Expression): expression is Condition {
  return expression.kind !== "property" && expression.kind !== "constant" &&
    expression.kind !== "negate";
}

/** A condition, or a property taken for one. Throws FilterSyntaxError for numbers and strings. */
export function asCondition(expression: Expression): Condition {
  if (isCondition(expression)) return expression;
  if (expression.kind === "property") return { kind: "cast", operand: expression };
  throw new FilterSyntaxError(
    "org.apache.rocketmq.filter.parser.ParseException: " +
      `Expression will not result in a boolean value: ${textOf(expression)}`,
  );
}

/** left = right, which neither may be NULL. */
export function equal(left: Expression, right: Expression): Condition {
  for (const side of [left, right]) {
    if (side.kind === "literal" && side.value === null) throw refuse("'NULL' cannot be compared.");
  }
  if (left.kind === "literal" && right.kind === "constant") {
    throw refuse(`'${textOf(left)}' cannot be compared with '${textOf(right)}'`);
  }
  return { kind: "compare", relation: "=", left, right };
}

export function isNull(operand: Expression): Condition {
  const right: Expression = { kind: "literal", value: null };
  return { kind: "compare", relation: "=", left: operand, right };
}

/** left < right and the like; constants must be numbers, and conditions can't be compared. */
export function ordered(relation: Relation, left: Expression, right: Expression): Condition {
  for (const side of [left, right]) {
    const isText = side.kind === "constant" && typeof side.value === "string";
    if (isText || isCondition(side)) throw refuse(`Value '${textOf(side)}' cannot be compared.`);
  }
  return { kind: "compare", relation, left, right };
}

export function between(value: Expression, low: Expression, high: Expression): Condition {
  checkRange(low, high);
  const left = ordered(">=", value, low);
  return { kind: "and", left, right: ordered("<=", value, high) };
}

export function notBetween(value: Expression, low: Expression, high: Expression): Condition {
  const left = ordered("<", value, low);
  return { kind: "or", left, right: ordered(">", value, high) };
}

export function among(
  operand: Expression,
  texts: readonly string[],
  negated: boolean,
): Condition {
  if (operand.kind === "property") return { kind: "in", name: operand.name, texts, negated };
  throw refuse(`Expected a property for In expression, got: ${textOf(operand)}`);
}

function checkRange(low: Expression, high: Expression): void {
  if (!isConstant(low) || !isConstant(high)) return;
  if (low.value === null || high.value === null) {
    throw refuse("Illegal values of between, values can not be null!");
  }
  const order = compareValues(high.value, low.value);
  if (Number.isNaN(order)) throw refuse(uncomparableText(high.value, low.value));
  if (order < 0) {
    throw refuse(
      `Illegal values of between, left value(${valueText(low.value)}) must less than or equal ` +
        `to right value(${valueText(high.value)})`,
    );
  }
}

function isConstant(
  expression: Expression,
): expression is Extract<Expression, { kind: "constant" | "literal" }> {
  return expression.kind === "constant" || expression.kind === "literal";
}

function uncomparableText(left: Value, right: Value): string {
  const text = typeof left === "string" ? left : String(right);
  return `java.lang.NumberFormatException: For input string: "${text}"`;
}

function refuse(message: string): FilterSyntaxError {
  return new FilterSyntaxError(`java.lang.RuntimeException: ${message}`);
}

function valueText(value: Value): string {
  if (value instanceof WholeNumber) return String(value.value);
  return typeof value === "number" ? doubleText(value) : String(value);
}

/** An expression as refusals show it (Java: toString). */
export function textOf(expression: Expression): string {
  switch (expression.kind) {
    case "property":
      return expression.name;
    case "constant":
      return typeof expression.value === "string"
        ? `'${expression.value.replaceAll("'", "''")}'`
        : valueText(expression.value);
    case "literal":
      return String(expression.value).toUpperCase();
    case "negate":
      return `(- ${textOf(expression.operand)})`;
    case "cast":
      return textOf(expression.operand);
    case "not":
      return `(NOT ${textOf(expression.operand)})`;
    case "and":
      return `(${textOf(expression.left)} && ${textOf(expression.right)})`;
    case "or":
      return `(${textOf(expression.left)} || ${textOf(expression.right)})`;
    case "compare": {
      const sign = expression.relation === "=" ? "==" : expression.relation;
      return `(${textOf(expression.left)} ${sign} ${textOf(expression.right)})`;
    }
    case "in":
      return `${expression.name} ${expression.negated ? "NOT IN" : "IN"} ( ${
        expression.texts.join(", ")
      } )`;
    case "text":
      return `(${expression.negated ? "NOT " : ""}${expression.match} ${
        textOf(expression.operand)
      })`;
  }
}
