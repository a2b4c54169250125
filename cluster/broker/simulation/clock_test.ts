// The wall clock is moved, by an operator or by NTP, hours forward or back: timestamps say what the clock says, held pulls
// and flushes go by the time that passes, and delayed messages come as soon as they may.
import { describe, expect, test } from "bun:test";
import { decodeRecords } from "../../../core/message/record.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { Rig } from "./rig.ts";

const HOUR_MS = 3_600_000;
const JUMPS: [string, number][] = [["forward", 5 * HOUR_MS], ["backward", -5 * HOUR_MS]];

async function openRig(flushDiskType: string): Promise<Rig> {
  const rig = new Rig({ flushDiskType });
  await rig.open();
  return rig;
}

describe.each(JUMPS)("a wall clock that jumps %s", (_direction, jumpMs) => {
  test.each(["ASYNC_FLUSH", "SYNC_FLUSH"])(
    "leaves sends, reads and recovery whole under %s",
    async (flush) => {
      const rig = await openRig(flush);
      const beforeMs = rig.clock.nowMs();
      for (let count = 0; count < 5; count++) await rig.send(100);
      rig.clock.jumpWall(jumpMs);
      for (let count = 0; count < 5; count++) {
        expect((await rig.send(100))[1].code).toBe(ResponseCode.SUCCESS);
      }
      const times = (await rig.readAll()).map(({ storeTimestampMs }) => storeTimestampMs);
      expect(times.map((time) => Math.round((time - beforeMs) / HOUR_MS) * HOUR_MS)).toEqual([
        ...Array(5).fill(0),
        ...Array(5).fill(jumpMs),
      ]);
      rig.crash(flush === "SYNC_FLUSH" ? "power" : "process");
      await rig.open();
      expect(await rig.readAll()).toHaveLength(10);
    },
  );

  test("neither cuts a held pull short nor prolongs it, and an arrival still answers it", async () => {
    const rig = await openRig("ASYNC_FLUSH");
    await rig.send(100);
    let answered = "";
    void rig.pull(1, 20_000).then(({ code }) => answered = `timeout ${code}`);
    await rig.clock.advance(1000);
    rig.clock.jumpWall(jumpMs);
    await rig.clock.advance(10_000);
    expect(answered).toBe("");
    await rig.clock.advance(15_000);
    expect(answered).toBe(`timeout ${ResponseCode.PULL_NOT_FOUND}`);

    const held = rig.pull(1, 20_000);
    rig.clock.jumpWall(-jumpMs);
    await rig.send(100);
    const { code, body } = await rig.wait(held);
    expect(code).toBe(ResponseCode.SUCCESS);
    expect(decodeRecords(body)).toHaveLength(1);
  });

  test("delivers delayed messages, none twice", async () => {
    const rig = await openRig("ASYNC_FLUSH");
    await rig.send(50, [["DELAY", "3"]]);
    await rig.clock.advance(1000);
    rig.clock.jumpWall(jumpMs);
    await rig.send(60, [["DELAY", "2"]]);
    // A due time that lies further ahead than its level's delay comes from another clock.
    await rig.clock.advance(12_000);
    const sizes = (await rig.readAll()).map(({ body }) => body.length);
    expect(sizes.sort()).toEqual([50, 60]);
  });

  test("flushes what was written before and after it", async () => {
    const rig = await openRig("ASYNC_FLUSH");
    await rig.send(100);
    rig.clock.jumpWall(jumpMs);
    await rig.send(100);
    await rig.clock.advance(11_000);
    rig.crash("power");
    await rig.open();
    expect(await rig.readAll()).toHaveLength(2);
  });
});

test("delayed messages that come due together are delivered though a log file can't hold them all", async () => {
  const rig = await openRig("SYNC_FLUSH");
  for (let count = 0; count < 9; count++) await rig.send(3000, [["DELAY", "1"]]);
  await rig.clock.advance(3000);
  expect(await rig.readAll()).toHaveLength(9);
});
