// Which texts of config/*.json count as whole: what Apache saved does, what would stop or empty a table doesn't.
import { expect, test } from "bun:test";
import { fixtureArchive } from "../../testdata/fixtures.ts";
import { isWholeTable } from "./table_text.ts";

test("every table that Apache saved is whole, and so is its backup", () => {
  for (const store of ["store/store", "store-ext/store-ext", "store-crash/crash-asis"]) {
    let count = 0;
    for (const [path, bytes] of fixtureArchive(`${store}.tar.gz`)) {
      if (!/config\/(\w+\.json|timermetrics)(\.bak)?$/.test(path) || bytes.length === 0) continue;
      expect([path, isWholeTable(path, bytes.toString("utf8"))]).toEqual([path, true]);
      count++;
    }
    expect(count).toBeGreaterThan(0);
  }
});

const damaged: [name: string, text: string][] = [
  ["topics.json", '{"topicConfigTable":[]}'],
  ["topics.json", '{"topicConfigTable":{"T":null}}'],
  ["subscriptionGroup.json", '{"subscriptionGroupTable":"x"}'],
  ["subscriptionGroup.json", '{"subscriptionGroupTable":{"G":5}}'],
  ["consumerOffset.json", '{"offsetTable":{"T@G":null}}'],
  ["delayOffset.json", '{"offsetTable":7}'],
  ["consumerFilter.json", "[]"],
  ["consumerFilter.json", '{"filterDataByTopic":{"T":4}}'],
  ["consumerOrderInfo.json", '{"table":{"T@G":3}}'],
  ["messageRequestMode.json", "[]"],
  ["timermetrics", '{"timingCount":{"T":null}}'],
];

test.each(damaged)("%s with values of wrong types is damaged: %s", (name, text) => {
  expect(isWholeTable(`/store/config/${name}`, text)).toBe(false);
  expect(isWholeTable(`/store/config/${name}.bak`, text)).toBe(false);
});

test("empty tables are whole, and files that nothing is known of when they are JSON", () => {
  for (const name of ["topics.json", "consumerFilter.json", "timermetrics"]) {
    expect(isWholeTable(`/store/config/${name}`, "{}")).toBe(true);
  }
  expect(isWholeTable("/store/config/other.json", '{"a":[1]}')).toBe(true);
});
