// What operators and consumers see of retention: which files go when, what queues and index then say, what a full disk
// does to sends, and that a crash in the middle of it leaves a sound store.
import { expect, test } from "bun:test";
import type { MemoryDisk } from "../../core/disk/memory_disk.ts";
import type { Logger } from "../../core/log.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import type { FileMessageStore } from "../message_store_impl.ts";
import { newMemoryDisk, openTestStore, STORE_PATH, testMessage } from "../testing_store.ts";
import { RETENTION_DEFAULTS, type RetentionSettings } from "./retention_plan.ts";

const HOUR_MS = 3_600_000;
const LOG_PATH = `${STORE_PATH}/commitlog`;
const TOTAL_BYTES = 1024 * 1024 * 1024;
/** 64 KiB hold seven of these. */
const BODY_BYTES = 8000;

interface Scene extends AsyncDisposable {
  disk: MemoryDisk;
  clock: VirtualClock;
  store: FileMessageStore;
  settings: RetentionSettings;
  lines: string[];
}

/** A store that deletes at no hour, unless the test says one. */
async function openScene(disk = newMemoryDisk(), clock = new VirtualClock()): Promise<Scene> {
  const settings = { ...RETENTION_DEFAULTS, deleteWhen: hourIn(clock, 12) };
  const lines: string[] = [];
  disk.totalBytes = TOTAL_BYTES;
  if (disk.freeBytes > TOTAL_BYTES) disk.freeBytes = TOTAL_BYTES;
  const store = await openTestStore(disk, { clock, log: logTo(lines), retention: () => settings });
  return { disk, clock, store, settings, lines, [Symbol.asyncDispose]: () => close(clock, store) };
}

async function close(clock: VirtualClock, store: FileMessageStore): Promise<void> {
  const closed = store[Symbol.asyncDispose]();
  await clock.advance(10);
  await closed;
}

function logTo(lines: string[]): Logger {
  const write = (text: string, fields: object = {}) =>
    void lines.push(`${text} ${JSON.stringify(fields)}`);
  const log: Logger = {
    debug() {},
    info: write,
    warn: write,
    error: write,
    named: () => log,
  };
  return log;
}

/** The hour of the day in so many hours. */
function hourIn(clock: VirtualClock, hours: number): string {
  return String(new Date(clock.nowMs() + hours * HOUR_MS).getHours());
}

async function pass(scene: Scene, ms: number, stepMs = 100): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await scene.clock.advance(stepMs);
    scene.disk.nowMs = scene.clock.nowMs();
  }
}

/** The wall clock alone goes on, so that tests needn't wait for a thousand rounds of others. */
function later(scene: Scene, hours: number): void {
  scene.clock.jumpWall(hours * HOUR_MS);
  scene.disk.nowMs = scene.clock.nowMs();
}

async function put(scene: Scene, from: number, to: number): Promise<void> {
  for (let index = from; index < to; index++) {
    const [result] = await scene.store.put([testMessage(index, { bodyBytes: BODY_BYTES })]);
    expect(result!.status).toBe("ok");
  }
  await pass(scene, 12_000, 1000);
}

const logFiles = ({ disk }: Scene) => disk.listSync(LOG_PATH).map(Number);

function useDisk({ disk }: Scene, percent: number): void {
  disk.freeBytes = Math.round(TOTAL_BYTES * (1 - percent / 100));
}

/** Every entry of a queue from its minimum on has its record. */
async function expectReadable(store: FileMessageStore): Promise<void> {
  for (const { topic, queueId } of store.queueTopics()) {
    const { minOffset, maxOffset } = store.queueBounds(topic, queueId)!;
    const cursor = store.openCursor(topic, queueId, minOffset)!;
    for (let offset = minOffset; offset < maxOffset; offset++) {
      expect(cursor.next()).toBe(true);
      expect(cursor.queueOffset).toBe(offset);
      const view = await store.read(cursor.physicalOffset, cursor.size);
      expect(view?.size).toBe(cursor.size);
    }
  }
}

test("expired files go at their hour, the last one stays, queues and index follow", async () => {
  await using scene = await openScene();
  const { store, clock, settings } = scene;
  await put(scene, 0, 40);
  expect(logFiles(scene).length).toBeGreaterThan(4);
  const { maxOffset } = store.queueBounds("TestTopic", 0)!;
  later(scene, 73);
  settings.deleteWhen = hourIn(clock, 0);
  await pass(scene, 62_000);
  expect(logFiles(scene)).toHaveLength(1);
  expect(store.minPhysicalOffset).toBe(logFiles(scene)[0]!);
  const bounds = store.queueBounds("TestTopic", 0)!;
  expect(bounds.maxOffset).toBe(maxOffset);
  expect(bounds.minOffset).toBeGreaterThan(10);
  await expectReadable(store);
  const lines = scene.lines.filter((line) => line.startsWith("deleted the log's first files"));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('"cause":"hour"');
});

test("a file is kept for fileReservedTime after its last change", async () => {
  await using scene = await openScene();
  const { settings } = scene;
  await put(scene, 0, 14);
  later(scene, 40);
  await put(scene, 14, 28);
  const before = logFiles(scene).length;
  later(scene, 40);
  settings.deleteWhen = Array.from({ length: 24 }, (_, hour) => hour).join(";");
  await pass(scene, 62_000);
  const after = logFiles(scene).length;
  expect(after).toBeLessThan(before);
  expect(after).toBeGreaterThan(1);
  later(scene, 40);
  await pass(scene, 15_000);
  expect(logFiles(scene)).toHaveLength(1);
});

test("a round deletes deleteFileBatchMax files, a pause apart", async () => {
  await using scene = await openScene();
  const { clock, settings } = scene;
  settings.batchFilesMax = 2;
  settings.logFilesPauseMs = 1000;
  await put(scene, 0, 50);
  later(scene, 73);
  const before = logFiles(scene).length;
  await pass(scene, 60_000, 1000);
  settings.deleteWhen = hourIn(clock, 0);
  const counts: number[] = [];
  for (let step = 0; step < 240; step++) {
    await pass(scene, 100);
    const deleted = before - logFiles(scene).length;
    if (deleted !== counts.at(-1)) counts.push(deleted);
    if (deleted === 2) break;
  }
  expect(counts).toEqual([0, 1, 2]);
  await pass(scene, 5000);
  expect(before - logFiles(scene).length).toBe(2);
  await pass(scene, 10_000);
  expect(before - logFiles(scene).length).toBe(4);
});

test("above 75 % expired files go at any hour, others stay", async () => {
  await using scene = await openScene();
  await put(scene, 0, 20);
  useDisk(scene, 80);
  const before = logFiles(scene).length;
  await pass(scene, 80_000, 1000);
  expect(logFiles(scene)).toHaveLength(before);
  expect(scene.lines.filter((line) => line.includes("no log file may be deleted"))).toHaveLength(1);
  scene.settings.reservedMs = 60_000;
  await pass(scene, 15_000);
  expect(logFiles(scene)).toHaveLength(1);
});

test("above 85 % the oldest files go whatever their age, no more of them than needed", async () => {
  await using scene = await openScene();
  const { disk } = scene;
  await put(scene, 0, 40);
  const before = logFiles(scene).length;
  await pass(scene, 60_000, 1000);
  // Two files' worth above the watermark.
  disk.freeBytes = Math.round(TOTAL_BYTES * 0.15) - 100_000;
  await pass(scene, 30_000);
  expect(before - logFiles(scene).length).toBe(2);
  expect(scene.store.writeRefusal).toBeNull();
  await expectReadable(scene.store);
});

test("above 90 % sends are refused with one cause, reads go on, and sends go on when there is room", async () => {
  await using scene = await openScene();
  const { store, settings } = scene;
  settings.forciblyEnabled = false;
  await put(scene, 0, 20);
  useDisk(scene, 93);
  await pass(scene, 70_000, 1000);
  const detail = "the log's disk is 93% full: above diskSpaceWarningLevelRatio 90% nothing is " +
    "taken, until it is back at 85%";
  expect(store.writeRefusal).toEqual({ status: "disk_full", detail });
  const [refused] = await store.put([testMessage(20)]);
  expect([refused!.status, refused!.detail]).toEqual(["disk_full", detail]);
  await expectReadable(store);
  useDisk(scene, 88);
  await pass(scene, 15_000);
  expect(store.writeRefusal?.detail).toContain("88% full");
  useDisk(scene, 84);
  await pass(scene, 15_000);
  expect(store.writeRefusal).toBeNull();
  await put(scene, 20, 22);
  expect(scene.lines.filter((line) => line.startsWith("sends are"))).toHaveLength(2);
});

test("an operator's request deletes expired files at any hour, and only those", async () => {
  await using scene = await openScene();
  const { store } = scene;
  await put(scene, 0, 20);
  const before = logFiles(scene).length;
  store.deleteExpiredFiles();
  await pass(scene, 2000);
  expect(logFiles(scene)).toHaveLength(before);
  later(scene, 73);
  store.deleteExpiredFiles();
  await pass(scene, 2000);
  expect(logFiles(scene)).toHaveLength(1);
});

test("a file that the disk won't let go holds up the ones behind it and is tried again", async () => {
  await using scene = await openScene();
  const { disk, store } = scene;
  await put(scene, 0, 40);
  later(scene, 73);
  const before = logFiles(scene);
  disk.inject({ operation: "unlink", code: "EIO", path: "commitlog/", times: 1 });
  store.deleteExpiredFiles();
  await pass(scene, 60_000, 1000);
  expect(logFiles(scene)).toEqual(before);
  expect(store.minPhysicalOffset).toBe(before[1]!);
  await pass(scene, 120_000, 1000);
  expect(logFiles(scene)).toHaveLength(1);
  expect(scene.lines.some((line) => line.startsWith("deleted a log file that had hung"))).toBe(
    true,
  );
});

test(
  "killed at any point of a deletion, the store opens and its queues begin with its log",
  async () => {
    for (const operation of ["unlink", "sync_directory", "rename"] as const) {
      for (const kind of ["process", "power"] as const) {
        for (let after = 0; after < 8; after++) {
          const disk = newMemoryDisk(after + 1);
          const scene = await openScene(disk);
          await put(scene, 0, 40);
          const end = scene.store.maxPhysicalOffset;
          const { maxOffset } = scene.store.queueBounds("TestTopic", 1)!;
          later(scene, 73);
          disk.inject({ operation, code: "EIO", after });
          scene.store.deleteExpiredFiles();
          await pass(scene, 3000);
          disk.crash(kind);
          await using again = await openScene(disk, new VirtualClock(scene.clock.nowMs()));
          expect(again.store.maxPhysicalOffset).toBe(end);
          expect(again.store.queueBounds("TestTopic", 1)!.maxOffset).toBe(maxOffset);
          expect(again.store.minPhysicalOffset).toBe(logFiles(again)[0]!);
          await expectReadable(again.store);
          again.store.deleteExpiredFiles();
          await pass(again, 3000);
          expect(logFiles(again)).toHaveLength(1);
          await expectReadable(again.store);
          await put(again, 40, 44);
          await expectReadable(again.store);
        }
      }
    }
  },
  60_000,
);

test("queue and index files that point before the log only are deleted with it", async () => {
  await using scene = await openScene();
  const { disk, store } = scene;
  for (let index = 0; index < 1500; index++) {
    await store.put([testMessage(index, { queueId: 0 })]);
  }
  await put(scene, 1500, 1502);
  const queuePath = `${STORE_PATH}/consumequeue/TestTopic/0`;
  expect(disk.listSync(queuePath).length).toBeGreaterThan(4);
  const indexFiles = disk.listSync(`${STORE_PATH}/index`);
  expect(indexFiles.length).toBeGreaterThan(1);
  later(scene, 73);
  store.deleteExpiredFiles();
  await pass(scene, 5000);
  expect(logFiles(scene)).toHaveLength(1);
  expect(disk.listSync(queuePath).length).toBeLessThan(3);
  expect(disk.listSync(`${STORE_PATH}/index`).length).toBeLessThan(indexFiles.length);
  expect((await store.queryIndex("TestTopic", "key1501", 8, 0, 1e15)).offsets).toHaveLength(1);
  await expectReadable(store);
});

test("a queue that is made again after a deletion keeps its offsets behind blank units", async () => {
  const disk = newMemoryDisk();
  const scene = await openScene(disk);
  await put(scene, 0, 40);
  later(scene, 73);
  scene.store.deleteExpiredFiles();
  await pass(scene, 5000);
  const bounds = scene.store.queueBounds("TestTopic", 0)!;
  await close(scene.clock, scene.store);
  const queuePath = `${STORE_PATH}/consumequeue/TestTopic/0`;
  for (const queueId of ["0", "1"]) {
    const path = `${STORE_PATH}/consumequeue/TestTopic/${queueId}`;
    for (const name of disk.listSync(path)) disk.unlinkSync(`${path}/${name}`);
  }
  {
    await using again = await openScene(disk, scene.clock);
    expect(again.store.queueBounds("TestTopic", 0)).toEqual(bounds);
    await expectReadable(again.store);
    await pass(again, 100);
  }
  const [name] = disk.listSync(queuePath);
  const unit = disk.contents(`${queuePath}/${name}`).subarray(0, 20);
  expect([...unit]).toEqual([
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0x7f,
    0xff,
    0xff,
    0xff,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
});

test("a read under way when its file is deleted ends with the record or with nothing", async () => {
  await using scene = await openScene();
  const { store } = scene;
  await put(scene, 0, 20);
  later(scene, 73);
  const cursor = store.openCursor("TestTopic", 0, 0)!;
  expect(cursor.next()).toBe(true);
  const { physicalOffset, size } = cursor;
  const reading = store.read(physicalOffset, size);
  store.deleteExpiredFiles();
  await pass(scene, 5000);
  expect((await reading)?.size ?? 0).toBeOneOf([0, size]);
  expect(await store.read(physicalOffset, size)).toBeNull();
  expect(await store.readRange(physicalOffset, size)).toBeNull();
});

test("closing doesn't wait for files that aren't due yet", async () => {
  const scene = await openScene();
  scene.settings.logFilesPauseMs = HOUR_MS;
  await put(scene, 0, 40);
  later(scene, 73);
  const before = logFiles(scene).length;
  scene.store.deleteExpiredFiles();
  await pass(scene, 500);
  await close(scene.clock, scene.store);
  expect(logFiles(scene)).toHaveLength(before - 1);
});

test("what a kill leaves of a deleted queue file stands beside the queue's folder and goes at the next start", async () => {
  const disk = newMemoryDisk();
  const scene = await openScene(disk);
  for (let index = 0; index < 900; index++) {
    await scene.store.put([testMessage(index, { queueId: 0 })]);
  }
  await put(scene, 900, 902);
  later(scene, 73);
  disk.inject({ operation: "unlink", code: "EIO", path: "/consumequeue/" });
  scene.store.deleteExpiredFiles();
  await pass(scene, 5000);
  disk.crash("process");
  const topicPath = `${STORE_PATH}/consumequeue/TestTopic`;
  const left = () => disk.listSync(topicPath).filter((name) => name.endsWith(".deleted"));
  expect(left().length).toBeGreaterThan(0);
  for (const name of disk.listSync(`${topicPath}/0`)) expect(name).toMatch(/^\d{20}$/);
  await using again = await openScene(disk, new VirtualClock(scene.clock.nowMs()));
  expect(left()).toEqual([]);
  await expectReadable(again.store);
});
