// Turns a filter's tree into closures. Comparisons of a property with a constant, which is what filters are made of, have
// forms of their own over bytes; anything else goes by values. Short-circuits where Java does, since what isn't looked at
// can't fail (Java: LogicExpression, ComparisonExpression, UnaryExpression).
import type { Condition, Expression, Relation, TextMatch } from "./expression.ts";
import { isCondition } from "./expression.ts";
import { compareDoubles, parseDouble, WholeNumber } from "./java_numbers.ts";
import { FAILED, FALSE, type Outcome, outcomeOf, type Test, TRUE, UNKNOWN } from "./outcomes.ts";
import { comparableBytes, type PropertySlot, UNREADABLE } from "./property_slot.ts";
import { compareValues, UNCOMPARABLE, type Value } from "./values.ts";

export type SlotOf = (name: string) => PropertySlot;

/** An operand's value, or FAILED_VALUE where Java throws. */
type Operand = () => Value | typeof FAILED_VALUE;
const FAILED_VALUE = Symbol("failed");

/** What the order of two sides means for a relation; −1 stands for "less" and for "not comparable kinds". */
const HOLDS: Readonly<Record<Relation, (order: number) => boolean>> = {
  "=": (order) => order === 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
};

export function compileCondition(condition: Condition, slotOf: SlotOf): Test {
  switch (condition.kind) {
    case "literal": {
      const outcome = condition.value === null ? UNKNOWN : outcomeOf(condition.value);
      return () => outcome;
    }
    case "cast":
      return compileCast(condition.operand, slotOf);
    case "not": {
      const test = compileCondition(condition.operand, slotOf);
      return () => {
        const outcome = test();
        return outcome === TRUE ? FALSE : outcome === FALSE ? TRUE : outcome;
      };
    }
    case "and":
    case "or":
      return compileJunction(condition, slotOf);
    case "compare":
      return compileComparison(condition, slotOf);
    case "in":
      return compileIn(slotOf(condition.name), condition.texts, condition.negated);
    case "text":
      return compileText(condition, slotOf);
  }
}

/** A property taken for a condition: properties are strings, so it is never true. */
function compileCast(operand: Expression, slotOf: SlotOf): Test {
  const value = compileOperand(operand, slotOf);
  return () => value() === null ? UNKNOWN : FALSE;
}

/** AND stops at a false left side, OR at a true one. */
function compileJunction(
  { kind, left, right }: Extract<Condition, { kind: "and" | "or" }>,
  slotOf: SlotOf,
): Test {
  const decisive = kind === "and" ? FALSE : TRUE;
  const first = compileCondition(left, slotOf);
  const second = compileCondition(right, slotOf);
  return () => {
    const one = first();
    if (one === decisive || one === FAILED) return one;
    const other = second();
    if (other === decisive || other === FAILED) return other;
    return one === UNKNOWN ? UNKNOWN : other;
  };
}

function compileComparison(
  { relation, left, right }: Extract<Condition, { kind: "compare" }>,
  slotOf: SlotOf,
): Test {
  if (left.kind === "property" && right.kind !== "property") {
    const test = compareWithConstant(slotOf(left.name), relation, right);
    if (test !== null) return test;
  }
  const one = compileOperand(left, slotOf);
  const other = compileOperand(right, slotOf);
  return relation === "=" ? equality(one, other) : ordering(one, other, HOLDS[relation]);
}

/** A property compared with a constant; null when there is no form of its own for that. */
function compareWithConstant(
  slot: PropertySlot,
  relation: Relation,
  constant: Expression,
): Test | null {
  if (isCondition(constant)) {
    if (constant.kind !== "literal" || constant.value !== null) return null;
    return () => slot.isThere ? FALSE : TRUE;
  }
  const value = constantOf(constant);
  if (typeof value === "string") return relation === "=" ? equalText(slot, value) : null;
  const holds = HOLDS[relation];
  if (typeof value === "number") {
    return () => {
      if (!slot.isThere) return UNKNOWN;
      const read = slot.asDouble();
      return read === UNREADABLE ? FAILED : outcomeOf(holds(compareDoubles(read, value)));
    };
  }
  if (!(value instanceof WholeNumber)) return null;
  return value.isLong ? compareLong(slot, holds, value) : compareInt(slot, holds, value);
}

function compareInt(
  slot: PropertySlot,
  holds: (order: number) => boolean,
  constant: WholeNumber,
): Test {
  const value = Number(constant.value);
  return () => {
    if (!slot.isThere) return UNKNOWN;
    const read = slot.asInt();
    return read === UNREADABLE ? FAILED : outcomeOf(holds(read - value));
  };
}

function compareLong(
  slot: PropertySlot,
  holds: (order: number) => boolean,
  constant: WholeNumber,
): Test {
  const near = Number(constant.value);
  const isExact = Number.isSafeInteger(near);
  return () => {
    if (!slot.isThere) return UNKNOWN;
    const read = isExact ? slot.asShortLong() : null;
    if (read !== null) return outcomeOf(holds(read - near));
    const order = compareValues(slot.text()!, constant);
    return Number.isNaN(order) ? FAILED : outcomeOf(holds(order));
  };
}

function equalText(slot: PropertySlot, text: string): Test {
  const bytes = comparableBytes(text);
  if (bytes === null) {
    return () => slot.isThere ? outcomeOf(slot.text() === text) : UNKNOWN;
  }
  return () => slot.isThere ? outcomeOf(slot.is(bytes)) : UNKNOWN;
}

/** A constant's value, its minus signs applied; undefined for anything else. Negated strings are nothing. */
function constantOf(expression: Expression): Value | undefined {
  if (expression.kind === "constant") return expression.value;
  if (expression.kind !== "negate") return undefined;
  const value = constantOf(expression.operand);
  return value === undefined ? undefined : negated(value);
}

function negated(value: Value): Value {
  if (value instanceof WholeNumber) return new WholeNumber(-value.value, value.isLong);
  return typeof value === "number" ? -value : null;
}

function compileOperand(expression: Expression, slotOf: SlotOf): Operand {
  if (expression.kind === "property") {
    const slot = slotOf(expression.name);
    return () => slot.text();
  }
  if (expression.kind === "constant") return () => expression.value;
  if (expression.kind === "negate") {
    const operand = compileOperand(expression.operand, slotOf);
    return () => {
      const value = operand();
      return value === FAILED_VALUE ? value : negated(value);
    };
  }
  const test = compileCondition(expression, slotOf);
  return () => {
    const outcome = test();
    return outcome === FAILED ? FAILED_VALUE : outcome === UNKNOWN ? null : outcome === TRUE;
  };
}

function equality(left: Operand, right: Operand): Test {
  return () => {
    const one = left();
    if (one === FAILED_VALUE) return FAILED;
    const other = right();
    if (other === FAILED_VALUE) return FAILED;
    if (one === null) return other === null ? TRUE : UNKNOWN;
    if (other === null) return FALSE;
    return decide(compareValues(one, other), HOLDS["="]);
  };
}

function ordering(left: Operand, right: Operand, holds: (order: number) => boolean): Test {
  return () => {
    const one = left();
    if (one === null) return UNKNOWN;
    if (one === FAILED_VALUE) return FAILED;
    const other = right();
    if (other === null) return UNKNOWN;
    if (other === FAILED_VALUE) return FAILED;
    const bothTexts = typeof one === "string" && typeof other === "string";
    return decide(bothTexts ? compareAsDoubles(one, other) : compareValues(one, other), holds);
  };
}

/** Two strings are put in order as the numbers that they spell. */
function compareAsDoubles(left: string, right: string): number {
  const one = parseDouble(left);
  const other = parseDouble(right);
  return one === null || other === null ? UNCOMPARABLE : compareDoubles(one, other);
}

function decide(order: number, holds: (order: number) => boolean): Outcome {
  return Number.isNaN(order) ? FAILED : outcomeOf(holds(order));
}

function compileIn(slot: PropertySlot, texts: readonly string[], isNegated: boolean): Test {
  const encoded = texts.map(comparableBytes);
  const plain = encoded.filter((bytes) => bytes !== null);
  const found = outcomeOf(!isNegated);
  const missing = outcomeOf(isNegated);
  if (plain.length < texts.length) {
    const known = new Set(texts);
    return () => !slot.isThere ? UNKNOWN : known.has(slot.text()!) ? found : missing;
  }
  return () => {
    if (!slot.isThere) return UNKNOWN;
    for (let index = 0; index < plain.length; index++) {
      if (slot.is(plain[index]!)) return found;
    }
    return missing;
  };
}

const SLOT_MATCHES: Readonly<
  Record<TextMatch, (slot: PropertySlot, text: Uint8Array) => boolean>
> = {
  CONTAINS: (slot, text) => slot.contains(text),
  STARTSWITH: (slot, text) => slot.startsWith(text),
  ENDSWITH: (slot, text) => slot.endsWith(text),
};
const TEXT_MATCHES: Readonly<Record<TextMatch, (text: string, search: string) => boolean>> = {
  CONTAINS: (text, search) => text.includes(search),
  STARTSWITH: (text, search) => text.startsWith(search),
  ENDSWITH: (text, search) => text.endsWith(search),
};

/** Never unknown: without a string to search both a match and its NOT form are false. */
function compileText(
  { match, operand, search, negated }: Extract<Condition, { kind: "text" }>,
  slotOf: SlotOf,
): Test {
  if (search === "") return () => FALSE;
  const bytes = comparableBytes(search);
  if (operand.kind === "property" && bytes !== null) {
    const slot = slotOf(operand.name);
    const matches = SLOT_MATCHES[match];
    return () => slot.isThere ? outcomeOf(matches(slot, bytes) !== negated) : FALSE;
  }
  const value = compileOperand(operand, slotOf);
  const matches = TEXT_MATCHES[match];
  return () => {
    const text = value();
    if (text === FAILED_VALUE) return FAILED;
    return typeof text === "string" ? outcomeOf(matches(text, search) !== negated) : FALSE;
  };
}
