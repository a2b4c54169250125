import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import process from "node:process";
import { run } from "../testing.ts";
import { openTestCluster, type TestCluster } from "./testing.ts";

const MAIN = new URL("../main.ts", import.meta.url).pathname;

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await openTestCluster();
});

afterAll(() => cluster[Symbol.asyncDispose]());

/** Runs the inspector into a pipe that is closed after the first bytes. */
function runIntoClosedPipe(args: readonly string[]): Promise<{ code: number | null; err: string }> {
  const child = spawn(process.execPath, ["run", MAIN, "inspector", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NAMESRV_ADDR: cluster.nameServer },
  });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
  child.stdout.once("data", () => child.stdout.destroy());
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, err })));
}

describe("the inspector as a process", () => {
  test("takes its name server from the environment and ends with 0, 1 or 2", async () => {
    const env = { NAMESRV_ADDR: cluster.nameServer };
    const done = await run(["inspector", "topicClusterList", "-t", "TBW102"], { env });
    expect(done).toMatchObject({ code: 0, out: "TestCluster\n", err: "" });
    const failed = await run(["inspector", "topicRoute", "-t", "Absent"], { env });
    expect(failed).toMatchObject({ code: 1, out: "" });
    expect(failed.err).toBe("roquet inspector topicRoute: topic 'Absent' doesn't exist\n");
    expect((await run(["inspector", "topicRoute"], { env })).code).toBe(2);
  });

  test("is no worse for a pipe that is closed early", async () => {
    await cluster.json("updateTopic -c TestCluster -t Many -r 1 -w 1");
    await cluster.json("checkMsgSendRT -t Many -a 400 -s 1000");
    expect(await runIntoClosedPipe(["printMsg", "-t", "Many"])).toEqual({ code: 0, err: "" });
  });

  test("completes its commands for a shell", async () => {
    const { out } = await run(["completion", "bash", "inspector", "topicR"]);
    expect(out).toBe("topicRoute\n");
  });
});
