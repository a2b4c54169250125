// The table of groups' filters: what Apache recorded is read and written to the byte, groups come, go and are forgotten.
import { beforeEach, describe, expect, test } from "bun:test";
import { silentLogger } from "../../../core/log.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { fixtureArchive } from "../../../testdata/fixtures.ts";
import { parseSubscription } from "../clients/subscription.ts";
import { memoryTableFile } from "../table_file.ts";
import { bloomPositionOf } from "./bloom_position.ts";
import { Expressions } from "./expressions.ts";
import { FilterTable } from "./filter_table.ts";

const settings = {
  enablePropertyFilter: true,
  filterDataCleanTimeSpan: 86_400_000,
  expectConsumerNumUseFilter: 32,
  maxErrorRateOfBloomFilter: 20,
};
const recorded = fixtureArchive("store/store.tar.gz").get("config/consumerFilter.json")!
  .toString("utf8");
const sql = (topic: string, expression: string, version: number) =>
  parseSubscription(topic, expression, "SQL92", version)!;

describe("the filters of groups", () => {
  let clock: VirtualClock;

  beforeEach(() => {
    clock = new VirtualClock();
  });

  function open(file = memoryTableFile(), enabled = true) {
    const expressions = new Expressions();
    const options = { file, expressions, clock, log: silentLogger };
    return new FilterTable({
      ...options,
      settings: { ...settings, enablePropertyFilter: enabled },
    });
  }

  test("that Apache saved are read, and written back to the byte", async () => {
    const file = memoryTableFile(recorded);
    const table = open(file);
    const filter = table.get("TopicFilter", "GID_sql")!;
    expect(filter.expression).toBe(
      "a > 5 AND region IS NOT NULL AND name IN ('x','y')",
    );
    expect(filter.filter).not.toBeNull();
    table.register("GID_sql", [sql("TopicFilter", filter.expression, 1795231005331)]);
    await table.saveWhenChanged();
    expect(file.text).toBe(
      recorded.replace("1795231005330", "1795231005331").replace('"dead":true', '"dead":false')
        .replace('"deadTime":1795231011503', '"deadTime":0'),
    );
  });

  test("that were switched on at run time stand beside those of the file", () => {
    const file = memoryTableFile(recorded);
    const live = { ...settings, enablePropertyFilter: false };
    const options = { file, expressions: new Expressions(), clock, log: silentLogger };
    const table = new FilterTable({ ...options, settings: live });
    table.register("G", [sql("T", "a > 1", 1)]);
    expect([...table.ofTopic("T"), ...table.ofTopic("TopicFilter")]).toEqual([]);
    live.enablePropertyFilter = true;
    table.register("G", [sql("T", "a > 1", 1)]);
    expect(table.ofTopic("T")).toHaveLength(1);
    expect(table.get("TopicFilter", "GID_sql")).toBeDefined();
  });

  test("of a file that can't be read are left out when they are switched on at run time", () => {
    const live = { ...settings, enablePropertyFilter: false };
    const options = { expressions: new Expressions(), clock, log: silentLogger };
    const table = new FilterTable({ ...options, file: memoryTableFile("{"), settings: live });
    live.enablePropertyFilter = true;
    table.register("G", [sql("T", "a > 1", 1)]);
    expect(table.ofTopic("T")).toHaveLength(1);
  });

  test("have the bit positions that Apache computed", () => {
    expect(bloomPositionOf("GID_sql#TopicFilter", settings)).toEqual({
      bitNum: 112,
      bitPos: [31, 16, 1],
    });
  });

  test("follow newer versions only", () => {
    const table = open();
    table.register("G", [sql("T", "a = 1", 5)]);
    table.register("G", [sql("T", "a = 2", 4)]);
    expect(table.get("T", "G")?.expression).toBe("a = 1");
    table.register("G", [sql("T", "a = 2", 6)]);
    expect(table.get("T", "G")).toMatchObject({ expression: "a = 2", clientVersion: 6 });
  });

  test("are gone when the new one can't be compiled", () => {
    const table = open();
    table.register("G", [sql("T", "a = 1", 5)]);
    table.register("G", [sql("T", "a >> 1", 6)]);
    expect(table.get("T", "G")).toBeUndefined();
  });

  test("die with their group or subscription, and live again", async () => {
    const table = open();
    table.register("G", [sql("T", "a = 1", 5), sql("U", "a = 1", 5)]);
    await clock.advance(10);
    table.register("G", [sql("T", "a = 1", 5)]);
    expect(table.get("U", "G")?.deadMs).toBe(clock.nowMs());
    table.unregister("G");
    expect(table.get("T", "G")?.deadMs).toBe(clock.nowMs());
    table.register("G", [sql("T", "a = 1", 5)]);
    expect(table.get("T", "G")?.deadMs).toBe(0);
  });

  test("are forgotten a day after their death", async () => {
    const file = memoryTableFile();
    const table = open(file);
    table.register("G", [sql("T", "a = 1", 5)]);
    await clock.advance(1);
    table.unregister("G");
    await clock.advance(settings.filterDataCleanTimeSpan - 1);
    await table.saveWhenChanged();
    expect(table.get("T", "G")).toBeDefined();
    await clock.advance(1);
    await table.saveWhenChanged();
    expect(table.get("T", "G")).toBeUndefined();
    expect(file.text).toBe('{\n\t"filterDataByTopic":{}\n}');
  });

  test("survive a restart as dead ones until their group is back", async () => {
    const file = memoryTableFile();
    const first = open(file);
    first.register("G", [sql("T", "a = 1", 5)]);
    await first.saveWhenChanged();
    await clock.advance(60_000);
    const second = open(memoryTableFile(file.text));
    expect(second.get("T", "G")?.deadMs).toBe(clock.nowMs() - 30_000);
  });

  test("are neither read nor kept when filtering by properties is off", async () => {
    const file = memoryTableFile(recorded);
    const table = open(file, false);
    table.register("G", [sql("T", "a = 1", 5)]);
    await table.saveWhenChanged();
    expect(table.get("T", "G")).toBeUndefined();
    expect(table.get("TopicFilter", "GID_sql")).toBeUndefined();
    expect(file.text).toBe(recorded);
  });
});
