// A store whose first files Roquet has deleted: Apache's broker opens it and serves the rest under the same offsets, and
// Roquet makes its queues again behind blank units that Apache takes for what they are.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { call, TestPeer } from "../cluster/broker/testing.ts";
import {
  CLEAN_EXPIRED_CONSUMEQUEUE,
  DELETE_EXPIRED_COMMITLOG,
} from "../core/remoting/codes/admin.ts";
import { type Server, startApacheBroker } from "./support/apache.ts";
import { runJavaMain } from "./support/java_main.ts";
import { startRawSender } from "./support/ledger.ts";
import { freeBrokerPort, waitFor } from "./support/processes.ts";
import { waitUntilRegistered } from "./support/registered.ts";
import { startRoquetBroker, startRoquetNamesrv } from "./support/roquet.ts";
import { tempFolder } from "./support/temp.ts";

const CONF = {
  mappedFileSizeCommitLog: 1_048_576,
  mappedFileSizeConsumeQueue: 6000,
  maxHashSlotNum: 500,
  maxIndexNum: 2000,
  fileReservedTime: 1,
  deleteCommitLogFilesInterval: 10,
  deleteConsumeQueueFilesInterval: 0,
  // At no hour by itself.
  deleteWhen: String((new Date().getHours() + 12) % 24),
};
const TOPIC = "Aged";
const MESSAGES = 12_000;
const KEPT_FILES = 3;
const HOUR_S = 3600;

/** All files but the newest were changed last two hours ago. */
function age(logPath: string): void {
  const names = readdirSync(logPath).sort().slice(0, -KEPT_FILES);
  const thenS = Date.now() / 1000 - 2 * HOUR_S;
  for (const name of names) utimesSync(`${logPath}/${name}`, thenS, thenS);
}

test(
  "Apache's broker opens a store whose first files are deleted, and so does Roquet without its queues",
  async () => {
    await using stack = new AsyncDisposableStack();
    const { path: folder } = stack.use(tempFolder("retention"));
    const namesrv = stack.use(await startRoquetNamesrv(`${folder}/namesrv`));
    const port = await freeBrokerPort();
    const storePath = `${folder}/store`;
    const logPath = `${storePath}/commitlog`;
    const start = async (
      make: typeof startRoquetBroker | typeof startApacheBroker,
      name: string,
    ) => {
      const options = { port, storePath, conf: CONF };
      const broker = stack.use(await make(`${folder}/${name}`, namesrv.address, options));
      await waitUntilRegistered(namesrv.address, broker.address);
      return broker;
    };
    const dump = async (broker: Server, name: string): Promise<string[]> => {
      const file = `${folder}/${name}.dump`;
      await runJavaMain(
        "Exchange",
        [namesrv.address, broker.address, `dump:${file}:${TOPIC}`],
        folder,
      );
      return readFileSync(file, "utf8").split("\n").filter((line) => line !== "");
    };

    const first = await start(startRoquetBroker, "roquet1");
    const sender = startRawSender({
      brokerAddress: first.address,
      topic: TOPIC,
      queues: 4,
      inFlight: 32,
      folder,
    });
    await waitFor("messages", 60_000, () => sender.acknowledged >= MESSAGES);
    await sender.stop();
    const before = readdirSync(logPath).length;
    age(logPath);
    using peer = await TestPeer.connect(port);
    const deleted = await call(peer, DELETE_EXPIRED_COMMITLOG, {});
    expect([deleted.code, deleted.remark]).toEqual([0, null]);
    const files = () => readdirSync(logPath);
    await waitFor("fewer files", 60_000, () => files().length === KEPT_FILES);
    expect(before).toBeGreaterThan(KEPT_FILES + 2);
    expect((await call(peer, CLEAN_EXPIRED_CONSUMEQUEUE, {})).code).toBe(0);
    const served = await dump(first, "roquet1");
    expect(served.length).toBeGreaterThan(100);
    const queueLines = served.filter((line) => line.includes("\tqueue "));
    for (const line of queueLines) expect(line).not.toMatch(/queue 0 /);
    first.process.kill("SIGKILL");
    await first.process.exited;

    const apache = await start(startApacheBroker, "apache");
    expect(await dump(apache, "apache")).toEqual(served);
    await apache.process[Symbol.asyncDispose]();

    rmSync(`${storePath}/consumequeue`, { recursive: true });
    const again = await start(startRoquetBroker, "roquet2");
    expect(await dump(again, "roquet2")).toEqual(served);
    await again.process[Symbol.asyncDispose]();

    const last = await start(startApacheBroker, "apache2");
    expect(await dump(last, "apache2")).toEqual(served);
  },
  240_000,
);
