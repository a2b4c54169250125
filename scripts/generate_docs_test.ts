import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { allRows } from "../core/remoting/codes/index.ts";
import { docPart, table, wholeDoc } from "./docs/generated_doc.ts";
import { generatedDocs } from "./docs/registry.ts";

const read = (path: string) =>
  readFileSync(new URL(`../${path}`, import.meta.url).pathname, "utf8");

describe("generated documents", () => {
  test.each(generatedDocs.map((doc) => [doc.path, doc] as const))(
    "%s is what its table says (else run `deno task docs`)",
    (path, doc) => {
      const current = read(path);
      expect(current).toBe(doc.render(current));
    },
  );

  test("name every request code, and give a reason for each that isn't served", () => {
    const protocol = read("docs/PROTOCOL.md");
    const compat = read("docs/COMPAT.md");
    for (const row of allRows) {
      expect(protocol).toContain(`### ${row.code} ${row.name}\n`);
      if (row.servedBy.length > 0) continue;
      expect(compat).toContain(`| ${row.code} | ${row.name} | ${row.doc} | ${row.whyNotServed} |`);
    }
  });
});

describe("a generated part", () => {
  test("keeps what is written by hand before and after it", () => {
    const first = docPart("x.md", () => "one").render("# Top\n");
    expect(first).toStartWith("# Top\n\n<!--");
    const edited = `${first}\nBottom.\n`;
    const second = docPart("x.md", () => "two").render(edited);
    expect(second).toBe(edited.replace("one", "two"));
    expect(docPart("x.md", () => "two").render(second)).toBe(second);
  });

  test("may be a whole document", () => {
    expect(wholeDoc("x.md", () => "all\n\n").render("old")).toEndWith("\n\nall\n");
  });
});

test("a table escapes bars", () => {
  expect(table(["a"], [["x|y"]])).toBe("| a |\n| --- |\n| x\\|y |");
});
