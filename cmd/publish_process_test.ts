import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { type Running, start, temporaryFolder } from "./testing.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const folder = temporaryFolder();
let servers: Running;
let nameServer = "";

beforeAll(async () => {
  servers = start(["quickstart", "--keep"]);
  nameServer = String((await servers.ready())["nameServer"]);
});

afterAll(async () => {
  servers.child.kill("SIGTERM");
  await servers.finished;
  folder[Symbol.dispose]();
});

/** Runs a line of shell, in which `roquet` is the command, in a folder of this test. */
function shell(script: string): Running {
  const roquet = `R="${process.execPath} run ${MAIN}"; roquet() { $R "$@"; }`;
  const env = { NAMESRV_ADDR: nameServer };
  return start([], {
    program: ["bash", "-c", `${roquet}\n${script}`],
    env,
    cwd: folder.path,
  });
}

async function fill(topic: string, count: number): Promise<string[]> {
  const lines = Array.from({ length: count }, (_, number) => `${topic}-${number}`);
  writeFileSync(`${folder.path}/${topic}`, `${lines.join("\n")}\n`);
  const { code, err } = await shell(`roquet inspector publish -t ${topic} < ${topic}`).finished;
  expect({ code, err }).toEqual({ code: 0, err: `${count} messages stored in ${topic}\n` });
  return lines.sort();
}

async function linesOf(topic: string): Promise<string[]> {
  const { code, out } = await shell(
    `roquet inspector subscribe -t ${topic} -g all-${topic} --from first --until end`,
  ).finished;
  expect(code).toBe(0);
  return out.split("\n").slice(0, -1).sort();
}

const linesOfFile = (name: string) =>
  readFileSync(`${folder.path}/${name}`, "utf8").split("\n").slice(0, -1);

describe("pipes", () => {
  test("from topic to topic bring every message, once", async () => {
    const lines = await fill("PipeA", 20_000);
    const { code } = await shell(
      `set -o pipefail
       roquet inspector subscribe -t PipeA -g pipe --from first --until end |
         roquet inspector publish -t PipeB`,
    ).finished;
    expect(code).toBe(0);
    expect(await linesOf("PipeB")).toEqual(lines);
  });

  test("as JSON keep keys, tags, properties and order", async () => {
    const { code } = await shell(
      `set -o pipefail
       for n in 1 2 3 4 5 6; do
         echo '{"body":"'$n'","keys":["k'$n'"],"tags":"t","properties":{"p":"'$n'"},"shardingKey":"s"}'
       done | roquet inspector publish -t JsonA --input json &&
       roquet inspector subscribe -t JsonA -g pipe --from first --until end --json |
         roquet inspector publish -t JsonB --input json &&
       roquet inspector subscribe -t JsonB -g pipe --from first --until end \
         --format '{keys} {tags} {property:p} {shardingKey} {body}' > json`,
    ).finished;
    expect(code).toBe(0);
    expect(linesOfFile("json")).toEqual([1, 2, 3, 4, 5, 6].map((n) => `k${n} t ${n} s ${n}`));
  });

  test("whose reader goes away end with 0, and the group goes on where the pipe broke", async () => {
    const lines = await fill("Headed", 50_000);
    const { out } = await shell(
      `roquet inspector subscribe -t Headed -g head --from first | head -n 3
       echo "codes \${PIPESTATUS[@]}"`,
    ).finished;
    expect(out.trim().split("\n").at(-1)).toBe("codes 0 0");
    await shell("roquet inspector subscribe -t Headed -g head --until end > rest").finished;
    // What was in the pipe when it broke is gone with its reader; the rest is not.
    const rest = linesOfFile("rest");
    expect(rest.length).toBeWithin(40_000, 50_000);
    expect(new Set([...lines, ...rest]).size).toBe(50_000);
  });

  test("lose nothing when both ends are interrupted", async () => {
    const lines = await fill("CutA", 100_000);
    const copying = shell(
      `mkfifo cut
       $R inspector subscribe -t CutA -g cut --from first > cut & s=$!
       $R inspector publish -t CutB < cut & p=$!
       echo "pids $s $p"
       wait $s; echo "subscribe $?"; wait $p; echo "publish $?"`,
    );
    const [, ...pids] = await copying.until("out", /^pids (\d+) (\d+)$/m);
    // Once something has come through, both are in the middle of it.
    await shell("until roquet inspector topicStatus -t CutB > status; do :; done").finished;
    for (const pid of pids) process.kill(Number(pid), "SIGINT");
    expect((await copying.finished).out).toEndWith("subscribe 0\npublish 0\n");
    const rest = "roquet inspector subscribe -t CutA -g cut --until end";
    expect((await shell(`${rest} | roquet inspector publish -t CutB`).finished).code).toBe(0);
    expect([...new Set(await linesOf("CutB"))]).toEqual(lines);
  });
});

describe("benchmarks as processes", () => {
  test("end with a last report and 0 on SIGINT, and draw nothing where there is no terminal", async () => {
    const bench = start(["producer-bench", "-n", nameServer, "-t", "Bench", "-ri", "100"]);
    await bench.until("out", /Current Time: .* Send TPS: /);
    bench.child.kill("SIGINT");
    const { code, out, err } = await bench.finished;
    expect(code).toBe(0);
    expect(out).toMatch(/^\[Complete\] Send Total: \d+ \| Send TPS: \d+ \| /m);
    expect(out).toMatch(/^Status: SEND_OK \d+$/m);
    expect(err).toBe("");
  });

  test("are listed and refuse what they don't know with 2", async () => {
    expect((await shell("roquet --help").finished).out).toContain("producer-bench");
    const { code, err } = await shell("roquet consumer-bench -x").finished;
    expect(code).toBe(2);
    expect(err).toContain("unknown option '-x'");
  });
});
