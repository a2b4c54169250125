import { expect, test } from "bun:test";
import { editDistance, nearestName, suggestion } from "./suggestion.ts";

test("the distance between two words is the number of letters to change", () => {
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("same", "same")).toBe(0);
});

test("a mistyped key is told its nearest name, whatever its case", () => {
  const names = ["brokerIP1", "brokerIP2", "brokerId", "listenPort"];
  expect(suggestion("brokerIp1", names)).toBe(", did you mean 'brokerIP1'?");
  expect(suggestion("listenport", names)).toBe(", did you mean 'listenPort'?");
  expect(suggestion("lisenPort", names)).toBe(", did you mean 'listenPort'?");
});

test("nothing is suggested for a word that is nothing like any name", () => {
  expect(nearestName("zzz", ["listenPort", "brokerId"])).toBeNull();
  expect(nearestName("", ["a"])).toBeNull();
  expect(nearestName("x".repeat(1000), ["listenPort"])).toBeNull();
});
