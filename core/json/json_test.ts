import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { fixtureLines, fixturePath } from "../../testdata/fixtures.ts";
import { DecodeError } from "../errors.ts";
import { JSON_CHARS_MAX, JSON_DEPTH_MAX } from "./json_limits.ts";
import {
  JsonDouble,
  type JsonObject,
  type JsonValue,
  LenientMap,
  mapEntries,
} from "./json_value.ts";
import { writeJson } from "./json_writer.ts";
import { parseLenientJson, parseLenientJsonBytes } from "./lenient_reader.ts";

interface RecordedLine {
  bodyUtf8?: string;
  bodyTruncated?: boolean;
}

function recordedBodies(file: string): string[] {
  return fixtureLines<RecordedLine>(file)
    .filter((line) => !line.bodyTruncated && /^[{[]/.test(line.bodyUtf8 ?? ""))
    .map((line) => line.bodyUtf8!);
}

function problemOf(text: string): string {
  try {
    parseLenientJson(text);
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  return "none";
}

describe("the JSON that Apache's peers write", () => {
  const bodies = ["adminCalls", "topicSetup", "pushOrderly", "broker-namesrv"]
    .flatMap((name) => recordedBodies(`wire/json/${name}.jsonl`));

  test("reads: every recorded body, bare and object keys among them", () => {
    expect(bodies.length).toBeGreaterThan(250);
    expect(bodies.filter((body) => /\{\d/.test(body)).length).toBeGreaterThan(5);
    expect(bodies.filter((body) => body.includes("{{")).length).toBeGreaterThan(5);
    for (const body of bodies) expect(typeof parseLenientJson(body)).toBe("object");
  });

  test("is written back byte for byte, where no key was a bare number and no double was whole", () => {
    let written = 0;
    for (const body of bodies) {
      if (/[{,]\d+:/.test(body) || /\.0[,}]/.test(body)) continue;
      expect(writeJson(parseLenientJson(body))).toBe(body);
      written++;
    }
    expect(written).toBeGreaterThan(200);
  });

  test("has maps with object keys, as in the offsets that a broadcasting client keeps", () => {
    const text = readFileSync(fixturePath("client-offsets/broadcast-offsets.json"), "utf8");
    const { offsetTable } = parseLenientJson(text) as JsonObject;
    expect(mapEntries(offsetTable as LenientMap)).toEqual([
      [{ brokerName: "broker-fx", queueId: 0, topic: "TopicBroadcast" }, 2],
      [{ brokerName: "broker-fx", queueId: 1, topic: "TopicBroadcast" }, 2],
    ]);
  });

  test("has maps with bare integer keys, which read as strings", () => {
    const value = parseLenientJson('{"brokerAddrs":{0:"127.0.0.1:10911",1:"127.0.0.1:10921"}}');
    expect(value).toEqual({ brokerAddrs: { "0": "127.0.0.1:10911", "1": "127.0.0.1:10921" } });
  });

  test("reads the same from bytes", () => {
    expect(parseLenientJsonBytes(new TextEncoder().encode('{"é":1}'))).toEqual({ "é": 1 });
  });
});

describe("what fastjson takes beyond the standard", () => {
  test.each<[string, JsonValue]>([
    ["{'a':'it\\'s'}", { a: "it's" }],
    ["{a:1,$b_c-d.e:2}", { a: 1, "$b_c-d.e": 2 }],
    ["{'a':1,}", { a: 1 }],
    ["{a:1,,b:2}", { a: 1, b: 2 }],
    ["[1,2,]", [1, 2]],
    ["[,]", []],
    ["{,}", {}],
    ["[NaN,-Infinity,Infinity,undefined,null]", [NaN, -Infinity, Infinity, null, null]],
    ["[1L,2S,3B,4F,5D,.5,+6,007,-1e2]", [1, 2, 3, 4, 5, 0.5, 6, 7, -100]],
    ['["\\x41\\v\\0\\7\\/"]', ["A\v\0\x07/"]],
    ["/* c */ [ // d\n 1 /**/ ] // e", [1]],
    ["\ufeff{'a':1}", { a: 1 }],
    ["{true:1,null:2,-1:3,1.5:4}", { true: 1, null: 2, "-1": 3, "1.5": 4 }],
    ["{'a':1,'a':2}", { a: 2 }],
    ["{'a\tb':\"c\nd\"}", { "a\tb": "c\nd" }],
  ])("%s", (text, value) => {
    expect(parseLenientJson(text)).toEqual(value);
  });

  test("keeps all digits of long numbers", () => {
    expect(parseLenientJson("[9223372036854775807,-9223372036854775808,9007199254740991]"))
      .toEqual([9223372036854775807n, -9223372036854775808n, 9007199254740991]);
    expect(parseLenientJson('{"a":12345678901234567.0}')).toEqual({ a: 12345678901234568 });
  });

  test("keeps a member named __proto__ a member", () => {
    for (const text of ['{"__proto__":{"x":1}}', "{'__proto__':{'x':1}}"]) {
      const value = parseLenientJson(text) as JsonObject;
      expect(Object.keys(value)).toEqual(["__proto__"]);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
  });

  test("keeps the keys of a map with an object key in their order, whatever they are", () => {
    const value = parseLenientJson("{{a:1}:2,'b':3,[4]:5}") as LenientMap;
    expect(value).toBeInstanceOf(LenientMap);
    expect(value.entries).toEqual([[{ a: 1 }, 2], ["b", 3], [[4], 5]]);
  });
});

describe("text that is no JSON", () => {
  test.each([
    ["", "json at 0: a value expected"],
    ["{", "json at 1: a key expected"],
    ["{a 1}", "json at 3: ':' expected"],
    ["{a:1 b:2}", "json at 5: ',' expected"],
    ["[1 2]", "json at 3: ',' expected"],
    ["[tru]", "json at 4: a value expected"],
    ["{a:1}{b:2}", "json at 5: the text goes on after its value"],
    ["'abc", "json at 4: a string without its closing quote"],
    ["['\\q']", "json at 3: an unknown escape"],
    ["['\\u12']", "json at 3: a broken escape"],
    ["[-]", "json at 2: a number expected"],
    ["[1/2]", "json at 2: a value expected"],
  ])("%s is refused with its position", (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  test("is refused when it nests too deep, standard or not", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(problemOf(nested(JSON_DEPTH_MAX))).toBe("none");
    expect(problemOf(nested(JSON_DEPTH_MAX + 1))).toContain(`deeper than ${JSON_DEPTH_MAX}`);
    expect(problemOf("{a:".repeat(1_000_000))).toContain(`deeper than ${JSON_DEPTH_MAX}`);
  });

  test("is refused when it or one of its numbers is too long", () => {
    expect(problemOf(" ".repeat(JSON_CHARS_MAX + 1))).toContain("longer than");
    expect(problemOf("9".repeat(100_000))).toContain("a number too long");
  });

  test("of random characters gives a value or a DecodeError, nothing else", () => {
    const char = fc.constantFrom(..."{}[]:,'\"\\/*ux01aN+-.eE \n\ud800");
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: char, maxLength: 30 }), fc.string()), (text) => {
        problemOf(text);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("writing", () => {
  test("equals JSON.stringify for standard values, and reads back the same", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      const text = writeJson(value as JsonValue);
      expect(text).toBe(JSON.stringify(value));
      // By their text: an integer beyond 2^53 comes back as a bigint.
      expect(writeJson(parseLenientJson(text))).toBe(text);
    }));
  });

  test("gives bare integer keys and object keys, as Apache's peers read them", () => {
    expect(writeJson(new LenientMap([[0, "ip:port"], [1, "x"]]))).toBe('{0:"ip:port",1:"x"}');
    expect(writeJson(new LenientMap([[{ queueId: 1, topic: "t" }, { offset: 5 }]])))
      .toBe('{{"queueId":1,"topic":"t"}:{"offset":5}}');
    expect(writeJson(new LenientMap([["a", 1]]))).toBe('{"a":1}');
  });

  test("reads back any map with any keys", () => {
    const scalar = fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean());
    const key = fc.oneof(
      fc.array(scalar, { maxLength: 3 }),
      fc.dictionary(fc.string({ minLength: 1 }), scalar, { noNullPrototype: true }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(key, scalar), { minLength: 1, maxLength: 4 }), (entries) => {
        const map = new LenientMap(entries as [JsonValue, JsonValue][]);
        const again = parseLenientJson(writeJson(map)) as LenientMap;
        expect(writeJson(again)).toBe(writeJson(map));
      }),
    );
  });

  test("keeps all digits of bigints, and leaves undefined members out", () => {
    expect(writeJson(9223372036854775807n)).toBe("9223372036854775807");
    expect(writeJson({ a: 1, b: undefined, c: null })).toBe('{"a":1,"c":null}');
    expect(writeJson([NaN, Infinity])).toBe("[null,null]");
  });

  test("gives doubles as Java does", () => {
    const pairs: [number, string][] = [
      [0, "0.0"],
      [-0, "-0.0"],
      [1, "1.0"],
      [4.1, "4.1"],
      [1e6, "1000000.0"],
      [1e7, "1.0E7"],
      [12345678.9, "1.23456789E7"],
      [0.001, "0.001"],
      [0.0005, "5.0E-4"],
      [1e300, "1.0E300"],
      [0.1 + 0.2, "0.30000000000000004"],
      [NaN, "null"],
    ];
    for (const [value, text] of pairs) expect(writeJson(new JsonDouble(value))).toBe(text);
  });
});
