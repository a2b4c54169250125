// Timer files that can't be used as they are: the broker keeps them aside, makes them again, and delivers every timer.
import { expect, test } from "bun:test";
import type { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { TestTimer } from "./testing_timer.ts";

const TIMER_LOG = "/store/timerlog";

function timerLogs(disk: MemoryDisk): string[] {
  return disk.listSync(TIMER_LOG).map((name) => `${TIMER_LOG}/${name}`);
}

const DAMAGES: Record<string, (disk: MemoryDisk) => void> = {
  "a timer wheel cut short": (disk) =>
    disk.openSync("/store/timerwheel", "write").truncateSync(1000),
  "the timer log's last file cut within a unit": (disk) =>
    disk.openSync(timerLogs(disk).at(-1)!, "write").truncateSync(77),
  "an inner file of the timer log cut short": (disk) =>
    disk.openSync(timerLogs(disk)[1]!, "write").truncateSync(104),
  "an inner file of the timer log lost": (disk) => disk.unlinkSync(timerLogs(disk)[1]!),
  "something else in the timer log's folder": (disk) =>
    disk.place(`${TIMER_LOG}/readme.txt`, new Uint8Array(3)),
};

for (const [damage, spoil] of Object.entries(DAMAGES)) {
  for (const isKilled of [false, true]) {
    test(`${damage} costs no timer after a ${isKilled ? "kill" : "clean stop"}`, async () => {
      await using timer = await TestTimer.open();
      const startMs = timer.clock.nowMs();
      const keys: string[] = [];
      for (let second = 1; second <= 60; second++) {
        keys.push(await timer.send(startMs + second * 1000 + 500));
      }
      await timer.clock.advance(5_200);
      expect(timerLogs(timer.disk).length).toBeGreaterThan(2);
      if (isKilled) await timer.crash("process");
      await timer.stop();
      spoil(timer.disk);
      await timer.start();
      expect(timer.disk.listSync("/store/kept-aside")).toHaveLength(1);
      expect(
        timer.logged.some(({ level, text }) => level === "warn" && text.includes("made again")),
      )
        .toBe(true);
      await timer.clock.advance(90_000);
      expect((await timer.keys()).sort()).toEqual(keys.sort());
      await timer.stop();
      await timer.start();
      expect(timer.disk.listSync("/store/kept-aside")).toHaveLength(1);
    });
  }
}
