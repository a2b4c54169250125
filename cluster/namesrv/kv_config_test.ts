// KV values over restarts, crashes and a disk that refuses.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { type FaultOperation, MemoryDisk } from "../../core/disk/memory_disk.ts";
import { OperationError } from "../../core/errors.ts";
import { createLogger, type LogEntry, silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { MetadataFile } from "../../store/file/metadata_file.ts";
import { isKvConfig, KvConfig, parseKvConfig } from "./kv_config.ts";
import { kvConfigJson } from "./route_json.ts";

const PATH = "/data/namesrv/kvConfig.json";
/** As a 5.4.0 name server wrote it. */
const APACHE_FILE =
  '{"configTable":{"ORDER_TOPIC_CONFIG":{"TopicA":"b1:4;b2:4"},"N":{"k":"\\"\\\\ \\u0001"}}}';

function openKv(disk: MemoryDisk, log = silentLogger): KvConfig {
  return new KvConfig(new MetadataFile({ disk, log, path: PATH, isWhole: isKvConfig }));
}

function textOf(disk: MemoryDisk, path = PATH): string {
  return Buffer.from(disk.contents(path)).toString();
}

describe("the KV configuration", () => {
  test("reads and writes the file that Apache does", () => {
    const disk = new MemoryDisk(seededRandom(1));
    disk.place(PATH, Buffer.from(APACHE_FILE));
    const kv = openKv(disk);
    expect(kv.get("ORDER_TOPIC_CONFIG", "TopicA")).toBe("b1:4;b2:4");
    expect(kv.get("N", "k")).toBe('"\\ \u0001');
    kv.put("N", "other", "x");
    kv.delete("N", "other");
    expect(textOf(disk)).toBe(APACHE_FILE);
  });

  test("keeps the version before as .bak", () => {
    const disk = new MemoryDisk(seededRandom(1));
    const kv = openKv(disk);
    kv.put("N", "k", "1");
    kv.put("N", "k", "2");
    expect(textOf(disk)).toBe('{"configTable":{"N":{"k":"2"}}}');
    expect(textOf(disk, `${PATH}.bak`)).toBe('{"configTable":{"N":{"k":"1"}}}');
  });

  test("loses nothing acknowledged when the power fails", () => {
    for (let seed = 0; seed < 50; seed++) {
      const disk = new MemoryDisk(seededRandom(seed));
      const kv = openKv(disk);
      for (let value = 0; value <= seed % 5; value++) kv.put("N", "k", String(value));
      disk.crash("power");
      expect(openKv(disk).get("N", "k")).toBe(String(seed % 5));
    }
  });

  test("has the value before or after when the power fails during a change", () => {
    const operations: FaultOperation[] = ["open", "write", "datasync", "rename", "sync_directory"];
    for (const operation of operations) {
      for (let after = 0; after < 3; after++) {
        const disk = new MemoryDisk(seededRandom(after));
        const kv = openKv(disk);
        kv.put("N", "k", "before");
        disk.inject({ operation, code: "EIO", after, partialBytes: 9 });
        try {
          kv.put("N", "k", "after");
        } catch {
          expect(kv.get("N", "k")).toBe("before");
        }
        disk.crash("power");
        expect(["before", "after"]).toContain(openKv(disk).get("N", "k")!);
      }
    }
  });

  test("changes nothing when the disk is full", () => {
    const disk = new MemoryDisk(seededRandom(1));
    const kv = openKv(disk);
    kv.put("N", "k", "v");
    disk.inject({ operation: "write", code: "ENOSPC" });
    expect(() => kv.put("N", "k", "w")).toThrow("ENOSPC");
    expect(() => kv.put("M", "k", "w")).toThrow("ENOSPC");
    expect(() => kv.delete("N", "k")).toThrow("ENOSPC");
    expect(kv.get("N", "k")).toBe("v");
    expect(kv.list("M")).toBeNull();
    disk.clearFaults();
    expect(openKv(disk).get("N", "k")).toBe("v");
  });

  test("falls back to the backup when the file is torn, and says so", () => {
    const disk = new MemoryDisk(seededRandom(1));
    const kv = openKv(disk);
    kv.put("N", "k", "1");
    kv.put("N", "k", "2");
    disk.place(PATH, Buffer.from('{"configTable":{"N":{"k":'));
    const entries: LogEntry[] = [];
    const reopened = openKv(disk, createLogger((entry) => entries.push(entry)));
    expect(reopened.get("N", "k")).toBe("1");
    expect(entries.map(({ level }) => level)).toEqual(["warn"]);
    expect(entries[0]!.text).toContain("backup");
  });

  test("refuses to start empty when file and backup are torn", () => {
    const disk = new MemoryDisk(seededRandom(1));
    disk.place(PATH, Buffer.from('{"configTable":'));
    disk.place(`${PATH}.bak`, Buffer.from("nonsense"));
    expect(() => openKv(disk)).toThrow(OperationError);
  });

  test("keeps any text through its file", () => {
    const name = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("__proto__", "0", "a"));
    fc.assert(fc.property(
      fc.array(fc.tuple(name, fc.array(fc.tuple(name, fc.string({ unit: "grapheme" }))))),
      (entries) => {
        const table = new Map(entries.map(([namespace, items]) => [namespace, new Map(items)]));
        const again = parseKvConfig(kvConfigJson(table));
        expect(again.size).toBe(table.size);
        for (const [namespace, items] of table) {
          expect([...again.get(namespace)!].sort()).toEqual([...items].sort());
        }
      },
    ));
  });
});
