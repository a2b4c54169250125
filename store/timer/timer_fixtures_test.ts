// The timer's files as Apache 5.4.0 wrote them: read to what its own reader said, and made again byte for byte.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { fixtureArchive, fixtureJson } from "../../testdata/fixtures.ts";
import { decodeTimerCheck, encodeTimerCheck, TimerCheckFile } from "./timer_check.ts";
import { TimerLog } from "./timer_log.ts";
import { TimerMetrics } from "./timer_metrics.ts";
import { TimerStore } from "./timer_store.ts";
import { BLANK_UNIT_MAGIC, newTimerUnit } from "./timer_unit.ts";
import { TimerWheel, WHEEL_BYTES } from "./timer_wheel.ts";

interface ExpectedTimer {
  timer: {
    wheelSize: number;
    usedSlots: {
      slot: number;
      timeSeconds: number;
      firstPos: number;
      lastPos: number;
      num: number;
    }[];
    timerLog: {
      pos: number;
      prevPos: number;
      magic: number;
      enqueueTime: number;
      delayed: number;
      offsetPy: number;
      sizePy: number;
      hashCodeOfRealTopic: number;
    }[];
    timercheck: Record<string, number>;
  };
}

const FILE_BYTES = 1040;
const expected = fixtureJson<ExpectedTimer>("expected/store.json").timer;
const archive = fixtureArchive("store/store.tar.gz");
const units = expected.timerLog.filter(({ magic }) => magic !== BLANK_UNIT_MAGIC);

function recordedDisk(): MemoryDisk {
  const disk = new MemoryDisk(seededRandom(1));
  for (const [path, bytes] of archive) {
    if (/^(timerlog\/|timerwheel|config\/timer)/.test(path)) disk.place(`/store/${path}`, bytes);
  }
  return disk;
}

function openStore(disk: MemoryDisk, nowMs: number): TimerStore {
  return TimerStore.open({
    disk,
    log: silentLogger,
    storePath: "/store",
    logFileBytes: FILE_BYTES,
    precisionMs: 1000,
    rollWindowSlots: 172_800,
    commitLogEnd: Infinity,
    queueEnd: Infinity,
    nowMs,
  });
}

function readFile(disk: MemoryDisk, path: string): Buffer {
  const file = disk.openSync(path, "read");
  const bytes = Buffer.alloc(file.sizeSync());
  file.readSync(bytes, 0, bytes.length, 0);
  return bytes;
}

describe("the recorded timer log and wheel", () => {
  test("read as Apache's reader read them, over the blank units at the files' ends", () => {
    const disk = recordedDisk();
    const log = TimerLog.open({
      disk,
      log: silentLogger,
      path: "/store/timerlog",
      fileBytes: 1040,
    });
    const unit = newTimerUnit();
    for (const row of expected.timerLog) {
      if (row.magic === BLANK_UNIT_MAGIC) {
        expect(log.read(row.pos, unit)).toBe("blank");
        continue;
      }
      expect(log.read(row.pos, unit)).toBe("unit");
      expect(unit).toEqual({
        previous: row.prevPos,
        magic: row.magic,
        writeTimeMs: row.enqueueTime,
        delayMs: row.delayed,
        physicalOffset: row.offsetPy,
        recordBytes: row.sizePy,
        topicHash: row.hashCodeOfRealTopic,
      });
    }
    const wheel = new TimerWheel(disk, "/store/timerwheel", 1000);
    expect(wheel.exists()).toBeTrue();
    const slot = { first: 0, last: 0, count: 0 };
    for (const row of expected.usedSlots) {
      expect(wheel.get(row.timeSeconds * 1000, slot)).toBeTrue();
      expect(slot).toEqual({ first: row.firstPos, last: row.lastPos, count: row.num });
    }
    expect(wheel.get(expected.usedSlots[0]!.timeSeconds * 1000 + 1000 * 604800, slot)).toBeFalse();
  });

  test("are opened where Apache stopped, and their chains walked back", () => {
    const check = expected.timercheck;
    const store = openStore(recordedDisk(), check["lastReadTimeMs"]!);
    expect(store.readTimeMs).toBe(check["lastReadTimeMs"]!);
    expect(store.queueOffset).toBe(54);
    expect(store.lastUnit).toMatchObject({ physicalOffset: 99669, recordBytes: 438 });
    const chain = store.unitsOf(1795238183000)!;
    expect(chain.count).toBe(3);
    expect([...chain.physicalOffsets.subarray(0, 3)]).toEqual([46224, 45874, 45524]);
    const recalled = store.unitsOf(1795232779000)!;
    expect([...recalled.magics.subarray(0, 2)]).toEqual([5, 1]);
  });

  test("are made again byte for byte from the same timers", async () => {
    const disk = new MemoryDisk(seededRandom(1));
    const store = openStore(disk, units[0]!.enqueueTime);
    for (const row of units) {
      store.moveWriteTime(row.enqueueTime);
      const slotMs = row.enqueueTime + row.delayed;
      // The one that rolls was due after 60 h.
      const outMs = (row.magic & 2) === 0 ? slotMs : row.enqueueTime + 60 * 3_600_000;
      const isDelete = (row.magic & 4) !== 0;
      store.enqueue(outMs, row.offsetPy, row.sizePy, isDelete, row.hashCodeOfRealTopic);
    }
    await store.flush(0);
    await store.close();
    for (const name of ["0000", "1040", "2080"]) {
      const path = `timerlog/${name.padStart(20, "0")}`;
      expect(readFile(disk, `/store/${path}`).equals(archive.get(path)!)).toBeTrue();
    }
    const made = readFile(disk, "/store/timerwheel");
    const recorded = archive.get("timerwheel")!;
    expect(made.length).toBe(WHEEL_BYTES);
    for (const { slot } of expected.usedSlots) {
      const at = slot * 32;
      expect(made.subarray(at, at + 32)).toEqual(recorded.subarray(at, at + 32));
    }
  });

  test("are found whole again when the wheel is lost: every slot that isn't delivered has its chain", () => {
    const disk = recordedDisk();
    disk.unlinkSync("/store/timerwheel");
    const store = openStore(disk, expected.timercheck["lastReadTimeMs"]!);
    const waiting = expected.usedSlots.filter(({ timeSeconds }) =>
      timeSeconds * 1000 >= store.readTimeMs
    );
    expect(waiting.length).toBeGreaterThan(5);
    for (const { num, timeSeconds } of waiting) {
      expect(store.waitingAt(timeSeconds * 1000)).toBe(num);
    }
    expect(store.unitsOf(1795238183000)!.count).toBe(3);
  });
});

describe("the recorded check and counts", () => {
  test("are read, and written as they were", () => {
    const bytes = archive.get("config/timercheck")!;
    const check = new TimerCheckFile(recordedDisk(), "/store/config/timercheck").load(0)!
      .said;
    expect(check).toEqual({
      lastReadTimeMs: 1795231288000,
      logFlushPosition: 2912,
      queueOffset: 54,
      masterQueueOffset: 54,
      stateVersion: 0,
      timestampMs: 1795231288689,
      counter: 321,
    });
    expect(encodeTimerCheck(check)).toEqual(Buffer.from(bytes.subarray(0, 56)));
    // Files of brokers before the version was added.
    expect(decodeTimerCheck(bytes.subarray(0, 32), 7)).toMatchObject({
      queueOffset: 54,
      counter: 0,
    });
  });

  test("count the waiting messages of each topic, in Apache's words", () => {
    const text = archive.get("config/timermetrics")!.toString("utf8");
    const metrics = new TimerMetrics(0);
    metrics.decode(text);
    expect(metrics.count("TopicTimer")).toBe(26);
    expect(metrics.takeDirty()).toBeFalse();
    expect(JSON.parse(metrics.encode())).toEqual(JSON.parse(text));
    metrics.add("TopicTimer", -1, 5);
    metrics.remove("rmq_sys_REVIVE_LOG_FixtureCluster");
    expect(metrics.takeDirty()).toBeTrue();
    expect(metrics.all()).toEqual([["TopicTimer", 25]]);
  });
});
