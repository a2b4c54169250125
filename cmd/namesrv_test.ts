import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import process from "node:process";
import { silentLogger } from "../core/log.ts";
import { RemotingClient } from "../core/remoting/client.ts";
import { GET_NAMESRV_CONFIG, UPDATE_NAMESRV_CONFIG } from "../core/remoting/codes/namesrv.ts";
import { ResponseCode } from "../core/remoting/response_codes.ts";
import { createNodeTransport } from "../core/remoting/transport_node.ts";
import { systemClock } from "../core/time/system_clock.ts";
import { run, start, temporaryFolder } from "./testing.ts";

/** Options of a name server that touches nothing outside the folder. */
const inside = (path: string) => [
  "--set",
  "listenPort=0",
  "--set",
  "bindAddress=127.0.0.1",
  "--set",
  `kvConfigPath=${path}/kv.json`,
];

function newClient(): RemotingClient {
  const transport = createNodeTransport(systemClock);
  return new RemotingClient({ transport, clock: systemClock, log: silentLogger });
}

async function freePort(): Promise<number> {
  const holder = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.on("listening", resolve));
  const { port } = holder.address() as net.AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  return port;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

describe("roquet namesrv", () => {
  test("says where it listens when it is ready, and stops cleanly on SIGTERM", async () => {
    using folder = temporaryFolder();
    const server = start(["namesrv", ...inside(folder.path)]);
    const ready = await server.ready();
    expect(ready).toMatchObject({
      role: "namesrv",
      addresses: [{ use: "main", host: "127.0.0.1" }],
    });
    expect(ready["port"]).toBeGreaterThan(0);
    expect(ready["ms"]).toBeGreaterThan(0);
    const socket = net.connect(ready["port"] as number, "127.0.0.1");
    await new Promise((resolve) => socket.on("connect", resolve));
    socket.destroy();
    server.child.kill("SIGTERM");
    const { code, out, err } = await server.finished;
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n").length).toBe(1);
    expect(err).toContain("stopping on SIGTERM");
  });

  test("stops on SIGINT too", async () => {
    using folder = temporaryFolder();
    const server = start(["namesrv", ...inside(folder.path)]);
    await server.ready();
    server.child.kill("SIGINT");
    expect((await server.finished).code).toBe(0);
  });

  test("says that the port is taken, without a stack, and exits 1", async () => {
    using folder = temporaryFolder();
    const holder = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => holder.on("listening", resolve));
    const { port } = holder.address() as net.AddressInfo;
    const { code, out, err } = await run([
      "namesrv",
      ...inside(folder.path),
      "--set",
      `listenPort=${port}`,
    ]);
    holder.close();
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(`roquet: 127.0.0.1:${port}: the address is in use\n`);
  });

  test("goes on when nobody reads its output, and still stops cleanly", async () => {
    using folder = temporaryFolder();
    const port = await freePort();
    const server = start(["namesrv", ...inside(folder.path), "--set", `listenPort=${port}`]);
    server.child.stdout?.destroy();
    server.child.stderr?.destroy();
    while (!await canConnect(port)) expect(server.child.exitCode).toBeNull();
    server.child.kill("SIGTERM");
    expect((await server.finished).code).toBe(0);
  });

  test("logs JSON lines, to a file too", async () => {
    using folder = temporaryFolder();
    const logFile = join(folder.path, "log", "namesrv.log");
    const server = start([
      "namesrv",
      ...inside(folder.path),
      "--log-json",
      "--log-file",
      logFile,
      "--set",
      "defaultThreadPoolNums=3",
    ]);
    await server.ready();
    server.child.kill("SIGTERM");
    const { err } = await server.finished;
    const lines = err.trimEnd().split("\n").map((line) => JSON.parse(line) as { text: string });
    expect(lines.map(({ text }) => text)).toContain(
      "stopping on SIGTERM; a second signal ends at once",
    );
    expect(lines.some(({ text }) => text.startsWith("set without effect: defaultThreadPoolNums")))
      .toBe(true);
    expect(readFileSync(logFile, "utf8")).toBe(err);
  });
});

describe("a configuration file", () => {
  const withConfig = (text: string, args: string[] = []) => {
    const folder = temporaryFolder();
    const file = join(folder.path, "namesrv.conf");
    writeFileSync(file, text);
    return run(["namesrv", "-c", "namesrv.conf", ...args], { cwd: folder.path })
      .finally(() => folder[Symbol.dispose]());
  };

  test("with mistakes stops the start with all of them, and exit code 2", async () => {
    const { code, out, err } = await withConfig(
      "# mine\nlistenPort=abc\nenableTopicList=maybe\nlistenport=1\n",
      ["--strict"],
    );
    expect([code, out]).toEqual([2, ""]);
    expect(err).toBe([
      "namesrv.conf:2: listenPort=abc: must be a whole number",
      "namesrv.conf:3: enableTopicList=maybe: must be true or false",
      "namesrv.conf:4: unknown key 'listenport', did you mean 'listenPort'?",
      "",
    ].join("\n"));
  });

  test("with a setting that isn't implemented stops the start and says what to do", async () => {
    const { code, err } = await withConfig("enableControllerInNamesrv = true\n");
    expect(code).toBe(2);
    expect(err).toBe(
      "namesrv.conf:1: enableControllerInNamesrv=true is refused: " +
        "controller mode isn't implemented yet; set it to false\n",
    );
  });

  test("that isn't there, is a folder or can't be read is named with the reason", async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    mkdirSync(join(path, "dir"));
    const attempt = (file: string) => run(["namesrv", "-c", file], { cwd: path });
    const missing = await attempt("missing.conf");
    expect([missing.code, missing.err]).toEqual([2, "missing.conf: no such file\n"]);
    const directory = await attempt("dir");
    expect([directory.code, directory.err]).toEqual([2, "dir: is a directory, not a file\n"]);
    if (process.getuid?.() === 0) return;
    writeFileSync(join(path, "secret.conf"), "");
    chmodSync(join(path, "secret.conf"), 0);
    const unreadable = await attempt("secret.conf");
    expect([unreadable.code, unreadable.err]).toEqual([2, "secret.conf: permission denied\n"]);
  });

  test("is printed with -p, every key with its value, without starting anything", async () => {
    const { code, out } = await withConfig("listenPort=1234\nfoo=bar\n", ["-p"]);
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines).toContain("listenPort=1234");
    expect(lines).toContain("enableTopicList=true");
    expect(lines).toContain("foo=bar");
    expect(lines).toEqual([...lines].sort());
  });
});

describe("a setting changed at run time", () => {
  test("takes effect, is kept in the file, and holds after a restart; a path is refused", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "namesrv.conf");
    writeFileSync(file, "# mine\nenableTopicList = true\n");
    for (const expected of ["true", "false"]) {
      const server = start(["namesrv", "-c", file, ...inside(folder.path)]);
      const { port } = await server.ready();
      await using client = newClient();
      const address = `127.0.0.1:${port}`;
      const listing = await client.call(GET_NAMESRV_CONFIG, address, {});
      expect(Buffer.from(listing.body).toString()).toContain(`\nenableTopicList=${expected}\n`);
      const update = (text: string) =>
        client.call(UPDATE_NAMESRV_CONFIG, address, {}, Buffer.from(text));
      expect((await update("enableTopicList=false")).code).toBe(ResponseCode.SUCCESS);
      const path = await update(`kvConfigPath=${folder.path}/other\nenableAllTopicList=false`);
      expect(path.code).toBe(ResponseCode.NO_PERMISSION);
      expect(readFileSync(file, "utf8")).toBe("# mine\nenableTopicList=false\n");
      server.child.kill("SIGTERM");
      expect((await server.finished).code).toBe(0);
    }
  });
});

describe("a wrong command line", () => {
  for (
    const [args, problem] of [
      [["brokr"], "Did you mean `broker`?"],
      [["namesrv", "--foo"], "Unexpected option or subcommand: `--foo`"],
      [["namesrv", "-c"], "`-c` requires `FILE`"],
      [["namesrv", "stray"], "stray"],
      [["namesrv", "--log-level", "loud"], 'Expected one of "debug"'],
      [["namesrv", "--set", "oops"], "--set oops: must be key=value"],
    ] as const
  ) {
    test(`is explained, with exit code 2: roquet ${args.join(" ")}`, async () => {
      const { code, out, err } = await run(args);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(problem);
      expect(err).not.toContain("    at ");
    });
  }

  test("without a command shows what there is", async () => {
    const { code, err } = await run([]);
    expect(code).toBe(2);
    expect(err).toContain("Runs a name server.");
  });
});

describe("help, version and completion", () => {
  test("are printed, with exit code 0", async () => {
    const help = await run(["namesrv", "--help"]);
    expect(help.code).toBe(0);
    expect(help.out).toContain("--configFile");
    expect(help.out).toContain("Example: ");
    const version = await run(["--version"]);
    expect([version.code, version.out]).toEqual([0, "roquet 0.1.0 (as Apache RocketMQ 5.4.0)\n"]);
    const completion = await run(["completion", "bash"]);
    expect(completion.code).toBe(0);
    expect(completion.out.includes("complete -F _roquet -- roquet")).toBe(true);
  });
});
