// One store, one broker: between processes, within one, and by the abort marker where there are no record locks.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { nodeDisk } from "../core/disk/disk_node.ts";
import { noFileLocks, systemFileLocks } from "../core/disk/file_lock.ts";
import { StoreLock } from "./lock.ts";

const root = mkdtempSync(`${tmpdir()}/roquet-lock-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const HOLDER = `
  import { nodeDisk } from "${import.meta.dir}/../core/disk/disk_node.ts";
  import { systemFileLocks } from "${import.meta.dir}/../core/disk/file_lock.ts";
  import { StoreLock } from "${import.meta.dir}/lock.ts";
  const lock = StoreLock.take({ disk: nodeDisk, locks: await systemFileLocks(), storePath: process.env.STORE });
  lock.markOpen();
  console.log("held");
  await new Promise((resolve) => process.stdin.once("data", resolve).once("end", resolve));
  lock.release(true);
  process.exit(0);
`;

async function startHolder(storePath: string) {
  const holder = Bun.spawn([process.execPath, "-e", HOLDER], {
    env: { ...process.env, STORE: storePath },
    stdin: "pipe",
    stdout: "pipe",
  });
  const first = await holder.stdout.getReader().read();
  expect(new TextDecoder().decode(first.value)).toContain("held");
  return holder;
}

test("a store that another process has open is refused, and the error names that process", async () => {
  const storePath = `${root}/two`;
  const holder = await startHolder(storePath);
  const locks = await systemFileLocks();
  const take = () => StoreLock.take({ disk: nodeDisk, locks, storePath });
  expect(take).toThrow(new RegExp(`${storePath} is in use by process ${holder.pid} \\(`));
  // Where there are no record locks, the process in the marker is looked for.
  expect(() => StoreLock.take({ disk: nodeDisk, locks: noFileLocks, storePath }))
    .toThrow(`in use by process ${holder.pid}`);
  holder.stdin.end();
  await holder.exited;
  const lock = take();
  expect(lock.isClean).toBe(true);
  expect(readFileSync(`${storePath}/lock`, "utf8")).toBe("lock");
  lock.release(false);
});

test("a killed holder leaves its marker, and its lock is free", async () => {
  const storePath = `${root}/killed`;
  const holder = await startHolder(storePath);
  holder.kill(9);
  await holder.exited;
  for (const locks of [await systemFileLocks(), noFileLocks]) {
    const lock = StoreLock.take({ disk: nodeDisk, locks, storePath });
    expect(lock.isClean).toBe(false);
    lock.release(false);
  }
});

test("a process can't open its own store twice", async () => {
  const options = { disk: nodeDisk, locks: await systemFileLocks(), storePath: `${root}/own` };
  const lock = StoreLock.take(options);
  expect(() => StoreLock.take(options)).toThrow("in use by this process");
  lock.release(false);
  StoreLock.take(options).release(false);
});

test("a marker whose process number went to another, later process doesn't keep the store shut", () => {
  const storePath = `${root}/reused`;
  nodeDisk.makeDirectorySync(storePath);
  writeFileSync(`${storePath}/abort`, String(process.ppid));
  nodeDisk.touchSync(`${storePath}/abort`, 1_500_000_000_000);
  const lock = StoreLock.take({ disk: nodeDisk, locks: noFileLocks, storePath });
  expect(lock.isClean).toBe(false);
  lock.release(false);
});
