// The man page is sound roff and says everything that the tables of commands say.
import { expect, test } from "bun:test";
import { commands } from "../inspector/commands.ts";
import { inspectorPages, mainPages } from "./command_pages.ts";
import { manPage } from "./man_page.ts";

const lines = manPage().split("\n");

test("every request is one that man pages have, and every text begins with none by accident", () => {
  const requests = lines.filter((line) => /^['.]/.test(line)).map((line) => line.split(" ")[0]);
  expect([...new Set(requests)].sort()).toEqual(
    [".B", ".I", ".PP", ".RE", ".RS", ".SH", ".SS", ".TH", ".TP", ".fi", ".nf"],
  );
  for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]*$/);
  expect(lines.filter((line) => line === ".nf").length)
    .toBe(lines.filter((line) => line === ".fi").length);
});

test("every command has its page, with all its options and an example", () => {
  const pages = [...mainPages(), ...inspectorPages().flatMap((family) => family.pages)];
  expect(pages.map(({ name }) => name)).toEqual([
    "namesrv",
    "broker",
    "producer-bench",
    "consumer-bench",
    "quickstart",
    "completion",
    "man",
    ...commands.map(({ name }) => `inspector ${name}`),
  ]);
  for (const { example, name, options, summary } of pages) {
    const from = lines.indexOf(`.SS "${name.replaceAll("-", "\\-")}"`);
    const to = lines.findIndex((line, at) => at > from && /^\.S[HS]/.test(line));
    const page = lines.slice(from, to).join("\n").replaceAll("\\-", "-").replaceAll("\\(dq", '"');
    for (const { names } of options) {
      expect(page).toContain(`.B "${names}"`.replaceAll("\\", "\\e"));
    }
    expect(page).toContain(summary);
    expect(page).toContain(example.replaceAll("\\", "\\e"));
  }
});
