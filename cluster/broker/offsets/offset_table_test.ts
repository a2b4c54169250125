import { describe, expect, test } from "bun:test";
import type { JsonObject, JsonValue } from "../../../core/json/json_value.ts";
import { parseLenientJson } from "../../../core/json/lenient_reader.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { fixtureArchive } from "../../../testdata/fixtures.ts";
import { memoryTableFile } from "../table_file.ts";
import { OffsetTable } from "./offset_table.ts";

function openTable(text: string | null = null) {
  const file = memoryTableFile(text);
  const settings = { consumerOffsetUpdateVersionStep: 500, useServerSideResetOffset: true };
  const clock = new VirtualClock();
  const table = new OffsetTable({ settings, file, clock, parse: parseLenientJson });
  return { table, file, settings };
}

const recorded = fixtureArchive("store/store.tar.gz").get("config/consumerOffset.json")!
  .toString("utf8");

interface OffsetFile {
  dataVersion: JsonValue;
  groupTopicMap: Record<string, string[]>;
  offsetTable: Record<string, Record<string, number>>;
}

const parse = (text: string) => parseLenientJson(text) as JsonObject & OffsetFile;

describe("consumers' offsets", () => {
  test("read Apache's consumerOffset.json and write all of it back, with bare integer keys", async () => {
    const { table, file } = openTable(recorded);
    table.commit("TopicMix", "GID_push", 0, 9);
    await table.saveWhenDirty();
    const [saved, original] = [parse(file.text!), parse(recorded)];
    expect(saved.offsetTable).toEqual(original.offsetTable);
    expect(saved.dataVersion).toEqual(original.dataVersion);
    for (const topics of Object.values(saved.groupTopicMap)) topics.sort();
    for (const topics of Object.values(original.groupTopicMap)) topics.sort();
    expect(saved.groupTopicMap).toEqual(original.groupTopicMap);
    expect(file.text).toContain('"TopicMix@GID_push":{0:9,1:9,2:3,3:3}');
  });

  test("are found by topic, group and queue; -1 when there are none", () => {
    const { table } = openTable(recorded);
    expect(table.query("TopicMix", "GID_trace", 2)).toBe(12);
    expect(table.query("TopicMix", "GID_trace", 9)).toBe(-1);
    expect(table.query("TopicMix", "GID_nobody", 0)).toBe(-1);
    expect([...table.topicsOf("GID_retry")].sort()).toEqual(["%RETRY%GID_retry", "TopicRetry"]);
    expect([...table.groupsOf("TopicMix")].sort()).toEqual(["GID_push", "GID_trace"]);
  });

  test("move their data version with every 500th commit", () => {
    const { table } = openTable();
    for (let commit = 1; commit < 500; commit++) table.commit("T", "G", 0, commit);
    expect(table.dataVersion.counter).toBe(0);
    table.commit("T", "G", 0, 500);
    expect(table.dataVersion.counter).toBe(1);
  });

  test("are saved only when something changed", async () => {
    const { table, file } = openTable();
    await table.saveWhenDirty();
    expect(file.text).toBeNull();
    table.commit("T", "G", 0, 1);
    await table.saveWhenDirty();
    expect(parse(file.text!).offsetTable).toEqual({ "T@G": { 0: 1 } });
  });

  test("that were reset on the server answer queries until a pull takes the reset away", () => {
    const { table } = openTable(recorded);
    table.reset("TopicMix", "GID_push", 0, 4);
    expect(table.query("TopicMix", "GID_push", 0)).toBe(4);
    expect(table.hasReset("TopicMix", "GID_push", 0)).toBeTrue();
    expect(table.takeReset("TopicMix@GID_push", 0)).toBe(4);
    expect(table.takeReset("TopicMix@GID_push", 0)).toBeUndefined();
    expect(table.anyReset).toBeFalse();
    expect(table.query("TopicMix", "GID_push", 0)).toBe(4);
  });

  test("go with their topic or their group, those of broadcasting groups staying", () => {
    const { table } = openTable(recorded);
    table.removeTopic("TopicBroadcast");
    expect(table.all().has("TopicBroadcast@GID_bc@broadcast")).toBeTrue();
    table.removeGroup("GID_push");
    expect(table.query("TopicMix", "GID_push", 0)).toBe(-1);
    expect(table.query("TopicMix", "GID_trace", 0)).toBe(9);
  });

  test("beyond the end of their queue go back to it, others stay as they are", () => {
    const { table } = openTable();
    table.commit("Lost", "G", 0, 9);
    table.commit("Lost", "G", 1, 4);
    table.commit("Kept", "G", 0, 7);
    expect(table.clamp((topic) => topic === "Lost" ? 5 : Infinity)).toBe(1);
    expect(table.query("Lost", "G", 0)).toBe(5);
    expect(table.query("Lost", "G", 1)).toBe(4);
    expect(table.query("Kept", "G", 0)).toBe(7);
  });
});
