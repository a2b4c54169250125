// Reads past the machine's page cache: the same bytes as through it, whatever the file system allows.
import { afterAll, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { DiskError } from "./disk.ts";
import { nodeDisk } from "./disk_node.ts";

const folder = mkdtempSync(`${tmpdir()}/roquet-disk-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FILE_BYTES = 600 * 1024 + 100;
const BLOCK_BYTES = 256 * 1024;
const PAGE_BYTES = 4096;
const content = Buffer.from(Uint8Array.from({ length: FILE_BYTES }, (_, index) => index % 251));

function written(name: string) {
  const file = nodeDisk.openSync(`${folder}/${name}`, "create");
  file.writeSync(content, 0, FILE_BYTES, 0);
  return file;
}

test("what was just written is read past the page cache, at any place and up to the file's end", async () => {
  const file = written("places");
  for (const position of [0, PAGE_BYTES, 1, 100 * PAGE_BYTES, FILE_BYTES - 50, FILE_BYTES + 1]) {
    for (
      const [start, length] of [[0, BLOCK_BYTES], [PAGE_BYTES, BLOCK_BYTES], [3, 777]] as const
    ) {
      const target = Buffer.allocUnsafeSlow(2 * BLOCK_BYTES).fill(255);
      const count = await file.readUncached!(target, start, length, position);
      expect(count).toBe(Math.max(0, Math.min(length, FILE_BYTES - position)));
      const expected = content.subarray(position, position + count);
      expect(target.subarray(start, start + count).equals(expected)).toBe(true);
      expect(target.subarray(start + length).every((byte) => byte === 255)).toBe(true);
    }
  }
  await file.close();
});

test("later writes are seen, and a changed name does no harm", async () => {
  const file = written("changes");
  const target = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  await file.readUncached!(target, 0, BLOCK_BYTES, 0);
  file.writeSync(Buffer.from("changed"), 0, 7, 5000);
  nodeDisk.renameSync(file.path, `${file.path}.moved`);
  await file.readUncached!(target, 0, BLOCK_BYTES, 0);
  expect(target.toString("latin1", 5000, 5007)).toBe("changed");
  await file.close();
});

test("closing waits for such a read, and none begins after it", async () => {
  const file = written("closing");
  const target = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  const reads = [0, BLOCK_BYTES].map((position) =>
    file.readUncached!(target, 0, BLOCK_BYTES, position)
  );
  const closing = file.close();
  expect(await Promise.all(reads)).toEqual([BLOCK_BYTES, BLOCK_BYTES]);
  await closing;
  const late = await file.readUncached!(target, 0, BLOCK_BYTES, 0).catch((error: unknown) => error);
  expect(late).toBeInstanceOf(DiskError);
});
