// Keeps the written documents true: what they name (files, folders, links, tasks, dependencies) is there.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = new URL("../", import.meta.url).pathname;
const read = (path: string) => readFileSync(join(root, path), "utf8");
const documents = [
  "README.md",
  ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) =>
    `docs/${name}`
  ),
];
const manifest = JSON.parse(read("deno.json")) as {
  tasks: Record<string, string>;
  imports: Record<string, string>;
};

/** Where code lives; what else looks like a path is an operator's, or a store's. */
const FOLDERS = ["benchmarks", "cluster", "cmd", "core", "docs", "examples", "interop", "scripts"]
  .concat("store", "testdata");
const codeFiles = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.includes("node_modules"))
    .map((path) => `/${folder}/${path}`)
);

/** What stands between single backticks. */
function codeSpans(text: string): string[] {
  return [...text.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(([, span]) => span!);
}

function namesNothing(span: string): boolean {
  if (span === "name_test.ts" || /[\s*{}…]/.test(span)) return false;
  if (FOLDERS.includes(span.split("/", 1)[0]!) && span.includes("/")) {
    return !existsSync(join(root, span));
  }
  return span.endsWith(".ts") && !codeFiles.some((path) => path.endsWith(`/${span}`));
}

describe.each(documents)("%s", (path) => {
  const text = read(path);

  test("names files and folders that are there", () => {
    expect(codeSpans(text).filter(namesNothing)).toEqual([]);
  });

  test("links to what is there", () => {
    const targets = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!);
    const dead = targets.filter((target) =>
      !/^https?:/.test(target) && !existsSync(join(root, dirname(path), target))
    );
    expect(dead).toEqual([]);
  });

  test("names tasks that there are", () => {
    const builtIn = ["fmt", "lint", "check"];
    const named = [...text.matchAll(/deno(?:@[\d.]+)? task ([a-z]+)/g)].map(([, name]) => name!);
    const known = [...Object.keys(manifest.tasks), ...builtIn];
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe("docs/HACKING.md", () => {
  const hacking = read("docs/HACKING.md");

  test("tells of every task", () => {
    const untold = Object.keys(manifest.tasks).filter((name) =>
      !hacking.includes(`deno task ${name}`) && !hacking.includes(`deno ${name}`)
    );
    expect(untold).toEqual([]);
  });

  test("says why each dependency is there", () => {
    const why = hacking.slice(hacking.indexOf("## Dependencies"));
    const unexplained = Object.keys(manifest.imports).filter((name) =>
      !why.includes(`\`${name}\``)
    );
    expect(unexplained).toEqual([]);
  });
});
