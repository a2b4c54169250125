// Tries to break what is promised of acknowledged messages: the broker is killed again and again under load, stopped
// and continued, and its file system fills up. KILLS=100 makes the rounds of a long run.
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { ResponseCode } from "../core/remoting/response_codes.ts";
import {
  checkLedgers,
  type LedgerCheck,
  type RawSender,
  type Sender,
  startJavaSender,
  startRawSender,
} from "./support/ledger.ts";
import { freeBrokerPort, startProcess, waitFor } from "./support/processes.ts";
import { waitUntilRegistered } from "./support/registered.ts";
import {
  roquetCommand,
  type RoquetServer,
  startRoquetBroker,
  startRoquetNamesrv,
} from "./support/roquet.ts";
import { SmallFileSystem } from "./support/small_file_system.ts";
import { tempFolder } from "./support/temp.ts";

/** Rounds of each flush setting. */
const KILLS = Number(process.env.KILLS ?? 52);
const LIFE_MS_MAX = 300;
const OPENING_MS_MAX = 250;
const CLOSING_MS_MAX = 30;
const QUEUES = 8;

/** Small files, so that kills meet roll-overs of log, queues and index. */
const CONF = {
  mappedFileSizeCommitLog: 1_048_576,
  mappedFileSizeConsumeQueue: 6000,
  maxHashSlotNum: 500,
  maxIndexNum: 2000,
  syncFlushTimeout: 20_000,
};
const DISK_BYTES = 24 * 1024 * 1024;
const FILLER_BYTES = 8 * 1024 * 1024;
/** What a producer is told then: a code on which Java clients try another broker, and the cause. */
const REFUSAL =
  `${ResponseCode.SERVICE_NOT_AVAILABLE} service not available now: the disk is full (ENOSPC)`;
const NOTHING_WRONG = { missing: [], changed: [], clashes: [], unreadable: [] };

/** A name server and one broker that dies and comes back on its store and port. */
class Victim implements AsyncDisposable {
  broker!: RoquetServer;
  private home = "";
  private readonly ledgers: string[] = [];
  private readonly stack = new AsyncDisposableStack();

  private constructor(
    readonly folder: string,
    readonly namesrvAddress: string,
    private readonly port: number,
    private readonly conf: Record<string, string | number>,
    readonly disk: SmallFileSystem | null,
  ) {}

  static async open(
    name: string,
    conf: Record<string, string | number>,
    diskBytes = 0,
  ): Promise<Victim> {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(tempFolder(name));
    const disk = diskBytes > 0
      ? stack.use(await SmallFileSystem.mount(`${path}/disk`, diskBytes))
      : null;
    const namesrv = stack.use(await startRoquetNamesrv(`${path}/namesrv`));
    const port = await freeBrokerPort();
    const victim = new Victim(path, namesrv.address, port, { ...CONF, ...conf }, disk);
    await victim.start();
    await waitUntilRegistered(namesrv.address, victim.broker.address);
    victim.stack.use(stack.move());
    return victim;
  }

  async start(): Promise<void> {
    const { folder, namesrvAddress, port, conf, disk } = this;
    this.home = `${folder}/broker-${Date.now()}`;
    this.broker = await startRoquetBroker(this.home, namesrvAddress, {
      port,
      storePath: `${disk?.path ?? folder}/store`,
      conf,
      ...(disk && { through: disk.entering }),
    });
  }

  /** Starts once more and kills that before or after it is ready. */
  async killWhileOpening(): Promise<void> {
    const { command, args } = roquetCommand();
    const process = startProcess({
      command,
      args: [...args, "broker", "-c", `${this.home}/broker.conf`],
      logPath: `${this.home}/killed.log`,
    });
    await pause(Math.random() * OPENING_MS_MAX);
    process.kill("SIGKILL");
    await process.exited;
    await process[Symbol.asyncDispose]();
  }

  /** Lets it begin to stop cleanly first. */
  async killWhileClosing(): Promise<void> {
    this.broker.process.kill("SIGTERM");
    await pause(Math.random() * CLOSING_MS_MAX);
    await this.kill();
  }

  async kill(): Promise<void> {
    this.broker.process.kill("SIGKILL");
    await this.broker.process.exited;
    await this.broker.process[Symbol.asyncDispose]();
  }

  rawSender(topic: string, onRefused?: (code: number, remark: string) => void): RawSender {
    const raw = startRawSender({
      brokerAddress: this.broker.address,
      topic,
      queues: QUEUES,
      inFlight: 24,
      folder: this.folder,
      ...(onRefused && { onRefused }),
    });
    this.ledgers.push(raw.ledgerPath);
    return raw;
  }

  async senders(topic: string): Promise<[Sender, RawSender]> {
    const raw = this.rawSender(topic);
    // The raw client's first message makes the topic.
    await waitFor("a first message", 20_000, () => raw.acknowledged > 0);
    const java = await startJavaSender(this.namesrvAddress, topic, 6, this.folder);
    this.ledgers.push(java.ledgerPath);
    return [java, raw];
  }

  /** Holds what was acknowledged by now against the queues, which senders that still run may make longer meanwhile. */
  async check(topic: string): Promise<LedgerCheck> {
    const ledgers = this.ledgers.map((path) => {
      const copy = `${path}.checked`;
      const text = readFileSync(path, "utf8");
      writeFileSync(copy, text.slice(0, text.lastIndexOf("\n") + 1));
      return copy;
    });
    await waitUntilRegistered(this.namesrvAddress, this.broker.address);
    return await checkLedgers(this.namesrvAddress, topic, ledgers, this.folder);
  }

  async [Symbol.asyncDispose]() {
    await this.broker.process[Symbol.asyncDispose]();
    await this.stack.disposeAsync();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("no acknowledged message is lost or changed", () => {
  for (const flushDiskType of ["ASYNC_FLUSH", "SYNC_FLUSH"]) {
    test(`by ${KILLS} kills under ${flushDiskType}`, async () => {
      await using victim = await Victim.open(`kills-${flushDiskType}`, { flushDiskType });
      const [java, raw] = await victim.senders("Killed");
      let acknowledged = 0;
      for (let round = 0; round < KILLS; round++) {
        // Every life acknowledges something before it ends at a moment that nobody chose.
        await waitFor("more messages", 30_000, () => raw.acknowledged > acknowledged);
        await pause(Math.random() * LIFE_MS_MAX);
        await (round % 4 === 3 ? victim.killWhileClosing() : victim.kill());
        acknowledged = raw.acknowledged;
        if (round % 4 === 1) await victim.killWhileOpening();
        await victim.start();
      }
      await waitFor("messages after the last kill", 30_000, () => raw.acknowledged > acknowledged);
      await Promise.all([java.stop(), raw.stop()]);
      const check = await victim.check("Killed");
      expect(check).toMatchObject(NOTHING_WRONG);
      expect(check.acknowledged).toBeGreaterThan(KILLS);
      expect(check.stored).toBeGreaterThanOrEqual(check.acknowledged);
    }, 120_000 + KILLS * 10_000);
  }

  test("while the broker stands still longer than its clients wait", async () => {
    await using victim = await Victim.open("standstill", { flushDiskType: "ASYNC_FLUSH" });
    const [java, raw] = await victim.senders("Still");
    await pause(500);
    victim.broker.process.kill("SIGSTOP");
    await pause(4000);
    const acknowledged = raw.acknowledged;
    victim.broker.process.kill("SIGCONT");
    await waitFor("messages afterwards", 30_000, () => raw.acknowledged > acknowledged + 100);
    await Promise.all([java.stop(), raw.stop()]);
    expect(await victim.check("Still")).toMatchObject(NOTHING_WRONG);
  }, 90_000);

  test(
    "when the disk is full: sends are refused with the cause, reads go on, and room ends it",
    async () => {
      // Nothing is deleted or refused ahead of time: here the disk itself has the last word.
      const conf = {
        flushDiskType: "ASYNC_FLUSH",
        cleanFileForciblyEnable: "false",
        diskMaxUsedSpaceRatio: 100,
        diskSpaceCleanForciblyRatio: 100,
        diskSpaceWarningLevelRatio: 100,
      };
      await using victim = await Victim.open("full", conf, DISK_BYTES);
      const disk = victim.disk!;
      const refusals = new Map<string, number>();
      const sender = () =>
        victim.rawSender("Full", (code, remark) => {
          const refusal = `${code} ${remark}`;
          refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
        });
      await disk.fill(FILLER_BYTES);
      const raw = sender();
      await waitFor("a refusal", 60_000, () => refusals.size > 0);
      await pause(1000);
      expect([...refusals.keys()]).toEqual([REFUSAL]);
      expect(await victim.check("Full")).toMatchObject(NOTHING_WRONG);

      const acknowledged = raw.acknowledged;
      await disk.unfill();
      await waitFor("messages again", 30_000, () => raw.acknowledged > acknowledged + 1000);
      await waitFor("a full disk again", 60_000, () => refusals.get(REFUSAL)! > 2000);
      expect([...refusals.keys()]).toEqual([REFUSAL]);
      await raw.stop();
      await victim.kill();
      await victim.start();
      expect(await victim.check("Full")).toMatchObject(NOTHING_WRONG);
    },
    120_000,
  );
});
