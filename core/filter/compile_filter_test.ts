// Filters against what Apache's own filter module gave for the same texts and properties, and the rules that people meet.
import { Buffer } from "node:buffer";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { compileFilter } from "./compile_filter.ts";

/** A text with its refusal ("" where Apache's words depend on a hash table's order), or with outcomes by property set. */
type Case = [text: string, refusal: string] | [text: string, sets: number[], outcomes: string];

const { properties, cases } = JSON.parse(
  gunzipSync(readFileSync(new URL("./testdata/vectors.json.gz", import.meta.url).pathname))
    .toString("utf8"),
) as { properties: string[]; cases: Case[] };
/** What the tests of Apache's filter module filter, each once: text, properties, what its code gives, null a refusal. */
const moduleCases = JSON.parse(
  readFileSync(new URL("./testdata/filter_module.json", import.meta.url).pathname, "utf8"),
) as [text: string, set: Record<string, string>, outcome: boolean | null][];
const encoded = properties.map((set) => Buffer.from(set, "utf8"));

function encode(set: Record<string, string>): Buffer {
  return Buffer.from(
    Object.entries(set).map(([name, value]) => `${name}\x01${value}\x02`).join(""),
    "utf8",
  );
}

function matches(text: string, set: Record<string, string>): boolean {
  const compiled = compileFilter(text);
  if ("error" in compiled) throw new Error(compiled.error);
  const bytes = encode(set);
  return compiled.filter.matches(bytes, 0, bytes.length);
}

function refusalOf(text: string): string {
  const compiled = compileFilter(text);
  return "error" in compiled ? compiled.error : "";
}

describe("recorded filters", () => {
  test("let the same messages through as Apache's", () => {
    for (const recorded of cases) {
      if (recorded.length !== 3) continue;
      const [text, sets, outcomes] = recorded;
      const compiled = compileFilter(text);
      if ("error" in compiled) throw new Error(`${text}: ${compiled.error}`);
      const ours = sets.map((set) =>
        compiled.filter.matches(encoded[set]!, 0, encoded[set]!.length)
      );
      expect([text, ours]).toEqual([text, [...outcomes].map((outcome) => outcome === "T")]);
    }
  });

  test("are refused in Apache's words where Apache refuses them", () => {
    for (const recorded of cases) {
      if (recorded.length !== 2) continue;
      const [text, refusal] = recorded;
      const ours = refusalOf(text);
      expect(ours, text).not.toBe("");
      if (refusal !== "") expect([text, ours]).toEqual([text, refusal]);
    }
  });
});

test("every case of the tests of Apache's filter module has the outcome that Apache's code gives", () => {
  for (const [text, set, outcome] of moduleCases) {
    const ours = "error" in compileFilter(text) ? null : matches(text, set);
    expect([text, set, ours]).toEqual([text, set, outcome]);
  }
});

describe("a filter", () => {
  test.each([
    ["a > 5", { a: "6" }, true],
    ["a > 5", { a: "5" }, false],
    ["a > 5", {}, false],
    ["NOT a > 5", { a: "5" }, null],
    ["NOT (a > 5)", { a: "5" }, true],
    ["NOT (a > 5)", {}, false],
    ["a IS NULL OR a = 'x'", {}, true],
    ["a IS NOT NULL AND a <> 'x'", { a: "y" }, true],
    ["a BETWEEN 2 AND 10", { a: "10" }, true],
    ["a NOT BETWEEN 2 AND 10", { a: "10" }, false],
    ["a IN ('x', 'it''s')", { a: "it's" }, true],
    ["a NOT IN ('x')", {}, false],
    ["a CONTAINS 'b' AND a STARTSWITH 'a' AND a ENDSWITH 'c'", { a: "abc" }, true],
    ["a NOT CONTAINS 'b'", {}, false],
    ["a = TRUE", { a: "true" }, true],
    ["a = FALSE", { a: "anything" }, true],
    ["a = 中", { a: "1" }, null],
    ["a = '中文'", { a: "中文" }, true],
    ["a > b", { a: "10", b: "9.5" }, true],
    ["a CONTAINS ''", { a: "axb" }, false],
    ["a NOT CONTAINS ''", { a: "axb" }, false],
    ["a STARTSWITH ''", { a: "axb" }, false],
    ["a NOT ENDSWITH ''", { a: "axb" }, false],
    ["a CONTAINS x", { a: "axb" }, null],
    ["a NOT CONTAINS 123", { a: "axb" }, null],
    ["'axb' CONTAINS", {}, null],
    ["'axb' STARTSWITH 'ax'", {}, true],
    ["'axb' NOT ENDSWITH 'u'", {}, true],
    ["'axb' CONTAINS '.'", {}, false],
    ["' ' CONTAINS ' '", {}, true],
    ["'s' STARTSWITH '\\\\'", {}, false],
    ["a BETWEEN up AND low", { a: "3.14" }, false],
    ["a BETWEEN 10 AND 0", { a: "5" }, null],
    ["a AND BETWEEN 2 AND 10", { a: "5" }, null],
    ["a > 100000000000000000000000", { a: "1" }, null],
    ["a > 3.1E10", { a: "31415000000" }, true],
    ["a = b AND a <> c", { a: "x", b: "x", c: "y" }, true],
  ])("%p on %p gives %p", (text, set, expected) => {
    if (expected === null) expect(refusalOf(text)).not.toBe("");
    else expect(matches(text, set as Record<string, string>)).toBe(expected);
  });

  test("reads a property as the kind of number that it is compared with, and else fails the message", () => {
    expect(matches("a < 5", { a: "3.5" })).toBe(false);
    expect(matches("NOT (a > 5)", { a: "3.5" })).toBe(false);
    expect(matches("a < 5.5", { a: "3.5" })).toBe(true);
    expect(matches("a > 5", { a: "3000000000" })).toBe(false);
    expect(matches("a > 2147483648", { a: "3000000000" })).toBe(true);
    expect(matches("a > 9007199254740992", { a: "9007199254740993" })).toBe(true);
  });

  test("says where its text is wrong", () => {
    const compiled = compileFilter("a = 1 AND\n  b > > 2");
    expect(compiled).toMatchObject({ position: { line: 2, column: 7 } });
    expect(refusalOf("a ? 1")).toContain("Lexical error at line 1, column 3.");
  });

  test("may ask for more properties than fit one scanner", () => {
    const names = Array.from({ length: 100 }, (_, index) => `p${index}`);
    const text = names.map((name) => `${name} = 'x'`).join(" AND ");
    const set = Object.fromEntries(names.map((name) => [name, "x"]));
    expect(matches(text, set)).toBe(true);
    expect(matches(text, { ...set, p77: "y" })).toBe(false);
  });

  test("that is nested without end is refused", () => {
    expect(refusalOf("(".repeat(100_000))).not.toBe("");
    expect(refusalOf(`${"NOT ".repeat(100_000)}a`)).not.toBe("");
    expect(refusalOf(Array.from({ length: 1500 }, () => "a = 1").join(" OR "))).toBe("");
    expect(refusalOf(Array.from({ length: 5000 }, () => "a = 1").join(" OR "))).not.toBe("");
  });

  test("is compiled or refused, whatever the text", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const compiled = compileFilter(text);
      expect("filter" in compiled || compiled.error !== "").toBe(true);
    }));
  });

  test("never fails on properties, whatever their bytes", () => {
    const compiled = compileFilter(
      "a > 1 OR b < 2.5 OR a CONTAINS 'x' OR b IN ('1', '2') OR a > b",
    );
    if ("error" in compiled) throw new Error(compiled.error);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      expect(typeof compiled.filter.matches(Buffer.from(bytes), 0, bytes.length)).toBe("boolean");
    }));
  });

  test("compares doubles as decimal fractions are read", () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const shown = String(value);
      expect(matches("a >= b AND a <= b", { a: shown, b: shown })).toBe(true);
    }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 ** 9 }),
        fc.integer({ min: 0, max: 9 }),
        (digits, scale) => {
          const fraction = (digits / 10 ** scale).toFixed(scale);
          const constant = scale === 0 ? `${fraction}.0` : fraction;
          expect(matches(`a = ${constant}`, { a: fraction })).toBe(true);
        },
      ),
    );
  });

  test("orders whole numbers as numbers", () => {
    const whole = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(fc.property(whole, whole, (left, right) => {
      const constant = right < 0n ? `-${-right}` : String(right);
      fc.pre(right !== -(2n ** 63n));
      const isSmall = right >= -(2n ** 31n) && right < 2n ** 31n;
      const fits = !isSmall || (left >= -(2n ** 31n) && left < 2n ** 31n);
      expect(matches(`a > ${constant}`, { a: String(left) })).toBe(fits && left > right);
    }));
  });
});
