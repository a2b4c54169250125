// The name server over real sockets: who leaves the routes and when, what is refused, and how it
// starts and stops.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { OperationError } from "../../core/errors.ts";
import { createLogger, type LogEntry } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import type { NameServer } from "./name_server.ts";
import { openNameServer, type TestOptions, TestPeer } from "./testing.ts";

const REFUSED_KEY = "Can not update config in black list.";
const SETTLE_MS = 20;
const WAITS_MAX = 250;

function tableBody(topics: readonly string[], counter = 1): string {
  const table = Object.fromEntries(topics.map((topic) => [topic, { topicName: topic }]));
  const dataVersion = { counter, stateVersion: 0, timestamp: 1 };
  return JSON.stringify({ topicConfigSerializeWrapper: { dataVersion, topicConfigTable: table } });
}

function brokerFields(brokerName: string, address: string, extra: Record<string, string> = {}) {
  return {
    brokerName,
    brokerAddr: address,
    clusterName: "c",
    haServerAddr: "ha:1",
    brokerId: "0",
    ...extra,
  };
}

async function register(peer: TestPeer, brokerName: string, extra: Record<string, string> = {}) {
  const fields = brokerFields(brokerName, `${brokerName}:1`, extra);
  const answer = await peer.request(103, fields, tableBody(["T", `T-${brokerName}`]));
  expect(answer.code).toBe(0);
}

/** The names of the brokers in a topic's route. */
async function brokersOf(peer: TestPeer, topic = "T"): Promise<string[]> {
  const answer = await peer.request(105, { topic });
  if (answer.code === 17) return [];
  const route = JSON.parse(Buffer.from(answer.body).toString()) as {
    brokerDatas: { brokerName: string }[];
  };
  return route.brokerDatas.map(({ brokerName }) => brokerName);
}

async function until(done: () => Promise<boolean> | boolean): Promise<void> {
  for (let waits = 0; waits < WAITS_MAX; waits++) {
    if (await done()) return;
    await systemClock.sleep(SETTLE_MS);
  }
  throw new Error("it never came");
}

/** Runs with an open name server and two peers, and closes all of them. */
async function withServer(
  options: TestOptions & { clock?: VirtualClock },
  run: (server: NameServer, broker: TestPeer, client: TestPeer) => Promise<void>,
): Promise<void> {
  const server = await openNameServer(options);
  try {
    await using broker = new TestPeer(server);
    await using client = new TestPeer(server);
    await run(server, broker, client);
  } finally {
    await close(server, options.clock);
  }
}

/** Closing waits for peers on the server's clock, so a virtual one must go on. */
async function close(server: NameServer, clock: VirtualClock | undefined): Promise<void> {
  let closed = false;
  const closing = server[Symbol.asyncDispose]().finally(() => closed = true);
  await until(async () => {
    await clock?.advance(SETTLE_MS);
    return closed;
  });
  await closing;
}

describe("a name server", () => {
  test("listens on a free port when 0 is asked for", async () => {
    await withServer({}, (server) => {
      expect(server.addresses).toEqual([{ host: "127.0.0.1", port: expect.any(Number) }]);
      expect(server.addresses[0]!.port).toBeGreaterThan(0);
      return Promise.resolve();
    });
  });

  test("takes a broker out of the routes when its connection ends", async () => {
    await withServer({}, async (_server, broker, client) => {
      await register(broker, "a");
      await register(client, "b");
      expect(await brokersOf(client)).toEqual(["a", "b"]);
      await broker[Symbol.asyncDispose]();
      await until(async () => (await brokersOf(client)).length === 1);
      expect(await brokersOf(client)).toEqual(["b"]);
      expect(await brokersOf(client, "T-a")).toEqual([]);
    });
  });

  test("takes all brokers of a container out when their one connection ends", async () => {
    await withServer({}, async (_server, broker, client) => {
      for (const name of ["a", "b", "c"]) await register(broker, name);
      await broker[Symbol.asyncDispose]();
      await until(async () => (await brokersOf(client)).length === 0);
    });
  });

  test("keeps a broker that came back on another connection before the old one ended", async () => {
    await withServer({}, async (server, broker, client) => {
      await using again = new TestPeer(server);
      await register(broker, "a");
      await register(again, "a");
      await broker[Symbol.asyncDispose]();
      await register(client, "b");
      expect(await brokersOf(client)).toEqual(["a", "b"]);
    });
  });

  test("evicts a silent broker after the time it gave, and closes its connection", async () => {
    const clock = new VirtualClock();
    await withServer({ clock }, async (_server, broker, client) => {
      await register(broker, "a", { heartbeatTimeoutMillis: "10000" });
      await register(client, "b");
      await clock.advance(10_000);
      expect(await brokersOf(client)).toEqual(["a", "b"]);
      let closed = false;
      broker.client.onConnectionClosed(() => closed = true);
      await clock.advance(5000);
      await until(() => closed);
      expect(await brokersOf(client)).toEqual(["b"]);
    });
  });

  test("keeps a broker that gives signs of life, by heartbeat, query or registration", async () => {
    const clock = new VirtualClock();
    await withServer({ clock }, async (_server, broker, client) => {
      await register(broker, "a", { heartbeatTimeoutMillis: "10000" });
      const fields = { clusterName: "c", brokerAddr: "a:1", brokerName: "a" };
      for (const code of [904, 322, 103, 904]) {
        await clock.advance(9000);
        const answer = await broker.request(
          code,
          brokerFields("a", "a:1", { ...fields, heartbeatTimeoutMillis: "10000" }),
          code === 103 ? tableBody(["T", "T-a"]) : "",
        );
        expect(answer.code).toBe(0);
      }
      expect(await brokersOf(client)).toEqual(["a"]);
    });
  });

  test("gives a broker two minutes when it doesn't say", async () => {
    const clock = new VirtualClock();
    await withServer({ clock }, async (_server, broker, client) => {
      await register(broker, "a");
      // Keeps the connection from being idle: only the registration grows old.
      for (let minutes = 0; minutes < 2; minutes++) {
        await clock.advance(60_000);
        await brokersOf(broker);
      }
      expect(await brokersOf(client)).toEqual(["a"]);
      await clock.advance(5001);
      expect(await brokersOf(client)).toEqual([]);
    });
  });

  test("answers routes only after waitSecondsForService when it is told to wait", async () => {
    const clock = new VirtualClock();
    const overrides = ["needWaitForService=true", "waitSecondsForService=45"];
    await withServer({ clock, overrides }, async (_server, broker) => {
      await register(broker, "a");
      const early = await broker.request(105, { topic: "T" });
      expect([early.code, early.remark]).toEqual([1, "name server not ready"]);
      await clock.advance(45_000);
      expect(await brokersOf(broker)).toEqual(["a"]);
    });
  });

  test("answers 1 to a KV item that the disk refuses, and has the old one", async () => {
    const disk = new MemoryDisk(seededRandom(1));
    await withServer({ disk }, async (_server, _broker, client) => {
      const item = { namespace: "N", key: "k" };
      expect((await client.request(100, { ...item, value: "v" })).code).toBe(0);
      disk.inject({ operation: "datasync", code: "EIO" });
      expect((await client.request(100, { ...item, value: "w" })).code).toBe(1);
      const answer = await client.request(101, item);
      expect(answer.extFields.get("value")).toBe("v");
    });
  });

  test("keeps KV items over a restart, and nothing else", async () => {
    const disk = new MemoryDisk(seededRandom(1));
    await withServer({ disk }, async (_server, broker, client) => {
      await register(broker, "a");
      await client.request(100, { namespace: "N", key: "k", value: "v" });
    });
    await withServer({ disk }, async (_server, _broker, client) => {
      expect((await client.request(101, { namespace: "N", key: "k" })).extFields.get("value"))
        .toBe("v");
      expect(await brokersOf(client)).toEqual([]);
    });
  });

  test("doesn't start on a KV configuration that can't be read", async () => {
    const disk = new MemoryDisk(seededRandom(1));
    disk.place("/data/kvConfig.json", Buffer.from('{"configTable":{"N"'));
    await expect(openNameServer({ disk })).rejects.toBeInstanceOf(OperationError);
  });

  // CVE-2023-37582 and CVE-2023-33246: a path that could be set remotely became a file of the
  // attacker's choice.
  test("refuses to move its files, however the request is written", async () => {
    const disk = new MemoryDisk(seededRandom(1));
    const bodies = [
      "kvConfigPath=/tmp/evil",
      "configStorePath=/tmp/evil\n",
      "rocketmqHome=/tmp/evil",
      "configBlackList=",
      "enableTopicList=false\nkvConfigPath = /tmp/evil",
      "kv\\u0043onfigPath=/tmp/evil",
      "kvConfigPath\\\n  :/tmp/evil",
      "listenPort=1",
    ];
    await withServer({ disk }, async (_server, _broker, client) => {
      for (const body of bodies) {
        const answer = await client.request(318, {}, body);
        expect([body, answer.code, answer.remark]).toEqual([body, 16, REFUSED_KEY]);
      }
      // A refusal changes nothing, not even the key beside it.
      expect((await client.request(224, { cluster: "c" })).code).toBe(0);
      await client.request(100, { namespace: "N", key: "k", value: "v" });
      expect(disk.listSync("/tmp")).toEqual([]);
      expect(disk.listSync("/data")).toEqual(["kvConfig.json", "kvConfig.json.bak"]);
    });
  });

  test("changes what may be changed, for the next request", async () => {
    await withServer({}, async (_server, broker, client) => {
      await register(broker, "a");
      expect((await client.request(206)).code).toBe(0);
      expect((await client.request(318, {}, "enableAllTopicList=false\n")).code).toBe(0);
      const answer = await client.request(206);
      expect([answer.code, answer.remark]).toEqual([1, "disable"]);
      const config = Buffer.from((await client.request(319)).body).toString();
      expect(config).toContain("\nenableAllTopicList=false\n");
    });
  });

  test("refuses a value that isn't one, and keys that nobody knows do nothing", async () => {
    await withServer({}, async (_server, _broker, client) => {
      const answer = await client.request(318, {}, "enableAllTopicList=maybe");
      expect(answer.code).toBe(1);
      expect(answer.remark).toContain("enableAllTopicList");
      expect((await client.request(318, {}, "noSuchKey=1")).code).toBe(0);
      expect((await client.request(206)).code).toBe(0);
    });
  });

  test("stops without taking brokers for gone", async () => {
    const entries: LogEntry[] = [];
    const log = createLogger((entry) => entries.push(entry));
    await withServer({ log }, async (server, broker) => {
      await register(broker, "a");
      await server[Symbol.asyncDispose]();
    });
    expect(entries.some(({ text }) => text === "broker registered")).toBe(true);
    expect(entries.some(({ text }) => text === "broker unregistered")).toBe(false);
  });

  test("takes out twenty brokers that leave at once and keeps the others", async () => {
    await withServer({}, async (server, broker, client) => {
      const peers = Array.from({ length: 20 }, () => new TestPeer(server));
      await Promise.all(peers.map((peer, at) => register(peer, `b${at}`)));
      await register(broker, "stays");
      await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
      await until(async () => (await brokersOf(client)).length === 1);
      expect(await brokersOf(client)).toEqual(["stays"]);
    });
  });
});
