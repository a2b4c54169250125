// Runs mqadmin's commands against a cluster of Apache's and one of Roquet's, each with held clients, and compares what it
// prints, but for what can't be the same.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Cluster, type Make, startCluster } from "./cluster.ts";
import { holdClients, maskCommon, NAMELESS, type Setting, type View } from "./held_clients.ts";
import { mqadmin, NO_OUTPUT } from "./mqadmin.ts";
import type { RunningProcess } from "./processes.ts";

export interface Command {
  words: (setting: Setting) => string[];
  /** How two outputs are made comparable, after the common masks. */
  view?: View;
}

/** Takes out what differs between any two runs: addresses, times, ids, folders. */
function mask(output: string, setting: Setting): string {
  return maskCommon(output, setting)
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d{1,3})?/g, "TIME")
    .replace(/127\.0\.0\.1:\d+/g, "ADDRESS")
    .replace(/\b[0-9A-F]{32}\b/g, "ID")
    .replace(/@[^@\s]*@\d+\s*$/gm, "@KEY")
    .replace(/\b1[78]\d{11}\b/g, "MS")
    .replace(/\d+\.\d+(E-\d+)?/g, "N.N")
    .replace(/[ \t]+/g, " ")
    .trim();
}

/** A command takes up to three seconds of a JVM that shuts its clients down, whatever the broker. */
const BOTH_RUNS_MS_MAX = 600_000;

interface Run {
  cluster: Cluster;
  hold: RunningProcess;
  outputs: string[];
}

async function run(make: Make, list: readonly Command[]): Promise<Run> {
  const cluster = await startCluster({ namesrv: make, broker: make });
  const [hold, setting] = await holdClients(cluster);
  const commands = list.map(({ words }) => words(setting));
  const outputs = await mqadmin(cluster.namesrv.address, commands, `${cluster.folder}/mqadmin`);
  return { cluster, hold, outputs: outputs.map((output) => mask(output, setting)) };
}

export function describeSameOutputs(title: string, commands: readonly Command[]): void {
  describe(title, () => {
    const runs: Partial<Record<Make, Run>> = {};

    beforeAll(async () => {
      for (const make of ["apache", "roquet"] as const) runs[make] = await run(make, commands);
    }, BOTH_RUNS_MS_MAX);

    afterAll(async () => {
      for (const made of Object.values(runs)) {
        await made.hold[Symbol.asyncDispose]();
        await made.cluster[Symbol.asyncDispose]();
      }
    });

    for (const [index, { view = (output: string) => output, words }] of commands.entries()) {
      test(`${index} ${words(NAMELESS).join(" ")}`, () => {
        const [apache, roquet] = [runs.apache!.outputs[index]!, runs.roquet!.outputs[index]!];
        expect(apache).not.toStartWith(NO_OUTPUT);
        expect(view(roquet)).toBe(view(apache));
      });
    }
  });
}
