// Long reads are cold while the device delivers what they read, and warm again when it no longer does.
import { expect, test } from "bun:test";
import { ColdSigns, SIGNS_WINDOW_BYTES } from "./cold_signs.ts";

const READ_BYTES = 512 * 1024;

/** Reads one window of the log, of which the device delivers a share. */
function readWindow(signs: ColdSigns, disk: { bytes: number }, share: number): void {
  for (let read = 0; read < SIGNS_WINDOW_BYTES; read += READ_BYTES) {
    disk.bytes += READ_BYTES * share;
    signs.noteRead(READ_BYTES);
  }
}

test("reads are cold while the device delivers them, and warm when the page cache has them", () => {
  const disk = { bytes: 5_000_000_000, deviceReadBytes: () => disk.bytes };
  const signs = new ColdSigns(disk);
  expect(signs.isCold).toBe(false);
  readWindow(signs, disk, 1);
  expect(signs.isCold).toBe(true);
  readWindow(signs, disk, 0);
  expect(signs.isCold).toBe(false);
});

test("what is read of queues' files beside a warm log makes it no cold one", () => {
  const disk = { bytes: 0, deviceReadBytes: () => disk.bytes };
  const signs = new ColdSigns(disk);
  readWindow(signs, disk, 0.1);
  expect(signs.isCold).toBe(false);
});

test("nothing is cold where the disk can't tell", () => {
  const signs = new ColdSigns({});
  readWindow(signs, { bytes: 0 }, 1);
  expect(signs.isCold).toBe(false);
});
