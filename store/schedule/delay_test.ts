import { describe, expect, test } from "bun:test";
import { parseLenientJson } from "../../core/json/lenient_reader.ts";
import { fixtureArchive } from "../../testdata/fixtures.ts";
import { DelayLevels } from "./delay_levels.ts";
import { DelayOffsets } from "./delay_offsets.ts";

describe("delay levels", () => {
  const levels = DelayLevels.parse("1s 5s 10s 30s 1m 2h 1d");

  test("are read from messageDelayLevel", () => {
    expect(levels.max).toBe(7);
    expect(levels.delayMs(1)).toBe(1000);
    expect(levels.delayMs(5)).toBe(60_000);
    expect(levels.delayMs(7)).toBe(86_400_000);
    expect(levels.delayMs(8)).toBeUndefined();
  });

  test("give the due time of a message; one beyond the last level is cut to it", () => {
    expect(levels.dueMs(2, 100)).toBe(5100);
    expect(levels.clamp(30)).toBe(7);
    expect(DelayLevels.queueOf(3)).toBe(2);
  });

  test.each(["", "1s 5x", "s", "1s 10"])("refuse %p naming the wrong level", (text) => {
    expect(() => DelayLevels.parse(text)).toThrow("messageDelayLevel: level");
  });
});

describe("delay offsets", () => {
  const recorded = fixtureArchive("store/store.tar.gz").get("config/delayOffset.json")!
    .toString("utf8");

  test("read Apache's delayOffset.json and write all of it back", () => {
    const offsets = new DelayOffsets(0);
    offsets.decode(recorded);
    expect(offsets.get(1)).toBe(7);
    expect(offsets.get(4)).toBe(0);
    expect(parseLenientJson(offsets.encode())).toEqual(parseLenientJson(recorded));
    expect(offsets.encode()).toContain("\t18:0");
  });

  test("move their data version with every 200th delivery and are dirty once", () => {
    const offsets = new DelayOffsets(0);
    offsets.set(1, 199, 199, 5);
    expect(offsets.encode()).toContain('"counter":0');
    offsets.set(1, 200, 1, 7);
    expect(offsets.encode()).toContain('"counter":1,"stateVersion":0,"timestamp":7');
    expect(offsets.takeDirty()).toBeTrue();
    expect(offsets.takeDirty()).toBeFalse();
  });
});
