import { describe, expect, test } from "bun:test";
import process from "node:process";
import { Producer, PullConsumer } from "../../core/client/mod.ts";
import { startRoquet } from "../embedded.ts";
import { type Running, start, temporaryFolder } from "../testing.ts";

const SHARDS = 2;

interface ShardLine {
  name: string;
  port: number;
  storePath: string;
  pid: number;
}

function startShards(folder: string, nameServer?: string, more: readonly string[] = []): Running {
  const settings = [
    "bindAddress=127.0.0.1",
    "brokerIP1=127.0.0.1",
    "brokerName=b",
    "listenPort=0",
    `storePathRootDir=${folder}`,
    "flushDiskType=SYNC_FLUSH",
  ];
  return start([
    ...["broker", "--shards", String(SHARDS), ...more],
    ...(nameServer === undefined ? [] : ["-n", nameServer]),
    ...settings.flatMap((setting) => ["--set", setting]),
  ]);
}

async function shardsOf(parent: Running): Promise<ShardLine[]> {
  return (await parent.ready())["shards"] as ShardLine[];
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("roquet broker --shards", () => {
  test("says once that all are ready, stops all on SIGTERM, and opens the same stores again", async () => {
    using folder = temporaryFolder();
    for (let round = 0; round < 2; round++) {
      const parent = startShards(folder.path);
      const shards = await shardsOf(parent);
      expect(shards).toMatchObject([0, 1].map((index) => ({
        name: `b-${index}`,
        storePath: `${folder.path}/b-${index}`,
      })));
      parent.child.kill("SIGTERM");
      const { code, out } = await parent.finished;
      expect([code, out.match(/^ready /gm)?.length]).toEqual([0, 1]);
      await Promise.all(shards.map(({ pid }) => gone(pid)));
    }
  });

  test("loses nothing acknowledged when one is killed, whose place is taken by itself anew", async () => {
    using folder = temporaryFolder();
    await using mq = await startRoquet();
    const parent = startShards(folder.path, mq.nameServer);
    const shards = await shardsOf(parent);
    await using producer = await Producer.open({ nameServers: mq.nameServer, sendRetries: 5 });
    const topic = "Sharded";
    await producer.send({ topic, body: "creates the topic" });
    const acknowledged = new Set<string>();
    let stopped = false;
    const load = Array.from({ length: 8 }, async (_, lane) => {
      for (let n = 0; !stopped; n++) {
        const body = `${lane}-${n}`;
        await producer.send({ topic, body }).then(() => acknowledged.add(body), () => {});
      }
    });
    await until(() => acknowledged.size > 200);
    process.kill(shards[0]!.pid, "SIGKILL");
    await parent.until("err", /a shard fell \(SIGKILL\)/);
    const before = acknowledged.size;
    await until(() => acknowledged.size > before + 200);
    await parent.until("err", /fell[^]*shard ready shard=b-0/);
    stopped = true;
    await Promise.all(load);
    await using consumer = await PullConsumer.open({ nameServers: mq.nameServer, group: "G" });
    const found = new Set<string>();
    for (const queue of await consumer.queues(topic)) {
      for await (const message of consumer.read(queue, { from: 0, untilEnd: true })) {
        found.add(message.text());
      }
    }
    expect([...acknowledged].filter((body) => !found.has(body))).toEqual([]);
    parent.child.kill("SIGINT");
    expect((await parent.finished).code).toBe(0);
  });

  test("leaves no shard behind when the parent is killed", async () => {
    using folder = temporaryFolder();
    const parent = startShards(folder.path);
    const shards = await shardsOf(parent);
    parent.child.kill("SIGKILL");
    await Promise.all(shards.map(({ pid }) => gone(pid)));
    const next = startShards(folder.path);
    expect(await shardsOf(next)).toHaveLength(SHARDS);
    next.child.kill("SIGTERM");
    expect((await next.finished).code).toBe(0);
  });

  test("stops the others and says why when one can't start", async () => {
    using folder = temporaryFolder();
    const first = startShards(folder.path);
    await first.ready();
    const second = await startShards(folder.path).finished;
    expect([second.code, second.out]).toEqual([1, ""]);
    expect(second.err).toContain(`b-0 roquet: `);
    expect(second.err).toContain("the shard b-0 did not start");
    first.child.kill("SIGTERM");
    expect((await first.finished).code).toBe(0);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
