// A short round of fuzzing with fixed seeds: only typed errors, in bounded time and memory. `deno task fuzz` goes on.
import { expect, test } from "bun:test";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const RESIDENT_MB_MAX = 400;

test("spoiled bytes meet only typed errors, and spoiled stores open or say why not", async () => {
  // In a process of its own: memory is measured, and what other tests left behind isn't meant.
  const main = new URL("main.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [main, "--inputs", "1500", "--stores", "60"],
  );
  const [summary, outcomes] = stdout.split("\n");
  expect(summary).toStartWith("0 broken;");
  expect(JSON.parse(outcomes!).opened).toBeGreaterThan(20);
  expect(Number(/(\d+) MB/.exec(summary!)?.[1])).toBeLessThan(RESIDENT_MB_MAX);
});
