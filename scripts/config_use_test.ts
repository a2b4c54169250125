// Keeps the tables honest: a key that says it is used is named by code that could obey it.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { brokerKeys, namesrvKeys } from "../core/config/tables.ts";
import type { KeyTable } from "../core/config/key.ts";

const root = new URL("../", import.meta.url).pathname;

/** All words of the code that runs; the tables themselves and tests don't count. */
function wordsOfTheCode(): Set<string> {
  const words = new Set<string>();
  for (const folder of ["core", "store", "cluster", "cmd"]) {
    for (const name of readdirSync(root + folder, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts") || /_test\.ts$|testing\.ts$/.test(name)) continue;
      if (folder === "core" && name.startsWith("config/keys/")) continue;
      const text = readFileSync(`${root}${folder}/${name}`, "utf8");
      for (const [word] of text.matchAll(/\w+/g)) words.add(word);
    }
  }
  return words;
}

test("every key that is said to be used is read somewhere", () => {
  const words = wordsOfTheCode();
  const unread = (table: KeyTable) =>
    Object.entries(table).filter(([name, key]) => key.use === "used" && !words.has(name))
      .map(([name]) => name);
  expect(unread(brokerKeys)).toEqual([]);
  expect(unread(namesrvKeys)).toEqual([]);
});
