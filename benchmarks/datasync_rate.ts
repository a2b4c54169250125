// The device's own rate: 4 KB appended and fdatasync'ed, one after the other. The ceiling of SYNC_FLUSH with one thread.
import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from "node:fs";
import { Buffer } from "node:buffer";
import { short } from "./support/figures.ts";

const BLOCK_BYTES = 4096;
const FILE_BYTES = 64 * 1024 * 1024;
const SECONDS = 1;

/** Prints and returns syncs a second in `folder`'s file system, over blocks that are allocated already. */
export function datasyncRate(folder: string): number {
  const path = `${folder}/datasync`;
  const file = openSync(path, "w+");
  writeSync(file, Buffer.alloc(FILE_BYTES), 0, FILE_BYTES, 0);
  fdatasyncSync(file);
  const block = Buffer.alloc(BLOCK_BYTES, 1);
  const startedMs = performance.now();
  let count = 0;
  while (performance.now() - startedMs < SECONDS * 1000) {
    writeSync(file, block, 0, BLOCK_BYTES, (count * BLOCK_BYTES) % FILE_BYTES);
    fdatasyncSync(file);
    count++;
  }
  const rate = count / ((performance.now() - startedMs) / 1000);
  closeSync(file);
  unlinkSync(path);
  console.log(`\nraw fdatasync rate of the device: ${short(rate)} a second`);
  return rate;
}
