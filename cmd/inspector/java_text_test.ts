import { describe, expect, test } from "bun:test";
import { LenientMap } from "../../core/json/json_value.ts";
import { fastjsonLine, fastjsonText } from "./fastjson_text.ts";
import {
  dayAndTimeMs,
  digitsOfTime,
  inHashMapOrder,
  javaDouble,
  mapText,
  permText,
  versionText,
} from "./java_text.ts";
import { printf } from "./printf.ts";

describe("values as Java prints them", () => {
  test("columns of all the kinds that Apache's tools use", () => {
    expect(printf("%-4s|%4s|%04d|%9.2f|%d%%", "a", "b", 7, 1.005, 3)).toBe(
      "a   |   b|0007|     1.00|3%",
    );
    expect(printf("%s %s %-3s|", null, true, "long")).toBe("null true long|");
    expect(printf("%d %.1f", undefined, NaN)).toBe("0 0.0");
  });

  test("properties stand in the order of a HashMap for 128, as mqadmin showed them", () => {
    const names = "UNIQ_KEY KEYS WAIT TAGS MSG_REGION TRACE_ON CLUSTER MIN_OFFSET MAX_OFFSET";
    const entries = names.split(" ").map((name) => [name, "x"] as const);
    expect(inHashMapOrder(entries, 128).map(([name]) => name)).toEqual(
      "MSG_REGION UNIQ_KEY CLUSTER MIN_OFFSET TAGS KEYS WAIT TRACE_ON MAX_OFFSET".split(" "),
    );
    expect(mapText([["a", "1"], ["b", "2"]])).toBe("{a=1, b=2}");
  });

  test("versions have the names of MQVersion", () => {
    const names = new Map([
      [0, "V3_0_0_SNAPSHOT"],
      [15, "V3_0_0_FINAL"],
      [16, "V3_0_1_SNAPSHOT"],
      [493, "V5_4_0"],
      [611, "V5_9_9"],
      [100_000, "HIGHER_VERSION"],
    ]);
    for (const [number, name] of names) expect(versionText(number)).toBe(name);
  });

  test("times are local, with milliseconds after a comma", () => {
    const ms = new Date(2026, 10, 21, 8, 5, 49, 19).getTime();
    expect(dayAndTimeMs(ms)).toBe("2026-11-21 08:05:49,019");
    expect(digitsOfTime(ms)).toBe("20261121080549019");
  });

  test("permissions and doubles", () => {
    expect([6, 4, 2, 7].map(permText)).toEqual(["RW-", "R--", "-W-", "RWX"]);
    expect([0, 16, 0.05].map(javaDouble)).toEqual(["0.0", "16.0", "0.05"]);
  });

  test("JSON has sorted keys and tabs, empty objects over three lines and bare numbers as keys", () => {
    const value = { b: {}, a: [1, "x"], none: null, m: new LenientMap([[0, "h:1"]]) };
    expect(fastjsonText(value)).toBe(
      '{\n\t"a":[\n\t\t1,\n\t\t"x"\n\t],\n\t"b":{\n\t\t\n\t},\n\t"m":{\n\t\t0:"h:1"\n\t}\n}',
    );
    expect(fastjsonLine({ b: 1, a: { d: 2, c: 3 } })).toBe('{"a":{"c":3,"d":2},"b":1}');
  });
});
