// A short round of fuzzing with fixed seeds: only typed errors, in bounded time and memory. `deno task fuzz` goes on.
import { expect, test } from "bun:test";
import { fuzz } from "./fuzz.ts";

const MEMORY_BYTES_MAX = 400 * 1024 * 1024;

test("spoiled bytes meet only typed errors, and spoiled stores open or say why not", async () => {
  const before = process.memoryUsage().rss;
  const { problems, outcomes } = await fuzz({ from: 0, inputs: 1500, stores: 60 });
  expect(problems).toEqual([]);
  expect(outcomes.get("opened")).toBeGreaterThan(20);
  expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY_BYTES_MAX);
});
