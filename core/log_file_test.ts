import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { MemoryDisk } from "./disk/memory_disk.ts";
import { LogFile } from "./log_file.ts";
import { seededRandom } from "./random.ts";

const newDisk = () => new MemoryDisk(seededRandom(1));

function contents(disk: MemoryDisk, path: string): string {
  const file = disk.openSync(path, "read");
  const bytes = Buffer.alloc(file.sizeSync());
  file.readSync(bytes, 0, bytes.length, 0);
  return bytes.toString("utf8");
}

describe("a log file", () => {
  test("is made with its folder, and continued at its end after a restart", async () => {
    const disk = newDisk();
    const first = LogFile.open({ disk, path: "/var/log/roquet.log" });
    first.write("one\n");
    first.write("two\n");
    await first.close();
    const second = LogFile.open({ disk, path: "/var/log/roquet.log" });
    second.write("three\n");
    await second.close();
    expect(contents(disk, "/var/log/roquet.log")).toBe("one\ntwo\nthree\n");
  });

  test("is rotated before it grows beyond its size, and the oldest is dropped", async () => {
    const disk = newDisk();
    const log = LogFile.open({ disk, path: "/log/r.log", sizeBytesMax: 10, keepCount: 2 });
    for (const line of ["aaaaaaa\n", "bbbbbbb\n", "ccccccc\n", "ddddddd\n"]) {
      log.write(line);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await log.close();
    expect(disk.listSync("/log")).toEqual(["r.log", "r.log.1", "r.log.2"]);
    expect(contents(disk, "/log/r.log")).toBe("ddddddd\n");
    expect(contents(disk, "/log/r.log.2")).toBe("bbbbbbb\n");
  });

  test("that can't be written is said once, and what was lost is counted when it can again", async () => {
    const disk = newDisk();
    const reports: string[] = [];
    const report = (text: string) => void reports.push(text);
    const log = LogFile.open({ disk, path: "/log/r.log", report });
    disk.inject({ operation: "write", code: "ENOSPC", times: 2 });
    log.write("lost\n");
    await new Promise((resolve) => setImmediate(resolve));
    log.write("lost too\n");
    await new Promise((resolve) => setImmediate(resolve));
    log.write("kept\n");
    await log.close();
    expect(reports).toEqual([
      "log file can't be written: write /log/r.log: ENOSPC",
      "log file /log/r.log is written again",
    ]);
    expect(contents(disk, "/log/r.log")).toBe("(2 log lines lost)\nkept\n");
  });

  test("that can't be opened is an error", () => {
    const disk = newDisk();
    disk.inject({ operation: "open", code: "EACCES" });
    expect(() => LogFile.open({ disk, path: "/log/r.log" })).toThrow("EACCES");
  });
});
