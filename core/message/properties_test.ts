// Properties: Java's reading of odd texts, the recorded ones there and back, and the byte scanner beside the parser.
import { Buffer } from "node:buffer";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fixtureJson } from "../../testdata/fixtures.ts";
import { encodeProperties, formatProperties, parseProperties } from "./properties.ts";
import { PROPERTY } from "./property_names.ts";
import { PropertyScanner } from "./property_scan.ts";
import vectors from "./testdata/java_vectors.json" with { type: "json" };

/** Texts made of what matters: separators, known names, odd values. */
const anyText = fc.array(
  fc.constantFrom("\x01", "\x02", "\x01", "\x02", "UNIQ_KEY", "KEYS", "TAGS", "a", "ü", "", "x y"),
  { maxLength: 24 },
).map((parts) => parts.join(""));

describe("properties", () => {
  test("are read as MessageDecoder reads them", () => {
    for (const { text, properties } of vectors.properties) {
      const read = [...parseProperties(text)].sort(([a], [b]) => a < b ? -1 : 1);
      expect([text, read]).toEqual([text, properties as [string, string][]]);
      expect(parseProperties(Buffer.from(text))).toEqual(parseProperties(text));
    }
  });

  test("are written with every entry ended", () => {
    expect(formatProperties([["a", "1"], ["b", ""]])).toBe("a\x011\x02b\x01\x02");
    expect(encodeProperties(new Map([["ü", "é"]])).toString()).toBe("ü\x01é\x02");
  });

  test("come back from their text when no part is empty or holds a separator", () => {
    const part = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) =>
      !text.includes("\x01") && !text.includes("\x02")
    );
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(part, part), { selector: ([a]) => a }), (list) => {
        expect([...parseProperties(encodeProperties(list))]).toEqual(list);
        expect([...parseProperties(formatProperties(list).slice(0, -1))]).toEqual(list);
      }),
    );
  });

  test("have the names of MessageConst, every one", () => {
    const { constants } = fixtureJson<{ constants: Record<string, Record<string, string>> }>(
      "api/java-5.4.0.json",
    );
    const java = Object.entries(constants["org.apache.rocketmq.common.message.MessageConst"]!)
      .filter(([name]) =>
        !/^INDEX_|^KEY_SEPARATOR$|_PREFIX$|^TIMER_ENGINE_(FILE|ROCKSDB)/.test(name)
      )
      .map(([, value]) => value);
    expect(Object.values<string>(PROPERTY).sort()).toEqual(java.sort());
  });
});

describe("the scanner", () => {
  const names = ["UNIQ_KEY", "KEYS", "TAGS"];

  test("finds what the parser finds, for any text", () => {
    const scanner = new PropertyScanner(names);
    fc.assert(fc.property(anyText, fc.nat(5), (text, shift) => {
      const bytes = Buffer.from("\x02".repeat(shift) + text + "\x01tail");
      const end = bytes.length - 5;
      scanner.scan(bytes, shift, end);
      const parsed = parseProperties(text);
      names.forEach((name, index) => {
        expect([name, scanner.text(bytes, index)]).toEqual([name, parsed.get(name) ?? null]);
        expect(scanner.has(index)).toBe(parsed.has(name));
      });
    }));
  });

  test("copies everything but the dropped names, and knows where the values went", () => {
    const scanner = new PropertyScanner([...names, "a"], ["TAGS"]);
    fc.assert(fc.property(anyText, fc.nat(9), fc.nat(9), (text, from, to) => {
      const source = Buffer.from("-".repeat(from) + text);
      const target = Buffer.alloc(source.length + to + 1, "-");
      const end = scanner.copy(source, from, source.length, target, to);
      const copied = target.toString("utf8", to, end);
      expect(end).toBeLessThanOrEqual(to + source.length - from + 1);
      expect(copied === "" || copied.endsWith("\x02")).toBe(true);
      const expected = parseProperties(text);
      expected.delete("TAGS");
      expect(parseProperties(copied)).toEqual(expected);
      for (const name of scanner.names) {
        const value = scanner.text(target, scanner.indexOf(name));
        expect([name, value]).toEqual([name, expected.get(name) ?? null]);
      }
      expect(target.toString("utf8", 0, to)).toBe("-".repeat(to));
    }));
  });

  test("tells apart names whose hashes are alike", () => {
    // "Aa" and "BB" have one hash in Java.
    const scanner = new PropertyScanner(["Aa", "BB", "AaBB"]);
    const bytes = Buffer.from("BBAa\x01no\x02BB\x01two\x02Aa\x01one\x02");
    scanner.scan(bytes, 0, bytes.length);
    expect([0, 1, 2].map((index) => scanner.text(bytes, index))).toEqual(["one", "two", null]);
  });

  test("forgets the message before", () => {
    const scanner = new PropertyScanner(names);
    const bytes = Buffer.from("KEYS\x01k\x02");
    scanner.scan(bytes, 0, bytes.length);
    expect(scanner.has(1)).toBe(true);
    scanner.scan(bytes, 0, 0);
    expect(scanner.has(1)).toBe(false);
  });
});
