import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { brokerKeys, namesrvKeys } from "../core/config/tables.ts";
import { CONFIG_DOC_PATH, configDoc } from "./config_doc.ts";

test("docs/CONFIG.md is what the tables say: run `deno task docs` after changing a key", () => {
  const committed = readFileSync(
    new URL(`../${CONFIG_DOC_PATH}`, import.meta.url).pathname,
    "utf8",
  );
  expect(committed).toBe(configDoc());
});

test("docs/CONFIG.md has a row for every key", () => {
  const [broker, namesrv] = configDoc().split("## Name server");
  for (const name of Object.keys(brokerKeys)) expect(broker).toContain(`| \`${name}\` `);
  for (const name of Object.keys(namesrvKeys)) expect(namesrv).toContain(`| \`${name}\` `);
});
