import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../core/time/system_clock.ts";
import { openTestCluster, type TestCluster } from "./inspector/testing.ts";
import { LineOutput } from "./subscribe_output.ts";
import { PlayedSignals, publish, subscribe } from "./subscribe_testing.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await openTestCluster();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n));
const sorted = (text: string) =>
  text.split("\n").slice(0, -1).sort((a, b) => Number(a) - Number(b));

async function fill(topic: string, count: number): Promise<void> {
  await publish(cluster.nameServer, `-t ${topic}`, numbers(count).join("\n"));
}

describe("subscribe", () => {
  test("writes what is there and ends with --until end; the group goes on from there", async () => {
    await fill("Backlog", 1000);
    const line = "-t Backlog -g g1 --from first --until end";
    expect(sorted(await subscribe(cluster.nameServer, line))).toEqual(numbers(1000));
    expect(await subscribe(cluster.nameServer, line)).toBe("");
  });

  test("ends after exactly --count messages, and leaves the others to the group", async () => {
    await fill("Counted", 100);
    const line = "-t Counted -g g1 --from first";
    const first = await subscribe(cluster.nameServer, `${line} --count 33`);
    expect(first.trim().split("\n").length).toBe(33);
    const rest = await subscribe(cluster.nameServer, `${line} --until end`);
    expect(sorted(first + rest)).toEqual(numbers(100));
  });

  test("writes nothing that was stored after --until, and doesn't consume it", async () => {
    await fill("Timed", 20);
    const betweenMs = systemClock.nowMs() + 5;
    while (systemClock.nowMs() <= betweenMs + 5) await systemClock.sleep(1);
    await publish(cluster.nameServer, "-t Timed", "late\nlater\n");
    const line = "-t Timed -g g1 --from first";
    const early = await subscribe(cluster.nameServer, `${line} --until ${betweenMs}`);
    expect(sorted(early)).toEqual(numbers(20));
    const late = await subscribe(cluster.nameServer, `${line} --until end`);
    expect(late.trim().split("\n").sort()).toEqual(["late", "later"]);
  });

  test("writes JSON lines that publish takes back as they were", async () => {
    const given = '{"body":"a\\nb","keys":["k 1","2"],"tags":"t","properties":{"p":"é"}}\n' +
      '{"bodyBase64":"/wA=","shardingKey":"s"}';
    await publish(cluster.nameServer, "-t First --input json", given);
    const line = (topic: string) => `-t ${topic} -g g1 --from first --until end --json`;
    const lines = await subscribe(cluster.nameServer, line("First"));
    await publish(cluster.nameServer, "-t Second --input json", lines);
    const [one, two] = [lines, await subscribe(cluster.nameServer, line("Second"))].map((text) =>
      text.trim().split("\n").map((each) => JSON.parse(each) as Record<string, unknown>)
        .map(({ body, bodyBase64, keys, properties, shardingKey, tags }) => {
          return { body, bodyBase64, keys, properties, shardingKey, tags };
        }).sort((a, b) => String(a.body).localeCompare(String(b.body)))
    );
    expect(one).toEqual(two!);
    expect(one).toMatchObject([{ keys: ["k", "1", "2"], tags: "t", properties: { p: "é" } }, {
      bodyBase64: "/wA=",
      shardingKey: "s",
    }]);
  });

  test("filters by tags, and --until end is reached though the last ones aren't wanted", async () => {
    await publish(cluster.nameServer, "-t Tags -c red", "1\n2\n3\n");
    await publish(cluster.nameServer, "-t Tags -c blue", "4\n5\n6\n7\n8\n9\n10\n11\n12\n");
    const line = "-t Tags -g g1 -s red --from first --until end";
    expect(sorted(await subscribe(cluster.nameServer, line))).toEqual(["1", "2", "3"]);
  });

  test.each([
    ["{bdy}", "there is no field {bdy}, did you mean 'body'?"],
    ["{queueid}", "did you mean 'queueId'?"],
  ])("refuses the template %s", async (template, problem) => {
    const line = `-t Backlog -g g9 --format ${template}`;
    await expect(subscribe(cluster.nameServer, line)).rejects.toThrow(problem);
  });

  test("writes templates with braces and escapes", async () => {
    await publish(cluster.nameServer, "-t Format -k a", "x\n");
    const line = "-t Format -g g1 --from first --until end --format {{{keys}}}\\t\\\\{body}";
    expect(await subscribe(cluster.nameServer, line)).toBe("{a}\t\\x\n");
  });

  test("says that a topic doesn't exist, and which one is meant", async () => {
    await expect(subscribe(cluster.nameServer, "-t Backlgo -g g1"))
      .rejects.toThrow("topic 'Backlgo' doesn't exist, did you mean 'Backlog'?");
  });
});

describe("what subscribe commits", () => {
  test("is written, when the reader goes away: the rest comes to the next one", async () => {
    await fill("Broken", 3000);
    const line = "-t Broken -g g1 --from first";
    let written = "";
    const write = (bytes: Uint8Array) => {
      if (written !== "") return Promise.reject(Object.assign(new Error(), { code: "EPIPE" }));
      written += new TextDecoder().decode(bytes);
      return Promise.resolve();
    };
    await subscribe(cluster.nameServer, line, { write });
    expect(written).not.toBe("");
    const rest = await subscribe(cluster.nameServer, `${line} --until end`);
    expect(sorted(written + rest)).toEqual(numbers(3000));
  });

  test("is written, when a signal comes while the pipe is slow", async () => {
    await fill("Slow", 3000);
    const line = "-t Slow -g g1 --from first";
    const signals = new PlayedSignals();
    let written = "";
    const write = async (bytes: Uint8Array) => {
      if (written !== "") signals.send();
      await systemClock.sleep(20);
      written += new TextDecoder().decode(bytes);
    };
    await subscribe(cluster.nameServer, line, { write, signals });
    const rest = await subscribe(cluster.nameServer, `${line} --until end`);
    expect(sorted(written + rest)).toEqual(numbers(3000));
  });

  test("isn't what could not be written, and the command says why", async () => {
    await fill("Full", 10);
    const line = "-t Full -g g1 --from first";
    const write = () =>
      Promise.reject(Object.assign(new Error("no space left"), { code: "ENOSPC" }));
    await expect(subscribe(cluster.nameServer, line, { write }))
      .rejects.toThrow("standard output: no space left");
    await subscribe(cluster.nameServer, line, { write }).catch(() => {});
    const rest = await subscribe(cluster.nameServer, `${line} --until end`);
    expect(sorted(rest)).toEqual(numbers(10));
  });

  test("ends at once on a second signal", async () => {
    const signals = new PlayedSignals();
    const write = () => {
      signals.send();
      signals.send();
      return Promise.resolve();
    };
    await subscribe(cluster.nameServer, "-t Backlog -g g2 --from first", { write, signals });
    expect(signals.exits).toEqual([1]);
  });
});

describe("the output of lines", () => {
  test("writes together what comes while a write is under way, and tells each when it is written", async () => {
    const writes: string[] = [];
    const gates: (() => void)[] = [];
    const output = new LineOutput((bytes) => {
      writes.push(new TextDecoder().decode(bytes));
      return new Promise((resolve) => gates.push(resolve));
    });
    const told: string[] = [];
    const put = (text: string) => {
      output.lines.text(text);
      void output.written().then(() => told.push(text));
    };
    put("a");
    put("b");
    while (writes.length === 0) await systemClock.sleep(1);
    put("c");
    put("d");
    expect(writes).toEqual(["ab"]);
    expect(told).toEqual([]);
    gates[0]!();
    while (writes.length === 1) await systemClock.sleep(1);
    expect(writes).toEqual(["ab", "cd"]);
    expect(told).toEqual(["a", "b"]);
    gates[1]!();
    await output.drained();
    expect(told).toEqual(["a", "b", "c", "d"]);
  });
});
