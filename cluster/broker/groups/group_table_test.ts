import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../../core/log.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { fixtureArchive } from "../../../testdata/fixtures.ts";
import { memoryTableFile } from "../table_file.ts";
import { type GroupConfig, newGroupConfig } from "./group_config.ts";
import { FORBIDDEN_READ, GroupTable } from "./group_table.ts";

function openTable(text: string | null = null, autoCreateSubscriptionGroup = true) {
  const file = memoryTableFile(text);
  const settings = { autoCreateSubscriptionGroup, enableCreateSysGroup: true };
  const table = new GroupTable({ settings, file, clock: new VirtualClock(), log: silentLogger });
  return { table, file };
}

const recorded = fixtureArchive("store/store.tar.gz").get("config/subscriptionGroup.json")!
  .toString("utf8");

describe("the subscription groups of a broker", () => {
  test("at boot are those that Apache 5.4.0 makes", () => {
    const { table } = openTable();
    const expected = JSON.parse(recorded).subscriptionGroupTable as Record<string, GroupConfig>;
    for (const [name, group] of table.all()) expect({ ...group }).toEqual(expected[name]!);
    const made = Object.keys(expected).filter((name) => !name.startsWith("GID_"));
    expect([...table.all().keys()].sort()).toEqual(made.sort());
  });

  test("read Apache's subscriptionGroup.json and write all of it back", async () => {
    const { table, file } = openTable(recorded);
    await table.save();
    expect(JSON.parse(file.text!)).toEqual(JSON.parse(recorded));
  });

  test("are made by being used, unless that is off or the name is illegal", () => {
    expect(openTable().table.find("GID_new")).toEqual(newGroupConfig("GID_new"));
    expect(openTable().table.find("GID new")).toBeUndefined();
    expect(openTable().table.find("g".repeat(121))).toBeUndefined();
    const { table } = openTable(null, false);
    expect(table.find("GID_new")).toBeUndefined();
    expect(table.find("CID_RMQ_SYS_x")).toBeDefined();
  });

  test("keep what they are forbidden in the file", () => {
    const { table, file } = openTable();
    table.setForbidden("G", "T", FORBIDDEN_READ, true);
    expect(JSON.parse(file.text!).forbiddenTable).toEqual({ G: { T: 4 } });
    const { table: again } = openTable(file.text);
    expect(again.isForbidden("G", "T", FORBIDDEN_READ)).toBeTrue();
    again.setForbidden("G", "T", FORBIDDEN_READ, false);
    expect(again.isForbidden("G", "T", FORBIDDEN_READ)).toBeFalse();
  });

  test("take changes all or nothing", () => {
    const { table } = openTable();
    const bad = newGroupConfig("Bad", { attributes: { "+colour": "red" } });
    expect(() => table.update([newGroupConfig("Good"), bad])).toThrow("unsupported key: colour");
    expect(table.has("Good")).toBeFalse();
    table.update([newGroupConfig("Good", { attributes: { "+priority.factor": "50" } })]);
    expect(table.get("Good")!.attributes).toEqual({ "priority.factor": "50" });
  });

  test("are gone with all they were forbidden once deleted", () => {
    const { table } = openTable(recorded);
    table.setForbidden("GID_push", "T", FORBIDDEN_READ, true);
    expect(table.delete("GID_push")).toBeTrue();
    expect(table.get("GID_push")).toBeUndefined();
    expect(table.isForbidden("GID_push", "T", FORBIDDEN_READ)).toBeFalse();
    expect(table.delete("GID_push")).toBeFalse();
  });
});
