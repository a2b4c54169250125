// Micro benches of SQL92 filters: what one message's properties cost, compiled once. The promise is a microsecond.
import { Buffer } from "node:buffer";
import { compileFilter, type MessageFilter } from "../../core/filter/compile_filter.ts";
import { encodeProperties } from "../../core/message/properties.ts";
import { type Body, keep, type MicroBench } from "./harness.ts";

/** Those of a message with a few of its own, as it lies in the log. */
const PROPERTIES = encodeProperties([
  ["region", "eu-west"],
  ["price", "42"],
  ["quantity", "7"],
  ["express", "true"],
  ["KEYS", "order-000123"],
  ["TAGS", "TagA"],
  ["UNIQ_KEY", "7F000001000018B4AAC27D3C2F160000"],
  ["WAIT", "true"],
]);

function compiled(text: string): MessageFilter {
  const filter = compileFilter(text);
  if (!("filter" in filter)) throw new Error(`${text}: not a condition`);
  return filter.filter;
}

function decide(text: string): Body {
  const filter = compiled(text);
  const bytes = Buffer.from(PROPERTIES);
  return (count) => {
    for (let done = 0; done < count; done++) {
      if (!filter.matches(bytes, 0, bytes.length)) throw new Error(`${text} holds`);
    }
    keep(bytes.length);
  };
}

export const FILTERS: readonly MicroBench[] = [
  { name: "filter: one comparison of numbers", open: () => decide("price > 10") },
  {
    name: "filter: seven conditions on five properties",
    open: () =>
      decide(
        "region IN ('us-east', 'eu-west') AND price BETWEEN 10 AND 100 AND quantity >= 5 " +
          "AND express = TRUE AND TAGS = 'TagA' AND absent IS NULL AND NOT (quantity > 100)",
      ),
  },
];
