import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, start, temporaryFolder } from "./testing.ts";

/** Options of a broker on free loopback ports that touches nothing outside the folder. */
const inside = (path: string) => {
  const settings = {
    listenPort: "0",
    bindAddress: "127.0.0.1",
    brokerIP1: "127.0.0.1",
    brokerName: "broker-a",
    storePathRootDir: `${path}/store`,
  };
  return Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
};

describe("roquet broker", () => {
  test("says where it listens and stores, stops cleanly, and starts again on its store", async () => {
    using folder = temporaryFolder();
    for (let round = 0; round < 2; round++) {
      const broker = start(["broker", ...inside(folder.path)]);
      const ready = await broker.ready();
      expect(ready).toMatchObject({
        role: "broker",
        name: "broker-a",
        cluster: "DefaultCluster",
        storePath: `${folder.path}/store`,
        addresses: [{ use: "main", host: "127.0.0.1" }, { use: "fast", host: "127.0.0.1" }],
      });
      broker.child.kill("SIGTERM");
      expect((await broker.finished).code).toBe(0);
    }
  });

  test("refuses a store that another broker has open, without a stack", async () => {
    using folder = temporaryFolder();
    const first = start(["broker", ...inside(folder.path)]);
    await first.ready();
    const second = await run(["broker", ...inside(folder.path)]);
    expect([second.code, second.out]).toEqual([1, ""]);
    expect(second.err).toContain(`${folder.path}/store`);
    expect(second.err).not.toContain("    at ");
    first.child.kill("SIGTERM");
    expect((await first.finished).code).toBe(0);
  });

  test("registers with the name server of -n, which beats the file and the variable", async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    const namesrv = start([
      "namesrv",
      ...["--set", "listenPort=0", "--set", "bindAddress=127.0.0.1"],
      ...["--set", `kvConfigPath=${path}/kv.json`],
      "--debug",
    ]);
    const { port } = await namesrv.ready();
    writeFileSync(join(path, "broker.conf"), "namesrvAddr = 127.0.0.1:1\n");
    const args = ["-c", join(path, "broker.conf"), "-n", `127.0.0.1:${port}`];
    const broker = start(["broker", ...args, ...inside(path)], {
      env: { NAMESRV_ADDR: "127.0.0.1:2" },
    });
    await broker.ready();
    await namesrv.until("err", /broker-a/);
    broker.child.kill("SIGTERM");
    namesrv.child.kill("SIGTERM");
    expect([(await broker.finished).code, (await namesrv.finished).code]).toEqual([0, 0]);
  });
});

describe("a broker's configuration", () => {
  test("is printed with -p, from the file, --set, -n and the variable, secrets masked", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "broker.conf");
    writeFileSync(file, "brokerName = b\nmetricsGrpcExporterHeader=token:pw\nmyKey=1\n");
    const { code, out, err } = await run(
      ["broker", "-c", file, "-p", "--set", "maxMessageSize=5"],
      { env: { NAMESRV_ADDR: "ns:9876", ROCKETMQ_HOME: "/opt/mq" } },
    );
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    for (
      const line of [
        "brokerName=b",
        "maxMessageSize=5",
        "namesrvAddr=ns:9876",
        "rocketmqHome=/opt/mq",
        "haListenPort=10912",
        "metricsGrpcExporterHeader=******",
        "myKey=1",
        "dLegerGroup=",
      ]
    ) expect(lines).toContain(line);
    expect(out).not.toContain("pw");
    expect(err).toBe(`${file}:3: unknown key 'myKey'\n`);
  });

  test("is printed with -m as far as it is important", async () => {
    const { code, out } = await run(["broker", "-m"]);
    expect(code).toBe(0);
    const names = out.trimEnd().split("\n").map((line) => line.split("=")[0]);
    expect(names).toContain("brokerRole");
    expect(names).not.toContain("sendMessageThreadPoolNums");
    expect(names.length).toBe(55);
  });

  test("is checked before anything is touched", async () => {
    using folder = temporaryFolder();
    const { code, out, err } = await run([
      "broker",
      ...inside(folder.path),
      ...["-n", "localhost"],
      ...["--set", "brokerRole=SLAVE"],
    ]);
    expect([code, out]).toEqual([2, ""]);
    expect(err.split("\n")).toEqual([
      "--set: brokerRole=SLAVE is refused: replication isn't implemented yet; " +
      "run this slave with Apache's broker, or this node as ASYNC_MASTER",
      "-n: namesrvAddr=localhost: must be host:port, separated by semicolons",
      "",
    ]);
    expect(() => readFileSync(`${folder.path}/store/lock`)).toThrow();
  });
});
