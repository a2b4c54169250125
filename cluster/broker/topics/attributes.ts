// Attributes of topics and groups: which exist, which values they take, and how "+key=value,-key" alters them.
// Pure; the texts of refusals are Apache's, since its tools print them (Java: AttributeUtil, AttributeParser).
import { OperationError } from "../../../core/errors.ts";

export interface Attribute {
  changeable: boolean;
  /** Null when the value is taken, otherwise the refusal. */
  problem: (value: string) => string | null;
}

export type AttributeTable = ReadonlyMap<string, Attribute>;

const INTEGER = /^[+-]?\d{1,19}$/;
const LONG_MAX = 9223372036854775807n;

/** `listed` is the set as Java prints it. */
function oneOf(listed: string): (value: string) => string | null {
  const values = new Set(listed.split(", "));
  return (value) => values.has(value) ? null : `value is not in set: [${listed}]`;
}

function longBetween(min: bigint, max: bigint): (value: string) => string | null {
  return (value) => {
    if (!INTEGER.test(value)) return `For input string: "${value}"`;
    const number = BigInt(value.replace(/^\+/, ""));
    return number < min || number > max ? `value is not in range(${min}, ${max})` : null;
  };
}

export const MESSAGE_TYPE = "message.type";
export const RESERVE_TIME = "reserve.time";

export const TOPIC_ATTRIBUTES: AttributeTable = new Map([
  ["queue.type", { changeable: false, problem: oneOf("SimpleCQ, BatchCQ") }],
  ["cleanup.policy", { changeable: false, problem: oneOf("DELETE, COMPACTION") }],
  [MESSAGE_TYPE, {
    changeable: true,
    problem: oneOf("UNSPECIFIED, MIXED, TRANSACTION, PRIORITY, FIFO, DELAY, NORMAL"),
  }],
  [RESERVE_TIME, { changeable: true, problem: longBetween(-1n, LONG_MAX) }],
]);

export const GROUP_ATTRIBUTES: AttributeTable = new Map([
  ["priority.factor", { changeable: true, problem: longBetween(0n, 100n) }],
]);

/** The map of "+a=b,-c": keys keep their sign. Throws OperationError in Apache's words. */
export function parseAttributeChange(text: string): Record<string, string> {
  const changes: Record<string, string> = {};
  const asked = text.replace(/,+$/, "");
  if (asked === "") return changes;
  for (const part of asked.split(",")) {
    const [key = "", value] = part.split("=");
    if (part.includes("=")) {
      if (!key.includes("+")) throw refused(`add/alter attribute format is wrong: ${key}`);
      if (value === undefined || value === "") throw refused("Index 1 out of bounds for length 1");
    } else if (!key.includes("-")) {
      throw refused(`delete attribute format is wrong: ${key}`);
    }
    if (Object.hasOwn(changes, key)) throw refused(`key duplication: ${key}`);
    changes[key] = value ?? "";
  }
  return changes;
}

/** The attributes after a change. Throws OperationError with Apache's text, and then nothing has changed. */
export function alterAttributes(
  table: AttributeTable,
  isNew: boolean,
  current: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string>>,
): Record<string, string> {
  const altered = { ...current };
  const seen = new Set<string>();
  for (const signed of Object.keys(changes)) {
    const name = signed.slice(1);
    if (name === "" || name.includes("+") || name.includes("-")) {
      throw refused("kv string format wrong.");
    }
    if (seen.has(name)) throw refused(`alter duplication key. key: ${name}`);
    seen.add(name);
    const adds = signed.startsWith("+");
    if (isNew && !adds) {
      throw refused(`only add attribute is supported while creating topic. key: ${name}`);
    }
    if (!adds && !signed.startsWith("-")) throw refused(`wrong format key: ${name}`);
    if (!adds && !Object.hasOwn(current, name)) {
      throw refused(`attempt to delete a nonexistent key: ${name}`);
    }
  }
  for (const [signed, value] of Object.entries(changes)) {
    applyChange(table, isNew, altered, signed, value);
  }
  return altered;
}

function applyChange(
  table: AttributeTable,
  isNew: boolean,
  altered: Record<string, string>,
  signed: string,
  value: string,
): void {
  const name = signed.slice(1);
  const attribute = table.get(name);
  if (attribute === undefined) throw refused(`unsupported key: ${name}`);
  if (!isNew && !attribute.changeable) {
    throw refused(`attempt to update an unchangeable attribute. key: ${name}`);
  }
  if (signed.startsWith("-")) {
    delete altered[name];
    return;
  }
  const problem = attribute.problem(value);
  if (problem !== null) throw refused(problem);
  altered[name] = value;
}

function refused(text: string): OperationError {
  return new OperationError(text);
}
