// Roquet's commands that make load and pipes, as processes, against Roquet's servers and Apache's.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { type Cluster, type Make, startCluster } from "./support/cluster.ts";
import { runToEnd } from "./support/processes.ts";
import { roquetCommand } from "./support/roquet.ts";

const MAKES: readonly Make[] = ["roquet", "apache"];
const RUN_MS_MAX = 120_000;

for (const make of MAKES) {
  describe(`on ${make}'s servers`, () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await startCluster({ namesrv: make, broker: make });
    }, RUN_MS_MAX);
    afterAll(() => cluster?.[Symbol.asyncDispose]());

    /** Runs a line of bash in the cluster's folder; `roquet` is the command under test. */
    async function shell(script: string): Promise<{ code: number; stdout: string }> {
      const { command, args } = roquetCommand();
      const roquet = `roquet() { ${
        [command, ...args].map((word) => `'${word}'`).join(" ")
      } "$@"; }`;
      const address = `export NAMESRV_ADDR=${cluster.namesrv.address}`;
      const lines = ["set -o pipefail", roquet, address, `cd '${cluster.folder}'`, script];
      const { code, stdout } = await runToEnd("bash", ["-c", lines.join("\n")], {
        timeoutMs: RUN_MS_MAX,
      });
      return { code, stdout };
    }

    async function bench(line: string): Promise<Record<string, unknown>> {
      const { code, stdout } = await shell(`roquet ${line} --json`);
      expect(code).toBe(0);
      return JSON.parse(stdout.trim().split("\n").at(-1)!) as Record<string, unknown>;
    }

    test("producer-bench stores all it says, one by one, many in flight and in batches", async () => {
      const statuses = { SEND_OK: 5000 };
      expect(await bench("producer-bench -t BenchOne -q 5000 -w 64 -k true -l 3 -p 50"))
        .toMatchObject({ messages: 5000, messagesFailed: 0, statuses });
      expect(await bench("producer-bench -t BenchOne -q 5000 -y true --inFlight 256"))
        .toMatchObject({ messages: 5000, messagesFailed: 0, statuses });
      expect(await bench("producer-bench -t BenchOne -q 5000 -b 32 -w 8"))
        .toMatchObject({ requests: 157, messages: 5000, messagesFailed: 0, statuses });
      const count = await shell("roquet inspector topicStatus -t BenchOne --json");
      const { queues } = JSON.parse(count.stdout) as { queues: { maxOffset: number }[] };
      expect(queues.reduce((sum, { maxOffset }) => sum + maxOffset, 0)).toBe(15_000);
    });

    test("producer-bench compresses, and consumer-bench gets every message", async () => {
      await bench("producer-bench -t BenchTwo -q 2000 -s 8000 -c true -ct ZLIB -cl 3");
      expect(await bench("consumer-bench -t BenchTwo -g G_bench --from first -q 2000"))
        .toMatchObject({ messages: 2000, failed: 0, interrupted: false });
    });

    test("publish and subscribe pipe a topic to another one, with nothing lost or changed", async () => {
      const lines = Array.from({ length: 20_000 }, (_, number) => `line ${number} — é`).sort();
      writeFileSync(`${cluster.folder}/lines`, `${lines.join("\n")}\n`);
      const { code } = await shell(
        `roquet inspector publish -t PipeA -c red < lines &&
         roquet inspector subscribe -t PipeA -g G_pipe --from first --until end --json |
           roquet inspector publish -t PipeB --input json &&
         roquet inspector subscribe -t PipeB -g G_pipe --from first --until end \\
           --format '{tags} {body}' | LC_ALL=C sort > out`,
      );
      expect(code).toBe(0);
      const same = await shell("sed 's/^/red /' lines | LC_ALL=C sort | cmp - out");
      expect(same).toEqual({ code: 0, stdout: "" });
    });

    test("publish keeps the order of a sharding key, though many lines are on their way", async () => {
      const { code, stdout } = await shell(
        `for n in $(seq 1 3000); do echo '{"body":"'$n'","shardingKey":"k"}'; done |
           roquet inspector publish -t Ordered --input json &&
         roquet inspector subscribe -t Ordered -g G_order --from first --until end`,
      );
      expect(code).toBe(0);
      expect(stdout.trim().split("\n").map(Number))
        .toEqual(Array.from({ length: 3000 }, (_, index) => index + 1));
    });
  });
}
