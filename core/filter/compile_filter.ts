// A message filter compiled once and then run over the encoded properties of many messages: SQL92 as Apache has it.
// Per message one pass over the properties and no allocation for the common forms (Java: SqlFilter).
import type { Buffer } from "node:buffer";
import { assert } from "../errors.ts";
import { PropertyScanner } from "../message/property_scan.ts";
import { compileCondition } from "./conditions.ts";
import type { Condition } from "./expression.ts";
import { TRUE } from "./outcomes.ts";
import { parseFilter } from "./parser.ts";
import type { PropertySource } from "./property_slot.ts";
import { PropertySlot } from "./property_slot.ts";
import { FilterSyntaxError } from "./syntax_error.ts";

/** A filter ready to run. It keeps state while it runs, so it belongs to one event loop. */
export interface MessageFilter {
  /** Whether a message with these properties (name \x01 value \x02 …, UTF-8) is one that the filter lets through. */
  matches(bytes: Buffer, start: number, end: number): boolean;
}

export type CompiledFilter =
  | { filter: MessageFilter }
  /** `error` is what clients are told, in Apache's words; `position` where in the text, when that is known. */
  | { error: string; position: { line: number; column: number } | null };

/** Names that one scanner looks for. */
const SCANNER_NAMES_MAX = 32;

/** Compiles a filter's text; a text that is none gives the refusal for the client. */
export function compileFilter(text: string): CompiledFilter {
  try {
    return { filter: filterOf(parseFilter(text)) };
  } catch (error) {
    if (!(error instanceof FilterSyntaxError)) throw error;
    return { error: error.message, position: error.position };
  }
}

function filterOf(condition: Condition): MessageFilter {
  const source: PropertySource = { bytes: null };
  const slots = slotsOf(condition, source);
  const scanners = [...new Set([...slots.values()].map(({ scanner }) => scanner))];
  const test = compileCondition(condition, (name) => {
    const slot = slots.get(name);
    assert(slot !== undefined, "every property of a filter has its slot");
    return slot;
  });
  return {
    matches(bytes, start, end) {
      source.bytes = bytes;
      for (const scanner of scanners) scanner.scan(bytes, start, end);
      return test() === TRUE;
    },
  };
}

function slotsOf(condition: Condition, source: PropertySource): Map<string, PropertySlot> {
  const names = [...namesOf(condition)];
  const slots = new Map<string, PropertySlot>();
  for (let first = 0; first < names.length; first += SCANNER_NAMES_MAX) {
    const scanner = new PropertyScanner(names.slice(first, first + SCANNER_NAMES_MAX));
    scanner.names.forEach((name, index) => {
      slots.set(name, new PropertySlot(source, scanner, index));
    });
  }
  return slots;
}

/** The names of the properties that a tree asks for. */
function namesOf(condition: Condition): Set<string> {
  const names = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if ("name" in node && typeof node.name === "string") names.add(node.name);
    for (const part of ["left", "right", "operand"]) visit((node as Record<string, unknown>)[part]);
  };
  visit(condition);
  return names;
}
