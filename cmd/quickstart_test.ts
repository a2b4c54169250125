import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { run, start, temporaryFolder } from "./testing.ts";

test("quickstart sends and consumes messages, shows them, and leaves nothing behind", async () => {
  using folder = temporaryFolder();
  const { code, out, err } = await run(["quickstart"], { env: { TMPDIR: folder.path } });
  expect([code, err]).toEqual([0, ""]);
  for (let number = 1; number <= 5; number++) {
    expect(out).toContain(`sent         "Hello ${number}"`);
    expect(out).toContain(`consumed     "Hello ${number}"`);
  }
  expect(readdirSync(folder.path)).toEqual([]);
});

test("quickstart --keep serves until it is told to stop", async () => {
  using folder = temporaryFolder();
  const servers = start(["quickstart", "--keep"], { env: { TMPDIR: folder.path } });
  expect(await servers.ready()).toMatchObject({ role: "quickstart" });
  servers.child.kill("SIGINT");
  expect((await servers.finished).code).toBe(0);
  expect(readdirSync(folder.path)).toEqual([]);
});
