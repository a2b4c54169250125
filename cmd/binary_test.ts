import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { run, start, temporaryFolder } from "./testing.ts";

const root = new URL("../", import.meta.url).pathname;
const folder = temporaryFolder();
const binary = join(folder.path, "roquet");

/** Compiles by the build task's own words, to another place. */
beforeAll(() => {
  const { tasks } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as {
    tasks: { build: string };
  };
  const [, ...args] = tasks.build.split(" ");
  const outfile = args.indexOf("--outfile") + 1;
  args[outfile] = binary;
  const built = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
});

afterAll(() => folder[Symbol.dispose]());

describe("the compiled binary", () => {
  test("acts as the command whose name of Apache's a link has", async () => {
    const { path } = folder;
    symlinkSync("roquet", join(path, "mqbroker"));
    symlinkSync(binary, join(path, "mqnamesrv"));
    const broker = await run(["-m"], { program: [join(path, "mqbroker")] });
    expect(broker.code).toBe(0);
    expect(broker.out).toContain("brokerRole=ASYNC_MASTER\n");
    const namesrv = await run(["-p"], { program: [join(path, "mqnamesrv")] });
    expect(namesrv.out).toContain("listenPort=9876\n");
    symlinkSync("roquet", join(path, "mqadmin"));
    const mqadmin = await run(["help", "topicRoute"], { program: [join(path, "mqadmin")] });
    expect(mqadmin.out).toContain("Usage: mqadmin topicRoute -t TOPIC [-l]");
    expect((await run(["topicRoute"], { program: [join(path, "mqadmin")] })).code).toBe(2);
    const byPath = await run(["-p"], {
      program: ["mqnamesrv"],
      env: { PATH: `${path}:${process.env["PATH"]}` },
    });
    expect(byPath.out).toBe(namesrv.out);
  });

  test("runs a name server and stops on SIGTERM", async () => {
    const settings = ["--set", "listenPort=0", "--set", `kvConfigPath=${folder.path}/kv.json`];
    const server = start(["namesrv", ...settings], { program: [binary] });
    expect(await server.ready()).toMatchObject({ role: "namesrv" });
    server.child.kill("SIGTERM");
    expect((await server.finished).code).toBe(0);
  });

  test("runs no code from the folder that it is started in", async () => {
    using hostile = temporaryFolder();
    const trap = join(hostile.path, "trap.ts");
    writeFileSync(trap, `import fs from "node:fs"; fs.writeFileSync("trapped", "");`);
    writeFileSync(join(hostile.path, "bunfig.toml"), `preload = ["./trap.ts"]\n`);
    writeFileSync(
      join(hostile.path, ".env"),
      `BUN_OPTIONS="--preload=./trap.ts"\nNAMESRV_ADDR=x:1\n`,
    );
    copyFileSync(trap, join(hostile.path, "index.ts"));
    const { code, out } = await run(["broker", "-m"], { program: [binary], cwd: hostile.path });
    expect(code).toBe(0);
    expect(out).toContain("namesrvAddr=\n");
    expect(() => readFileSync(join(hostile.path, "trapped"))).toThrow();
  });
});
