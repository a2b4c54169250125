import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { SendResult } from "../core/client/message.ts";
import { ClientError } from "../core/client/client_error.ts";
import { seededRandom } from "../core/random.ts";
import { systemClock } from "../core/time/system_clock.ts";
import { VirtualClock } from "../core/time/virtual_clock.ts";
import { Pacer } from "./bench/pacer.ts";
import { benchStage } from "./bench/testing.ts";
import { openTestCluster, type TestCluster } from "./inspector/testing.ts";
import { producerBench } from "./producer_bench.ts";
import { SendLoad, SendStats } from "./producer_bench_load.ts";
import { messageMaker } from "./producer_bench_messages.ts";
import { completeText, headText, reportText } from "./producer_bench_text.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await openTestCluster();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const stage = (nameServer = cluster.nameServer) => benchStage(producerBench, nameServer);

/** Messages in the topic's queues; 0 when there is no such topic yet. */
async function storedIn(topic: string): Promise<number> {
  const { code, out } = await cluster.run(`topicStatus -t ${topic} --json`);
  if (code !== 0) return 0;
  const { queues } = JSON.parse(out) as { queues: { minOffset: number; maxOffset: number }[] };
  return queues.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0);
}

describe("producer-bench", () => {
  test("sends the quantity, prints Apache's lines and what became of the messages", async () => {
    const { out, run } = stage();
    expect(await run("-t Quantity -w 8 -s 64 -q 500 -k true -l 3 -p 40")).toBe(0);
    const lines = out.join("\n").split("\n");
    expect(lines[0]).toBe(
      "topic: Quantity, threadCount: 8, messageSize: 64, keyEnable: true, propertySize: 40, " +
        "tagCount: 3, traceEnable: false, aclEnable: false, messageQuantity: 500, " +
        "delayEnable: false, delayLevel: 1, asyncEnable: false",
    );
    expect(lines[1]).toBe(" compressEnable: false, reportInterval: 10000");
    expect(lines[2]).toBe("[Complete] Send Total: 500 Send Failed: 0 Response Failed: 0");
    expect(lines.at(-1)).toBe("Status: SEND_OK 500");
    expect(await storedIn("Quantity")).toBe(500);
  });

  test("says with --json one object whose names stay", async () => {
    const { out, run } = stage();
    expect(await run("-t Json -y true -q 100 --json")).toBe(0);
    expect(out.length).toBe(1);
    expect(JSON.parse(out[0]!)).toMatchObject({
      kind: "complete",
      topic: "Json",
      senders: 1024,
      messages: 100,
      messagesFailed: 0,
      interrupted: false,
      statuses: { SEND_OK: 100 },
      failures: {},
      latencyMs: { p50: expect.any(Number), p999: expect.any(Number), max: expect.any(Number) },
    });
  });

  test("sends batches with -b, the last one with what is left", async () => {
    const { out, run } = stage();
    expect(await run("-t Batches -b 16 -w 2 -q 100 --json")).toBe(0);
    expect(JSON.parse(out[0]!)).toMatchObject({ requests: 7, messages: 100, batchSize: 16 });
    expect(await storedIn("Batches")).toBe(100);
  });

  test("ends with its last report when it is interrupted", async () => {
    const { out, run, interrupt } = stage();
    const code = run("-t Interrupted -w 4 --json");
    while (await storedIn("Interrupted") === 0) await systemClock.sleep(5);
    interrupt();
    expect(await code).toBe(0);
    const { interrupted, messages } = JSON.parse(out.at(-1)!) as Record<string, unknown>;
    expect(interrupted).toBe(true);
    expect(messages).toBe(await storedIn("Interrupted"));
  });

  test("ends after --duration, at the rate that was asked for", async () => {
    const { out, run } = stage();
    expect(await run("-t Rate --rate 200 --duration 0.5 --json")).toBe(0);
    const { messages } = JSON.parse(out.at(-1)!) as { messages: number };
    expect(messages).toBeWithin(1, 101);
  });

  test.each([
    ["-m true", "-m true: messages can't be traced yet"],
    ["-a true -ak u -sk p", "-a true: this client can't sign requests yet"],
    ["-c true -ct RAR", "'RAR' isn't ZLIB, LZ4 or ZSTD"],
    ["-y true -b 16", "can't go together"],
    ["-k maybe", "'maybe' isn't true or false"],
    ["-z", "unknown option '-z'"],
    ["-w 0", "'0' isn't a number from 1 up"],
  ])("refuses %s as wrong usage", async (line, problem) => {
    const { err, out, run } = stage();
    expect(await run(line)).toBe(2);
    expect(err.join("\n")).toContain(problem);
    expect(out).toEqual([]);
  });

  test("wants a name server", async () => {
    const { err, run } = stage("");
    expect(await run("-t T")).toBe(2);
    expect(err[0]).toContain("no name server: give -n HOST:PORT or set NAMESRV_ADDR");
  });

  test("says at once that no name server answers, and exits 1", async () => {
    const { err, run } = stage("127.0.0.1:1");
    expect(await run("-t T")).toBe(1);
    expect(err[0]).toContain("no name server (127.0.0.1:1) answers");
  });

  test("explains itself", async () => {
    const { out, run } = stage();
    expect(await run("--help")).toBe(0);
    expect(out[0]).toContain("-ri, --reportInterval N");
    expect(out[0]).toContain("Example: roquet producer-bench -t BenchmarkTest");
  });
});

describe("the lines of producer-bench", () => {
  const first = {
    atMs: 1000,
    requests: 0,
    messages: 0,
    sendFailed: 0,
    responseFailed: 0,
    messagesFailed: 0,
    totalMs: 0,
  };
  const last = {
    atMs: 10_000,
    requests: 9_000,
    messages: 90_000,
    sendFailed: 2,
    responseFailed: 3,
    messagesFailed: 50,
    totalMs: 4_500,
  };
  const single = { first, last, maxMs: 12.9, isBatch: false };
  const time = new Date(2026, 10, 21, 8, 5, 49, 19).getTime();

  test("are those of Apache's Producer", () => {
    expect(reportText(single, time)).toBe(
      "Current Time: 2026-11-21 08:05:49,019 | Send TPS: 1000 | Max RT(ms): 12 | " +
        "Average RT(ms):   0.500 | Send Failed: 2 | Response Failed: 3",
    );
    const stats = new SendStats();
    stats.requests = 9_000;
    stats.sendFailed = 2;
    stats.responseFailed = 3;
    expect(completeText(single, stats)).toBe(
      "[Complete] Send Total: 9002 | Send TPS: 1000 | Max RT(ms): 12 | " +
        "Average RT(ms):   0.500 | Send Failed: 2 | Response Failed: 3",
    );
  });

  test("are those of Apache's BatchProducer with -b", () => {
    expect(reportText({ ...single, isBatch: true }, time)).toBe(
      "Current Time: 2026-11-21 08:05:49,019 | Send TPS: 1000 | Send MPS: 10000 | " +
        "Max RT(ms): 12 | Average RT(ms):   0.500 | Average Message RT(ms):   0.050 | " +
        "Send Failed: 5 | Send Message Failed: 50",
    );
    const head = {
      topic: "T",
      threadCount: 64,
      messageSize: 128,
      batchSize: 16,
      keyEnable: false,
      propertySize: 0,
      tagCount: 0,
      messageQuantity: 0,
      delayEnable: false,
      delayLevel: 1,
      asyncEnable: false,
      compressEnable: true,
      compressType: "ZLIB",
      compressLevel: 5,
      reportInterval: 10_000,
    };
    expect(headText(head).split("\n")).toEqual([
      "topic: T, threadCount: 64, messageSize: 128, batchSize: 16, keyEnable: false, " +
      "propertySize: 0, tagCount: 0, traceEnable: false, aclEnable: false",
      " compressEnable: true, reportInterval: 10000",
      "compressType: ZLIB compressLevel: 5",
    ]);
  });
});

describe("the load of producer-bench", () => {
  const stored: SendResult = {
    status: "flush_disk_timeout",
    messageId: "1",
    offsetMessageId: "1",
    queue: { topic: "T", brokerName: "b", queueId: 0 },
    queueOffset: 0,
    transactionId: null,
    regionId: null,
    recallHandle: null,
    traceOn: true,
  };

  test("counts statuses, refusals and lost answers apart, by cause", async () => {
    const clock = new VirtualClock();
    const stats = new SendStats();
    const outcomes = [
      () => Promise.resolve(stored),
      () => Promise.reject(new ClientError("refused", "busy", { responseCode: 2 })),
      () => Promise.reject(new ClientError("timeout", "late")),
      () => Promise.resolve({ ...stored, status: "ok" as const }),
    ];
    let next = 0;
    const load = new SendLoad({
      producer: { send: () => outcomes[next++]!(), sendBatch: () => Promise.resolve([]) },
      clock,
      pacer: new Pacer(clock, null),
      stats,
      nextMessage: () => ({ topic: "T", body: "x" }),
      batchSize: null,
      quantity: 4,
      stop: new AbortController().signal,
    });
    const done = load.run(1);
    for (let second = 0; second < 8; second++) await clock.advance(1_000);
    await done;
    expect(stats.snapshot(0)).toMatchObject({ requests: 2, responseFailed: 1, sendFailed: 1 });
    expect(Object.fromEntries(stats.statuses)).toEqual({ FLUSH_DISK_TIMEOUT: 1, SEND_OK: 1 });
    expect(Object.fromEntries(stats.failures)).toEqual({ "SYSTEM_BUSY (2)": 1, timeout: 1 });
  });

  test("has messages of the wanted size, keys, tags and properties", () => {
    const clock = new VirtualClock(1_700_000_000_123);
    const next = messageMaker(
      {
        topic: "T",
        messageSize: 33,
        keyEnable: true,
        propertySize: 40,
        tagCount: 5,
        delayLevel: 3,
      },
      clock,
      seededRandom(1),
    );
    const { body, keys, tags, properties, delayLevel } = next();
    expect(body.length).toBe(33);
    expect(body.toString()).toMatch(/^[A-Za-z0-9]{33}$/);
    expect({ keys, tags, delayLevel }).toEqual({ keys: "1700000000", tags: "tag3", delayLevel: 3 });
    const length = Object.entries(properties!).flat().join("").length;
    expect(length).toBeWithin(41, 70);
  });
});
