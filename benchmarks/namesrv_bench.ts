// What a name server takes for a large cluster, over real sockets on loopback, the caller in the
// same process: an unchanged registration, a changed one, a route. Prints medians, the slowest, and
// resident memory.
import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";
import process from "node:process";
import type { ComparisonResult } from "./compare.ts";
import { openNameServer, TestPeer } from "../cluster/namesrv/testing.ts";
import { crc32Masked } from "../core/bytes/crc32.ts";

const TOPICS = 10_000;
const BROKERS = 10;
const UNCHANGED_MS_MAX = 3;
const CHANGED_MS_MAX = 40;
const ROUTE_MS_MAX = 1;

interface Timing {
  name: string;
  medianMs: number;
  slowestMs: number;
  limitMs: number;
}

async function time(
  name: string,
  limitMs: number,
  rounds: number,
  call: (round: number) => Promise<unknown>,
): Promise<Timing> {
  for (let round = 0; round < 3; round++) await call(-1 - round);
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    await call(round);
    tookMs.push(performance.now() - startedMs);
  }
  tookMs.sort((one, other) => one - other);
  return { name, limitMs, medianMs: tookMs[rounds >> 1]!, slowestMs: tookMs.at(-1)! };
}

/** A body as a 5.4.0 broker sends it; every one has a new mapping version. */
function jsonBody(counter: number, queueCount: number, serial: number): Buffer {
  const topics: string[] = [];
  for (let at = 0; at < TOPICS; at++) {
    topics.push(
      `"Topic${at}":{"attributes":{},"order":false,"perm":6,"readQueueNums":${queueCount},` +
        `"topicFilterType":"SINGLE_TAG","topicName":"Topic${at}","topicSysFlag":0,` +
        `"writeQueueNums":${queueCount}}`,
    );
  }
  return Buffer.from(
    `{"filterServerList":[],"topicConfigSerializeWrapper":{"dataVersion":{"counter":${counter},` +
      `"stateVersion":0,"timestamp":1700000000000},"mappingDataVersion":{"counter":0,` +
      `"stateVersion":0,"timestamp":${serial}},"topicConfigTable":{${topics.join(",")}},` +
      `"topicQueueMappingDetailMap":{},"topicQueueMappingInfoMap":{}}}`,
  );
}

/** The same table in the deflated form (compressedRegister=true). */
function deflatedBody(counter: number, queueCount: number): Buffer {
  const pieces: Buffer[] = [];
  const count = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    pieces.push(bytes);
  };
  const text = (value: string) => {
    count(Buffer.byteLength(value));
    pieces.push(Buffer.from(value));
  };
  text(`{"counter":${counter},"stateVersion":0,"timestamp":1700000000000}`);
  count(TOPICS);
  for (let at = 0; at < TOPICS; at++) {
    text(`Topic${at} ${queueCount} ${queueCount} 6 SINGLE_TAG {}`);
  }
  text("[]");
  count(0);
  return deflateSync(Buffer.concat(pieces), { level: 9 });
}

function fieldsOf(broker: number, body: Buffer, compressed: boolean): Record<string, string> {
  return {
    brokerName: `broker-${broker}`,
    brokerAddr: `10.0.0.${broker}:10911`,
    clusterName: "DefaultCluster",
    haServerAddr: `10.0.0.${broker}:10912`,
    brokerId: "0",
    compressed: String(compressed),
    bodyCrc32: String(crc32Masked(body)),
  };
}

async function run(): Promise<Timing[]> {
  await using server = await openNameServer();
  await using peer = new TestPeer(server);
  const register = async (broker: number, body: Buffer, compressed = false) => {
    const answer = await peer.request(103, fieldsOf(broker, body, compressed), body);
    if (answer.code !== 0) throw new Error(answer.remark ?? String(answer.code));
  };
  const idleBytes = process.memoryUsage.rss();
  for (let broker = 0; broker < BROKERS; broker++) await register(broker, jsonBody(1, 4, broker));
  const timings: Timing[] = [];

  const unchanged = Array.from({ length: 40 }, (_, serial) => jsonBody(1, 4, 100 + serial));
  timings.push(
    await time(
      "unchanged registration",
      UNCHANGED_MS_MAX,
      30,
      (round) => register(1, unchanged[round + 5]!),
    ),
  );
  const changed = Array.from({ length: 16 }, (_, at) => jsonBody(2 + at, 4 + at % 2, at));
  timings.push(
    await time(
      "changed registration",
      CHANGED_MS_MAX,
      12,
      (round) => register(2, changed[round + 3]!),
    ),
  );
  const deflated = Array.from({ length: 16 }, (_, at) => deflatedBody(2 + at, 4 + at % 2));
  timings.push(
    await time(
      "unchanged registration, deflated",
      UNCHANGED_MS_MAX,
      30,
      () => register(3, deflated[0]!, true),
    ),
  );
  timings.push(
    await time(
      "changed registration, deflated",
      CHANGED_MS_MAX,
      12,
      (round) => register(3, deflated[round + 3]!, true),
    ),
  );
  timings.push(
    await time("route", ROUTE_MS_MAX, 2000, async (round) => {
      const answer = await peer.request(105, { topic: `Topic${Math.abs(round) * 7 % TOPICS}` });
      if (answer.code !== 0) throw new Error(answer.remark ?? String(answer.code));
    }),
  );
  const fullBytes = process.memoryUsage.rss();
  console.log(
    `resident memory: ${mib(idleBytes)} MiB before, ${mib(fullBytes)} MiB after (with the caller)`,
  );
  return timings;
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}

/** Prints the figures and says which of the aims are met. */
export async function namesrvBench(): Promise<ComparisonResult> {
  console.log(`\nname server, ${TOPICS} topics × ${BROKERS} brokers`);
  const goals = (await run()).map(({ limitMs, medianMs, name, slowestMs }) => {
    const met = medianMs <= limitMs;
    console.log(
      `  ${met ? "met " : "MISS"} ${name.padEnd(34)} median ${medianMs.toFixed(3)} ms, ` +
        `slowest ${slowestMs.toFixed(3)} ms, aim ${limitMs} ms`,
    );
    return { text: `name server: ${name} ≤ ${limitMs} ms`, value: medianMs, met };
  });
  return { name: "name server", medians: { apache: {}, roquet: {} }, goals };
}
