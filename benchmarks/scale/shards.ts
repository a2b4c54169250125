// What a second shard brings. On a machine whose cores the load needs too, the load elsewhere is held equal: one shard is
// measured while an unrelated broker on the same machine is under the same load, two shards with both loads on them.
import { startProcess, waitFor } from "../../interop/support/processes.ts";
import {
  roquetCommand,
  startRoquetBroker,
  startRoquetNamesrv,
} from "../../interop/support/roquet.ts";
import { median, short } from "../support/figures.ts";
import { atLeast, printGoals } from "./goals.ts";
import { pipelined, type ScaleOptions, type ScaleResult } from "./scale.ts";

const LOAD = ["Sharded", 4, 64, 128];

export async function shards({ folder, isShort }: ScaleOptions): Promise<ScaleResult> {
  const rounds = isShort ? 1 : 3;
  const seconds = isShort ? 3 : 8;
  const one: number[] = [];
  const two: number[] = [];
  await using namesrv = await startRoquetNamesrv(`${folder}/shards/namesrv`);
  for (let round = 0; round < rounds; round++) {
    const base = `${folder}/shards/${round}`;
    {
      await using other = await startRoquetBroker(`${base}/other`, namesrv.address);
      await using parent = await startShards(1, `${base}/one`, namesrv.address);
      const both = await loadAll(folder, [...parent.addresses, other.address], seconds);
      // Either of the two: which one the scheduler favours differs from run to run.
      one.push(sum(both) / both.length);
    }
    await using parent = await startShards(2, `${base}/two`, namesrv.address);
    two.push(sum(await loadAll(folder, parent.addresses, seconds)));
  }
  const figures = { oneTps: median(one), twoTps: median(two) };
  console.log(`\nshards: one ${short(figures.oneTps)} msg/s, two ${short(figures.twoTps)} msg/s`);
  const goals = [
    atLeast("two shards / one, the load elsewhere equal", figures.twoTps / figures.oneTps, 1.8),
  ];
  printGoals(goals);
  return { name: "shards", figures, goals };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function loadAll(folder: string, addresses: readonly string[], seconds: number): Promise<number[]> {
  return Promise.all(addresses.map(async (address) => {
    return (await pipelined(folder, address, [...LOAD, seconds])).tps;
  }));
}

async function startShards(count: number, folder: string, nameServer: string) {
  const settings = [
    "listenPort=0",
    "bindAddress=127.0.0.1",
    "brokerIP1=127.0.0.1",
    "brokerName=sharded",
    "diskMaxUsedSpaceRatio=95",
    `storePathRootDir=${folder}/store`,
  ];
  const { command, args } = roquetCommand();
  const parent = startProcess({
    command,
    args: [
      ...[...args, "broker", "--shards", String(count), "-n", nameServer],
      ...settings.flatMap((setting) => ["--set", setting]),
    ],
    logPath: `${folder}/parent.log`,
  });
  const line = await waitFor("the shards", 30_000, () => {
    return /^ready (\{.*\})$/m.exec(parent.output())?.[1];
  });
  const { shards: ready } = JSON.parse(line) as { shards: { port: number }[] };
  return {
    addresses: ready.map(({ port }) => `127.0.0.1:${port}`),
    [Symbol.asyncDispose]: () => parent[Symbol.asyncDispose](),
  };
}
