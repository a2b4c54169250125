import { expect, test } from "bun:test";
import { syncFileSystem } from "./sync_file_system.ts";
import { temporaryFolder } from "./testing.ts";

test("a file system is synced by a path in it, and a path that isn't there is no success", async () => {
  using folder = temporaryFolder();
  expect(await syncFileSystem(folder.path)).toBe(true);
  expect(await syncFileSystem(`${folder.path}/missing`)).toBe(false);
});
