import { describe, expect, test } from "bun:test";
import { DiskError } from "../core/disk/disk.ts";
import { OperationError } from "../core/errors.ts";
import { silentLogger } from "../core/log.ts";
import {
  explain,
  type RunningServer,
  runServer,
  type SignalSource,
  withoutEchoes,
} from "./server_process.ts";

/** A server and a process that only remember what was done to them. */
function stage(options: { open?: () => Promise<void>; failed?: Promise<Error> } = {}) {
  const events: string[] = [];
  let send = (_name: string) => {};
  const signals: SignalSource = {
    listen(callback) {
      send = callback;
      return { [Symbol.dispose]: () => void events.push("signals released") };
    },
    exitAtOnce: (code) => void events.push(`exit at once ${code}`),
  };
  const server: RunningServer = {
    ...(options.failed && { failed: options.failed }),
    [Symbol.asyncDispose]: () => Promise.resolve(void events.push("closed")),
  };
  const code = runServer({
    async open() {
      await options.open?.();
      events.push("open");
      return server;
    },
    describe: () => ({ role: "double" }),
    console: {
      print: (text) => void events.push(text),
      complain: (text) => void events.push(`! ${text}`),
    },
    log: silentLogger,
    debug: false,
    signals,
  });
  return { events, code, send: (name: string) => send(name) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("a server's process", () => {
  test("says ready, serves until a signal, closes, and exits 0", async () => {
    const { events, code, send } = stage();
    await settle();
    expect(events).toEqual(["open", 'ready {"role":"double"}']);
    send("SIGTERM");
    expect(await code).toBe(0);
    expect(events.slice(2)).toEqual(["closed", "signals released"]);
  });

  test("that is told to stop while it opens never says ready, and closes what it opened", async () => {
    const opening = Promise.withResolvers<void>();
    const { events, code, send } = stage({ open: () => opening.promise });
    send("SIGINT");
    opening.resolve();
    expect(await code).toBe(0);
    expect(events).toEqual(["open", "closed", "signals released"]);
  });

  test("ends at once on a second signal", async () => {
    const { events, code, send } = stage({ open: () => new Promise(() => {}) });
    send("SIGTERM");
    send("SIGTERM");
    expect(events).toEqual(["exit at once 1"]);
    void code;
    await settle();
  });

  test("takes a signal and its echo from whoever started it for one request", () => {
    const heard: string[] = [];
    let nowMs = 1_000;
    const hear = withoutEchoes((name) => heard.push(name), () => nowMs);
    hear("SIGINT");
    nowMs += 5;
    hear("SIGTERM");
    expect(heard).toEqual(["SIGINT"]);
    nowMs += 1_000;
    hear("SIGINT");
    expect(heard).toEqual(["SIGINT", "SIGINT"]);
  });

  test("that can't open says why in one line and exits 1", async () => {
    const open = () => Promise.reject(new OperationError("the store is in use by process 7"));
    const { events, code } = stage({ open });
    expect(await code).toBe(1);
    expect(events).toEqual(["! roquet: the store is in use by process 7", "signals released"]);
  });

  test("that can't go on closes, says why and exits 1", async () => {
    const failure = Promise.withResolvers<Error>();
    const { events, code } = stage({ failed: failure.promise });
    await settle();
    failure.resolve(new OperationError("fdatasync failed: EIO"));
    expect(await code).toBe(1);
    expect(events.slice(2)).toEqual([
      "closed",
      "! roquet: fdatasync failed: EIO",
      "signals released",
    ]);
  });
});

test("a bug is told from what a person can act on, and shows its stack only with --debug", () => {
  expect(explain(new OperationError("no space"), false)).toBe("no space");
  expect(explain(new TypeError("x is undefined"), false))
    .toBe("unexpected failure: x is undefined (run with --debug for details)");
  expect(explain(new TypeError("x is undefined"), true)).toContain("at ");
  expect(explain("text", false)).toBe("text");
  expect(explain(new DiskError("EACCES", "mkdir", "/data"), false))
    .toBe("mkdir /data: EACCES, permission denied");
  expect(explain(new DiskError("EIO", "write", "/data/x"), false)).toBe("write /data/x: EIO");
});
