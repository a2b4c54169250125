import { expect, test } from "bun:test";
import { brokerKeys, namesrvKeys } from "../core/config/tables.ts";
import { configDoc } from "./config_doc.ts";

test("docs/CONFIG.md has a row for every key", () => {
  const [broker, namesrv] = configDoc().split("## Name server");
  for (const name of Object.keys(brokerKeys)) expect(broker).toContain(`| \`${name}\` `);
  for (const name of Object.keys(namesrvKeys)) expect(namesrv).toContain(`| \`${name}\` `);
});
