// What the kernel says of the time waited for a core; nothing where it doesn't say.
import { expect, test } from "bun:test";
import { openCoreWait } from "./core_wait.ts";

test("the time waited for a core never goes back", () => {
  const coreWaitMs = openCoreWait();
  if (coreWaitMs === undefined) return;
  const first = coreWaitMs();
  expect(first).toBeGreaterThanOrEqual(0);
  expect(coreWaitMs()).toBeGreaterThanOrEqual(first);
});

test("where there is no such account nothing tells the time", () => {
  expect(openCoreWait("/nowhere/schedstat")).toBeUndefined();
  expect(openCoreWait(import.meta.path)).toBeUndefined();
});
