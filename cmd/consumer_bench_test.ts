import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { benchStage } from "./bench/testing.ts";
import { consumerBench } from "./consumer_bench.ts";
import { ConsumeStats, ratesOf, reportText } from "./consumer_bench_stats.ts";
import { openTestCluster, type TestCluster } from "./inspector/testing.ts";
import { producerBench } from "./producer_bench.ts";
import { temporaryFolder } from "./testing.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await openTestCluster();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const stage = () => benchStage(consumerBench, cluster.nameServer);

async function fill(line: string): Promise<void> {
  expect(await benchStage(producerBench, cluster.nameServer).run(line)).toBe(0);
}

describe("consumer-bench", () => {
  test("consumes the quantity, and prints Apache's lines and percentiles", async () => {
    await fill("-t Backlog -q 300");
    const { out, run } = stage();
    expect(await run("-t Backlog -g g-backlog --from first -q 300")).toBe(0);
    const lines = out.join("\n").split("\n");
    expect(lines[0]).toBe(
      "topic: Backlog, threadCount 20, group: g-backlog, suffix: false, filterType: null, " +
        "expression: null, msgTraceEnable: false, aclEnable: false, reportInterval: 10000",
    );
    expect(lines[1]).toBe("Consumer Started.");
    expect(lines[2]).toMatch(
      /^\[Complete\] Consume Total: 300 \| Consume TPS: \d+ \| Consume Fail: 0$/,
    );
    expect(lines[4]).toMatch(/^B2C\(ms\): p50 \S+ \| p95 \S+ \| p99 \S+ \| p99.9 \S+ \| max \S+$/);
  });

  test("filters by the tag expression in a file, and says with --json one object", async () => {
    using folder = temporaryFolder();
    writeFileSync(`${folder.path}/expression`, "tag0 || tag1\n");
    await fill("-t Tagged -q 300 -l 2");
    const { out, run } = stage();
    const line = `-t Tagged -g g-tagged -f TAG -e ${folder.path}/expression --from first -q 300`;
    expect(await run(`${line} --json`)).toBe(0);
    expect(JSON.parse(out[0]!)).toMatchObject({ kind: "complete", group: "g-tagged", failed: 0 });
  });

  test("ends with its last report when it is interrupted, and failures are counted", async () => {
    await fill("-t Failing -q 50");
    const { out, run, interrupt } = stage();
    const code = run("-t Failing -g g-failing --from first -r 1 -ri 50 --json");
    while (!out.some((line) => line.includes('"messages":50'))) await Bun.sleep(5);
    interrupt();
    expect(await code).toBe(0);
    const last = JSON.parse(out.at(-1)!) as { interrupted: boolean; failed: number };
    expect(last.interrupted).toBe(true);
    expect(last.failed).toBeGreaterThanOrEqual(50);
  });

  test.each([
    ["-f SQL92 -e x", "this client filters by tags only"],
    ["-f REGEX -e x", "'REGEX' isn't TAG or SQL92"],
    ["-m true", "messages can't be traced yet"],
    ["-a true", "this client can't sign requests yet"],
    ["-r 2", "'2' isn't from 0 to 1"],
    ["--from middle", "'middle' isn't first or last"],
  ])("refuses %s as wrong usage", async (line, problem) => {
    const { err, out, run } = stage();
    expect(await run(line)).toBe(2);
    expect(err[0]).toContain(problem);
    expect(out).toEqual([]);
  });
});

test("the report is the line of Apache's Consumer", () => {
  const stats = new ConsumeStats();
  const first = stats.snapshot(0);
  stats.consumed(40, 4, false);
  stats.consumed(20, 2, true);
  const rates = ratesOf(first, stats.snapshot(2000));
  const time = new Date(2026, 10, 21, 8, 5, 49, 19).getTime();
  expect(reportText(rates, stats.takeMaxima(), time)).toBe(
    "Current Time: 2026-11-21 08:05:49,019 | Consume TPS: 1 | AVG(B2C) RT(ms):  30.000 | " +
      "AVG(S2C) RT(ms):   3.000 | MAX(B2C) RT(ms): 40 | MAX(S2C) RT(ms): 4 | Consume Fail: 1",
  );
  expect(stats.takeMaxima()).toEqual({ bornMaxMs: 0, storeMaxMs: 0 });
});
