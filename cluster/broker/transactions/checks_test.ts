// How checks go, step by step, with what Apache's users reported of its broker: issues of apache/rocketmq by their number.
import { beforeEach, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { newMemoryDisk, testMessage } from "../../../store/testing_store.ts";
import { COMMIT, ROLL_BACK } from "./testing.ts";
import { GIVEN_UP_TOPIC, HALF_TOPIC, OP_TOPIC, propertyOf, World } from "./testing_world.ts";

describe("a round of checks", () => {
  let disk: MemoryDisk;
  let clock: VirtualClock;
  let world: World;

  beforeEach(async () => {
    disk = newMemoryDisk();
    clock = new VirtualClock();
    world = await World.open(disk, clock);
  });

  async function check() {
    await world.transactions.checkNow();
    return world.takeChecks();
  }

  test("asks about what is older than transactionTimeOut, to the millisecond (9486), and puts it back", async () => {
    await world.prepare("A");
    await clock.advance(3000);
    await world.prepare("B");
    await clock.advance(3000);
    expect(await check()).toEqual([]);
    await clock.advance(1);
    const asked = await check();
    expect(asked.map(({ key, half }) => [key, half.queueOffset])).toEqual([["A", 2]]);
    expect(propertyOf(asked[0]!.record, "TRANSACTION_CHECK_TIMES")).toBe("1");
    expect(await world.bodies(HALF_TOPIC)).toEqual(["A", "B", "A"]);
    expect(world.progress[0]).toBe(1);
  });

  test("asks nobody about what was ended in time (1517), and moves both offsets on", async () => {
    for (let n = 0; n < 20; n++) {
      await world.end(await world.prepare(`K${n}`), n % 2 === 0 ? COMMIT : ROLL_BACK);
    }
    await clock.advance(7_000);
    expect(await check()).toEqual([]);
    expect(world.progress).toEqual([20, 1]);
    expect(await world.bodies(HALF_TOPIC)).toHaveLength(20);
  });

  test("asks no more once the producer ended by the first name of the half (8158)", async () => {
    const half = await world.prepare("A");
    await clock.advance(7_000);
    expect(await check()).toHaveLength(1);
    expect(await world.end(half, COMMIT)).toBe(0);
    await clock.advance(30_000);
    expect(await check()).toEqual([]);
    expect(await world.bodies("T")).toEqual(["A"]);
  });

  test("doesn't let a transaction be committed that was rolled back when asked (2694, 8158)", async () => {
    const half = await world.prepare("A");
    await clock.advance(7_000);
    const [asked] = await check();
    expect(await world.end(asked!.half, ROLL_BACK, { fromTransactionCheck: true })).toBe(0);
    expect(await world.end(half, COMMIT)).toBe(604);
    await clock.advance(30_000);
    await check();
    expect(await world.end(half, COMMIT)).toBe(604);
    expect(await world.bodies("T")).toEqual([]);
  });

  test("doesn't count the rounds in which a message is immune, and asks as often as it should after them (8311)", async () => {
    await world.prepare("A", { properties: { CHECK_IMMUNITY_TIME_IN_SECONDS: "600" } });
    await world.prepare("B");
    let asked: string[] = [];
    for (let round = 0; round < 20; round++) {
      await clock.advance(30_000);
      asked.push(...(await check()).map(({ key }) => key));
    }
    // Those behind it don't wait for it.
    expect(asked).toEqual(["B", "B", "B"]);
    expect(await world.bodies(GIVEN_UP_TOPIC)).toEqual(["B"]);
    asked = [];
    for (let round = 0; round < 5; round++) {
      await clock.advance(30_000);
      asked.push(...(await check()).map(({ key }) => key));
    }
    expect(asked).toEqual(["A", "A", "A"]);
    expect(await world.bodies(GIVEN_UP_TOPIC)).toEqual(["B", "A"]);
    const copies = await world.records(HALF_TOPIC);
    expect(propertyOf(copies[2]!, "TRAN_PREPARED_QUEUE_OFFSET")).toBe("0");
  });

  test("knows a commit in time of an immune message by any copy, and never asks (544)", async () => {
    const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: "100" };
    const half = await world.prepare("A", { properties });
    await clock.advance(30_000);
    expect(await check()).toEqual([]);
    expect(await world.end(half, COMMIT)).toBe(0);
    const late = await world.prepare("L", { properties });
    await clock.advance(120_000);
    expect((await check()).map(({ key }) => key)).toEqual(["L"]);
    // After its time only an answer to a check is taken.
    expect(await world.end(late, COMMIT)).toBe(604);
    expect(await world.end(late, COMMIT, { fromTransactionCheck: true })).toBe(0);
    expect(await world.bodies("T")).toEqual(["A", "L"]);
  });

  test("passes over what is no half message (9500)", async () => {
    await world.store.put([testMessage(1, { topic: HALF_TOPIC, queueId: 0 })]);
    await world.prepare("A");
    await clock.advance(7_000);
    expect((await check()).map(({ key }) => key)).toEqual(["A"]);
  });

  test("waits for what the disk doesn't give, and leaves it out when that lasts (9500)", async () => {
    await world.prepare("A");
    await world.prepare("B");
    await world.close();
    world = await World.open(disk, clock);
    await clock.advance(7_000);
    const fault = { operation: "read", code: "EIO", path: "/commitlog/" } as const;
    disk.inject(fault);
    for (let round = 0; round < 3; round++) expect(await check()).toEqual([]);
    disk.clearFaults();
    expect((await check()).map(({ key }) => key)).toEqual(["B"]);
  });

  test("tries again when the disk takes nothing: nobody is asked about a half that isn't put back", async () => {
    const half = await world.prepare("A");
    await clock.advance(7_000);
    world.store.setWriteRefusal({ status: "disk_full", detail: "full" });
    expect(await check()).toEqual([]);
    expect(await world.end(half, ROLL_BACK)).toBe(14);
    expect(await world.end(half, COMMIT)).toBe(14);
    world.store.setWriteRefusal(null);
    expect(await check()).toHaveLength(1);
    expect(await world.end(half, COMMIT)).toBe(0);
    expect(await world.bodies("T")).toEqual(["A"]);
  });

  test("gives up what is older than fileReservedTime, and what was asked about too often", async () => {
    await world.prepare("old", { bornTimestampMs: clock.nowMs() - 73 * 3_600_000 });
    await world.prepare("A", { topic: "U" });
    world.transactions.counts.add("U", 1);
    for (let round = 0; round < 6; round++) {
      await clock.advance(30_000);
      await check();
    }
    expect(await world.bodies(GIVEN_UP_TOPIC)).toEqual(["old", "A"]);
    expect(world.transactions.counts.get("U")).toBe(0);
  });

  test("begins anew with what an operator takes up again, and with nothing else", async () => {
    const half = await world.prepare("A");
    for (let round = 0; round < 5; round++) {
      await clock.advance(30_000);
      await check();
    }
    const [record] = await world.records(GIVEN_UP_TOPIC);
    const idOf = (offset: number) =>
      encodeOffsetMessageId(new Uint8Array([127, 0, 0, 1]), 10911, offset);
    expect(await world.resume(idOf(record!.physicalOffset))).toBe(0);
    // Once is enough.
    expect(await world.resume(idOf(record!.physicalOffset))).toBe(0);
    expect(await world.bodies(HALF_TOPIC)).toHaveLength(5);
    const [plain] = await world.store.put([testMessage(2)]);
    expect(await world.resume(idOf(plain!.physicalOffset))).toBe(1);
    expect(await world.resume("nonsense")).toBe(1);
    await clock.advance(30_000);
    const [asked] = await check();
    expect(propertyOf(asked!.record, "TRANSACTION_CHECK_TIMES")).toBe("1");
    expect(await world.end(half, COMMIT)).toBe(0);
    expect(await world.end(asked!.half, COMMIT)).toBe(0);
    expect(await world.bodies("T")).toEqual(["A"]);
    expect(await world.resume(idOf(record!.physicalOffset))).toBe(1);
  });

  test("keeps what the user set: flag, properties, tag and keys (Apache loses the flag)", async () => {
    await world.prepare("A", { flag: 7, properties: { TAGS: "t", KEYS: "k1 k2", color: "red" } });
    await clock.advance(7_000);
    const [asked] = await check();
    expect(asked!.record.flag).toBe(7);
    await world.end(asked!.half, COMMIT);
    const [record] = await world.records("T");
    expect(record!.flag).toBe(7);
    expect(["TAGS", "KEYS", "color"].map((name) => propertyOf(record!, name)))
      .toEqual(["t", "k1 k2", "red"]);
  });

  test("goes through thousands in slices, so that other work gets its turns", async () => {
    const count = 1000;
    for (let n = 0; n < count; n++) await world.prepare(`K${n}`);
    await clock.advance(7_000);
    let turns = 0;
    const original = clock.endOfTurn.bind(clock);
    clock.endOfTurn = (callback) => {
      turns++;
      original(callback);
    };
    expect(await check()).toHaveLength(count);
    expect(turns).toBeGreaterThan(count / 64);
    expect(world.progress[0]).toBe(count);
  });

  test("asks nobody without a producer, and counts all the same, as Apache does", async () => {
    await world.close();
    world = await World.open(disk, clock, {}, null);
    await world.prepare("A");
    for (let round = 0; round < 5; round++) {
      await clock.advance(30_000);
      expect(await check()).toEqual([]);
    }
    expect(await world.bodies(GIVEN_UP_TOPIC)).toEqual(["A"]);
  });

  test("a delay that a transaction asks for begins with its commit (Apache drops the message)", async () => {
    const half = await world.prepare("A", { properties: { DELAY: "3" } });
    expect(await world.end(half, COMMIT)).toBe(0);
    expect(await world.bodies("T")).toEqual([]);
    const [delayed] = await world.records("SCHEDULE_TOPIC_XXXX", 2);
    expect(new TextDecoder().decode(delayed!.body)).toBe("A");
    await clock.advance(7_000);
    expect(await check()).toEqual([]);
  });
});

describe("decisions", () => {
  test("go to the op topic together, after an interval or when there are enough, as Apache's do", async () => {
    const clock = new VirtualClock();
    const world = await World.open(newMemoryDisk(), clock, { transactionOpMsgMaxSize: 100 });
    const halves = [];
    for (let n = 0; n < 60; n++) halves.push(await world.prepare(`K${n}`));
    await world.end(halves[2]!, ROLL_BACK);
    await world.end(halves[0]!, COMMIT);
    await clock.advance(2_999);
    expect(await world.bodies(OP_TOPIC)).toEqual([]);
    await clock.advance(1);
    const [record] = await world.records(OP_TOPIC);
    expect(new TextDecoder().decode(record!.body)).toBe("2,0,");
    expect(new TextDecoder().decode(record!.properties)).toBe("WAIT\x01true\x02TAGS\x01d\x02");
    expect(record).toMatchObject({ queueId: 0, sysFlag: 0, flag: 0 });
    for (const half of halves.slice(3, 40)) await world.end(half, ROLL_BACK);
    await clock.advance(1);
    expect((await world.bodies(OP_TOPIC)).map((body) => body.length)).toEqual([4, 101]);
    await world.close();
    expect(await World.open(world.disk, clock).then((again) => again.bodies(OP_TOPIC)))
      .toHaveLength(3);
  });

  test("of a broker that was killed before it wrote them are found in the log: nothing comes twice", async () => {
    const clock = new VirtualClock();
    const disk = newMemoryDisk();
    const first = await World.open(disk, clock);
    const half = await first.prepare("A");
    await first.end(half, COMMIT);
    first.crash();
    const second = await World.open(disk, clock);
    await clock.advance(60_000);
    await second.transactions.checkNow();
    expect(second.takeChecks()).toEqual([]);
    expect(await second.end(half, COMMIT)).toBe(0);
    expect(await second.end(half, ROLL_BACK)).toBe(604);
    expect(await second.bodies("T")).toEqual(["A"]);
  });

  test("without an index are asked for again after a kill, as by Apache", async () => {
    const clock = new VirtualClock();
    const disk = newMemoryDisk();
    const first = await World.open(disk, clock, { messageIndexEnable: false });
    await first.end(await first.prepare("A"), COMMIT);
    first.crash();
    const second = await World.open(disk, clock, { messageIndexEnable: false });
    await clock.advance(60_000);
    await second.transactions.checkNow();
    const [asked] = second.takeChecks();
    expect(await second.end(asked!.half, COMMIT)).toBe(0);
    expect(await second.bodies("T")).toEqual(["A", "A"]);
  });
});

test("open transactions are counted by topic in Apache's file", async () => {
  const clock = new VirtualClock();
  const disk = newMemoryDisk();
  disk.makeDirectorySync("/store/config");
  const text = '{"dataVersion":{"counter":10,"stateVersion":0,"timestamp":1795231075809},' +
    '"transactionCount":{"TopicTx":{"count":2,"timeStamp":1795231075809}}}';
  disk.place("/store/config/transactionMetrics", Buffer.from(text));
  const world = await World.open(disk, clock);
  world.transactions.counts.add("TopicTx", 1);
  await world.end(await world.prepare("A", { topic: "TopicTx" }), COMMIT);
  await world.end(await world.prepare("B", { topic: "Other" }), ROLL_BACK);
  await world.close();
  const nowMs = clock.nowMs();
  expect(JSON.parse(Buffer.from(disk.contents("/store/config/transactionMetrics")).toString()))
    .toEqual({
      dataVersion: { counter: 13, stateVersion: 0, timestamp: nowMs },
      transactionCount: {
        TopicTx: { count: 2, timeStamp: nowMs },
        Other: { count: -1, timeStamp: nowMs },
      },
    });
});
