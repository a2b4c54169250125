// What a metadata file promises across crashes, on the memory disk.
import { expect, test } from "bun:test";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { createLogger, type LogEntry, silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { MetadataFile } from "./metadata_file.ts";

const PATH = "/store/config/consumerFilter.json";

function open(disk: MemoryDisk, entries: LogEntry[] = []): MetadataFile {
  return new MetadataFile({ disk, log: createLogger((entry) => entries.push(entry)), path: PATH });
}

function text(disk: MemoryDisk, path: string): string {
  return new TextDecoder().decode(disk.contents(path));
}

test("what is saved is loaded again, and the version before is the backup", () => {
  const disk = new MemoryDisk(seededRandom(1));
  const file = open(disk);
  expect(file.load()).toBeNull();
  file.save('{"version":1}');
  file.save('{"version":2}');
  expect(open(disk).load()).toBe('{"version":2}');
  expect(text(disk, `${PATH}.bak`)).toBe('{"version":1}');
});

test("what was saved only once has a backup, too, and a disk that takes none of it refuses nothing", () => {
  const disk = new MemoryDisk(seededRandom(1));
  open(disk).save('{"version":1}');
  disk.place(PATH, new TextEncoder().encode('{"vers'));
  expect(open(disk).load()).toBe('{"version":1}');
  const other = new MemoryDisk(seededRandom(1));
  const entries: LogEntry[] = [];
  other.inject({ operation: "write", code: "ENOSPC", path: `${PATH}.bak` });
  open(other, entries).save('{"version":1}');
  expect(entries.map(({ level }) => level)).toEqual(["warn"]);
  expect(open(other).load()).toBe('{"version":1}');
});

test("after a power cut at any operation the last saved version or the one being saved is loaded", () => {
  for (let seed = 0; seed < 40; seed++) {
    for (const operation of ["write", "datasync", "rename", "sync_directory"] as const) {
      for (let after = 0; after < 2; after++) {
        const disk = new MemoryDisk(seededRandom(seed));
        const file = open(disk);
        file.save('{"version":1}');
        file.save('{"version":2}');
        disk.inject({ operation, code: "EIO", after, times: 1, partialBytes: 5 });
        let saved = true;
        try {
          file.save('{"version":3}');
        } catch {
          saved = false;
        }
        disk.crash("power");
        const next = open(disk);
        const loaded = next.load();
        // Whichever file it came from, it is what was saved last.
        expect(next.isBackupUsed).toBe(false);
        if (saved) expect(loaded).toBe('{"version":3}');
        else expect(['{"version":2}', '{"version":3}']).toContain(loaded!);
      }
    }
  }
});

test("a torn file falls back to its backup and says so", () => {
  const disk = new MemoryDisk(seededRandom(1));
  disk.place(PATH, new TextEncoder().encode('{"dataVersion":{"count'));
  disk.place(`${PATH}.bak`, new TextEncoder().encode('{"dataVersion":{}}'));
  const entries: LogEntry[] = [];
  expect(open(disk, entries).load()).toBe('{"dataVersion":{}}');
  expect(entries.map((entry) => entry.level)).toEqual(["warn"]);
});

test("a backup stands for what was saved after it where the file is torn or lost, but not between two renames", () => {
  const place = { torn: '{"dataVersion":{"count', whole: '{"dataVersion":{}}' };
  const isUsed = (file: string | null, temporary: string | null) => {
    const disk = new MemoryDisk(seededRandom(1));
    const put = (path: string, text: string | null) =>
      text === null ? undefined : disk.place(path, new TextEncoder().encode(text));
    put(PATH, file);
    put(`${PATH}.bak`, place.whole);
    put(`${PATH}.tmp2`, temporary);
    const opened = open(disk);
    expect(opened.load()).toBe(place.whole);
    return opened.isBackupUsed;
  };
  expect(isUsed(place.torn, null)).toBe(true);
  expect(isUsed(place.torn, place.whole)).toBe(true);
  expect(isUsed(null, null)).toBe(true);
  expect(isUsed(null, place.torn)).toBe(true);
  expect(isUsed(null, place.whole)).toBe(false);
});

test("a file that is damaged together with its backup is refused by name", () => {
  const disk = new MemoryDisk(seededRandom(1));
  disk.place(PATH, new TextEncoder().encode("{\0\0"));
  disk.place(`${PATH}.bak`, new TextEncoder().encode('{"half'));
  expect(() => open(disk).load()).toThrow(`${PATH} is damaged`);
});

test("the text saved last isn't written again", () => {
  const disk = new MemoryDisk(seededRandom(1));
  const file = open(disk);
  file.save("{}");
  const writes = disk.count("write");
  file.save("{}");
  expect(disk.count("write")).toBe(writes);
});

test("a start from the backup keeps it until something newer is in place", () => {
  const disk = new MemoryDisk(seededRandom(1));
  disk.place(PATH, new TextEncoder().encode('{"torn'));
  disk.place(`${PATH}.bak`, new TextEncoder().encode('{"version":1}'));
  const file = open(disk);
  expect(file.load()).toBe('{"version":1}');
  disk.inject({ operation: "rename", code: "EIO", after: 0, times: 1 });
  expect(() => file.save('{"version":2}')).toThrow("EIO");
  expect(open(disk).load()).toBe('{"version":1}');
  file.save('{"version":3}');
  expect(open(disk).load()).toBe('{"version":3}');
});

test("a file that is damaged inside its brackets falls back to its backup too", () => {
  const disk = new MemoryDisk(seededRandom(1));
  disk.place(PATH, new TextEncoder().encode('{"dataVersion":{"co\x01":1}'));
  disk.place(`${PATH}.bak`, new TextEncoder().encode('{0:"bare keys as Apache writes them"}'));
  const file = open(disk);
  expect(file.load()).toStartWith("{0:");
  file.save("{}");
  expect(text(disk, `${PATH}.bak`)).toStartWith("{0:");
});

for (const spoiled of ['{"dataVersion":{},"topicConfiwTable":{"A":{}}}', "[1,2]", "null"]) {
  test(`a topics.json that is whole but holds no topics, ${spoiled}, falls back to its backup`, () => {
    const disk = new MemoryDisk(seededRandom(1));
    const path = "/store/config/topics.json";
    const backup = '{"dataVersion":{},"topicConfigTable":{"A":{}}}';
    disk.place(path, new TextEncoder().encode(spoiled));
    disk.place(`${path}.bak`, new TextEncoder().encode(backup));
    expect(new MetadataFile({ disk, log: silentLogger, path }).load()).toBe(backup);
  });
}
