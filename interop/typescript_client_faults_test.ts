// The client library under load while a broker and a name server are killed and come back, and with listeners that are
// slow or throw. Members that come and go are in typescript_client_test.ts, for every kind of server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Producer, PushConsumer, type ReceivedMessage } from "../core/client/mod.ts";
import { Load, Members } from "./client/load.ts";
import { type Cluster, type Make, startAgain, startCluster } from "./support/cluster.ts";
import { waitFor } from "./support/processes.ts";
import { waitUntilRegistered } from "./support/registered.ts";

const PER_SECOND = 500;
const ARRIVED_MS_MAX = 30_000;
// The shortest that a broker takes.
const CONF = { registerNameServerPeriod: 10_000 };
const CASES: readonly { name: string; make: Make }[] = [
  { name: "Roquet", make: "roquet" },
  { name: "Apache 5.4.0", make: "apache" },
];

describe.each(CASES)("the client library and $name's servers", ({ make }) => {
  let cluster: Cluster;
  let producer: Producer;

  beforeAll(async () => {
    cluster = await startCluster({ namesrv: make, broker: make }, CONF);
    producer = await Producer.open({
      nameServers: cluster.namesrv.address,
      group: "G_faults",
      sendTimeoutMs: 10_000,
    });
  }, 120_000);

  afterAll(async () => {
    await producer?.close();
    // Nobody looks at its store any more, and Apache's takes its time to close it.
    cluster?.broker.process.kill("SIGKILL");
    await cluster?.[Symbol.asyncDispose]();
  });

  const push = (
    topic: string,
    options: Partial<ConstructorParameters<typeof PushConsumer>[0]>,
    listener: (message: ReceivedMessage) => Promise<void> | void,
  ) =>
    PushConsumer.open({
      nameServers: cluster.namesrv.address,
      group: `G_${topic}`,
      subscriptions: { [topic]: "*" },
      consumeFrom: "first",
      ...options,
    }, async (message) => await listener(message));

  test("a slow listener gets everything once, no more at a time than asked", async () => {
    const seen: string[] = [];
    let running = 0;
    let most = 0;
    await sendNumbered(producer, "T_slow", 100);
    await using _consumer = await push(
      "T_slow",
      { concurrency: 4, queueMessagesMax: 5, pullBatchSize: 5 },
      async (message) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 20));
        running--;
        seen.push(message.text());
      },
    );
    await waitFor("all messages", ARRIVED_MS_MAX, () => seen.length >= 100);
    expect(new Set(seen).size).toBe(100);
    expect(most).toBe(4);
  });

  test("a listener that hangs loses its message to a later delivery, and keeps nothing back", async () => {
    const seen: string[] = [];
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    await sendNumbered(producer, "T_hanging", 20);
    await using _consumer = await push(
      "T_hanging",
      { consumeTimeoutMs: 1_000, offsetCommitMs: 500 },
      async (message) => {
        if (message.text() === "7" && message.reconsumeTimes === 0) await released;
        else seen.push(`${message.text()} ${message.reconsumeTimes}`);
      },
    );
    await waitFor("all messages", ARRIVED_MS_MAX, () => seen.length >= 20);
    release();
    expect(seen.filter((line) => line.endsWith(" 1"))).toEqual(["7 1"]);
    expect(new Set(seen).size).toBe(20);
  });

  test("what a throwing listener refuses comes again until it is taken", async () => {
    const taken: string[] = [];
    await sendNumbered(producer, "T_throwing", 100);
    await using _consumer = await push("T_throwing", {}, (message) => {
      const n = Number(message.text());
      if (message.reconsumeTimes < n % 3) throw new Error("not yet");
      taken.push(`${n} ${message.reconsumeTimes}`);
    });
    await waitFor("all messages", ARRIVED_MS_MAX, () => taken.length >= 100);
    expect(taken.sort()).toEqual(Array.from({ length: 100 }, (_, n) => `${n} ${n % 3}`).sort());
  });

  test("a name server that doesn't answer is passed over", async () => {
    const nameServers = `127.0.0.1:1;${cluster.namesrv.address}`;
    await using other = await Producer.open({ nameServers, group: "G_dead_first" });
    expect((await other.send({ topic: "T_dead_first", body: "1" })).status).toBe("ok");
    const seen: string[] = [];
    await using _consumer = await push("T_dead_first", { nameServers }, (message) => {
      seen.push(message.text());
    });
    await waitFor("the message", ARRIVED_MS_MAX, () => seen.length > 0);
    expect(seen).toEqual(["1"]);
  });

  test("a name server may go and come back under load: no send fails", async () => {
    const nameServers = cluster.namesrv.address;
    await using load = await Load.start({ nameServers }, "T_namesrv", PER_SECOND);
    await using members = new Members(cluster.folder, nameServers, "G_namesrv", "T_namesrv");
    await members.start();
    await load.more(500);
    cluster.namesrv.process.kill("SIGKILL");
    await cluster.namesrv.process.exited;
    await load.more(1000);
    await using _again = await startAgain(make, cluster).namesrv();
    await load.more(500);
    await waitUntilRegistered(nameServers, cluster.broker.address);
    await members.start();
    await load.more(1000);
    await load.stop();
    expect(load.failures).toEqual([]);
    await members.untilAllCame(load);
    expect(members.of(1).length).toBeGreaterThan(0);
    // It still knows nothing but what it learned since.
    await using other = await Producer.open({ nameServers, group: "G_after" });
    expect((await other.send({ topic: "T_namesrv", body: "after" })).status).toBe("ok");
  });
});

test.each(CASES)(
  "a broker of $name that is killed and comes back loses nothing that it acknowledged",
  async ({ make }) => {
    await using cluster = await startCluster({ namesrv: make, broker: make }, CONF);
    const nameServers = cluster.namesrv.address;
    await using load = await Load.start({ nameServers }, "T_broker", PER_SECOND);
    await using members = new Members(cluster.folder, nameServers, "G_broker", "T_broker");
    await members.start();
    await members.start();
    await load.more(1000);
    const { process } = cluster.broker;
    process.kill("SIGKILL");
    await process.exited;
    await waitFor("a failed send", ARRIVED_MS_MAX, () => load.failures.length > 0);
    await using _again = await startAgain(make, cluster).broker(CONF);
    await load.more(1000);
    await load.stop();
    const times = await members.untilAllCame(load);
    // Once more for the offsets that the broker hadn't on disk, and for each rebalance around it.
    expect(Math.max(...times.values())).toBeLessThanOrEqual(1 + 3);
  },
);

function sendNumbered(producer: Producer, topic: string, count: number): Promise<unknown> {
  return Promise.all(
    Array.from({ length: count }, (_, n) => producer.send({ topic, body: `${n}` })),
  );
}
