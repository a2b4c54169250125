import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  formatProperty,
  lastValues,
  parseProperties,
  PROPERTIES_COUNT_MAX,
  PROPERTIES_FILE_BYTES_MAX,
  PROPERTY_CHARACTERS_MAX,
  replaceProperties,
} from "./properties_file.ts";

const parse = (text: string) => parseProperties(Buffer.from(text, "latin1"));
const pairs = (text: string) =>
  parse(text).properties.map(({ name, value, line }) => [name, value, line]);

describe("a properties file", () => {
  test("takes =, : and blanks between name and value", () => {
    expect(pairs("a=1\nb: 2\nc 3\nd = 4\ne\t:\t5\nf")).toEqual([
      ["a", "1", 1],
      ["b", "2", 2],
      ["c", "3", 3],
      ["d", "4", 4],
      ["e", "5", 5],
      ["f", "", 6],
    ]);
  });

  test("skips blank lines and comments, and keeps the line numbers", () => {
    expect(pairs("\n  # one\r\n! two\r\r\t\n  a = 1 # not a comment\n")).toEqual([
      ["a", "1 # not a comment", 6],
    ]);
  });

  test("joins a line that ends in a backslash with the next one, without its leading blanks", () => {
    expect(pairs("a = 1;\\\n    2;\\\r\n\t3\nb=4")).toEqual([["a", "1;2;3", 1], ["b", "4", 4]]);
    expect(pairs("na\\\n  me=1")).toEqual([["name", "1", 1]]);
    expect(pairs("a\\\n=1")).toEqual([["a", "1", 1]]);
    expect(pairs("a=1\\\n\nb=2")).toEqual([["a", "1", 1], ["b", "2", 3]]);
    expect(pairs("a=1\\")).toEqual([["a", "1", 1]]);
    expect(pairs("a=1\\\\\nb=2")).toEqual([["a", "1\\", 1], ["b", "2", 2]]);
    expect(pairs("a \\\n b")).toEqual([["a", "b", 1]]);
    expect(pairs("\\\n# comment\n\\\na=1")).toEqual([["a", "1", 4]]);
  });

  test("doesn't take a comment sign for one inside a continued value", () => {
    expect(pairs("a=1\\\n#2")).toEqual([["a", "1#2", 1]]);
  });

  test("reads escapes in names and values", () => {
    expect(pairs("a\\ b\\=c=\\t\\n\\r\\f\\\\\\u0041\\u00e9\\q")).toEqual([
      ["a b=c", "\t\n\r\f\\A\u00e9q", 1],
    ]);
  });

  test("keeps blanks at the end of a value, as Java does", () => {
    expect(pairs("a=1  ")).toEqual([["a", "1  ", 1]]);
  });

  test("reads bytes as Latin-1", () => {
    expect(pairs("a=\xe9")).toEqual([["a", "\u00e9", 1]]);
  });

  test("names the line of a malformed escape, and reads the rest", () => {
    const { properties, problems } = parse("a=1\nb=\\u12x4\nc=3");
    expect(problems).toEqual([{ line: 2, text: "\\u must be followed by four hex digits" }]);
    expect(lastValues(properties).get("c")).toBe("3");
  });

  test("keeps duplicates in order, and the last one counts", () => {
    expect(pairs("a=1\na=2")).toEqual([["a", "1", 1], ["a", "2", 2]]);
    expect([...lastValues(parse("a=1\na=2").properties)]).toEqual([["a", "2"]]);
  });

  test("is refused when too large, too long a line or too many keys", () => {
    const huge = parseProperties(Buffer.alloc(PROPERTIES_FILE_BYTES_MAX + 1, "#"));
    expect(huge.problems[0]?.text).toBe("larger than 1048576 bytes");
    const long = parse("a=" + "x".repeat(PROPERTY_CHARACTERS_MAX) + "\nb=1");
    expect(long.problems[0]?.text).toBe("longer than 65536 characters");
    const many = parse("a=1\n".repeat(PROPERTIES_COUNT_MAX + 5));
    expect(many.problems[0]?.text).toBe("more than 10000 keys");
  });

  test("never fails on any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const { start, end } of parseProperties(bytes).properties) {
        expect(start).toBeLessThanOrEqual(end);
        expect(end).toBeLessThanOrEqual(bytes.length);
      }
    }));
  });

  test("gives back any name and value that was formatted", () => {
    const texts = fc.string({ unit: "binary" }).map((text) => text.replace(/[\ud800-\udfff]/g, ""));
    fc.assert(fc.property(texts, texts, (name, value) => {
      fc.pre(name !== "");
      const [first] = parse(formatProperty(name, value)).properties;
      expect([first?.name, first?.value]).toEqual([name, value]);
    }));
  });
});

describe("replacing properties", () => {
  const replace = (text: string, changes: Record<string, string>) =>
    Buffer.from(
      replaceProperties(Buffer.from(text, "latin1"), new Map(Object.entries(changes))),
    ).toString("latin1");

  test("changes a value where it stands and leaves every other line alone", () => {
    expect(replace("# mine\r\na = 1\r\nb=\\\n 2\nc=3\xe9", { b: "4", a: "5" }))
      .toBe("# mine\r\na=5\r\nb=4\nc=3\xe9");
  });

  test("adds what is missing at the end", () => {
    expect(replace("a=1", { b: "2" })).toBe("a=1\nb=2\n");
    expect(replace("", { b: "2" })).toBe("b=2\n");
  });

  test("changes the last of several, which is the one that counts", () => {
    expect(replace("a=1\na=2\n", { a: "3" })).toBe("a=1\na=3\n");
  });

  test("can't be used to smuggle in another key", () => {
    expect(pairs(replace("a=1\n", { a: "2\nb=3" }))).toEqual([["a", "2\nb=3", 1]]);
  });

  test("gives a file that reads as the old one with the changes", () => {
    const values = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,3}$/),
      fc.string({ unit: "grapheme-ascii" }),
    );
    fc.assert(fc.property(values, values, (old, changes) => {
      const text = Object.entries(old).map(([name, value]) => formatProperty(name, value)).join(
        "\n",
      );
      const changed = lastValues(parse(replace(text, changes)).properties);
      expect(Object.fromEntries(changed)).toEqual({ ...old, ...changes });
    }));
  });
});
