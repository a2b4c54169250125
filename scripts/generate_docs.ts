// Writes the generated documents (`deno task docs`). Touches nothing but the files that scripts/docs/registry.ts names.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { generatedDocs } from "./docs/registry.ts";

const root = new URL("../", import.meta.url).pathname;

for (const doc of generatedDocs) {
  const path = root + doc.path;
  const current = existsSync(path) ? readFileSync(path, "utf8") : "";
  const rendered = doc.render(current);
  if (rendered !== current) writeFileSync(path, rendered);
  process.stdout.write(`${rendered === current ? "unchanged" : "written  "} ${doc.path}\n`);
}
