// One history: a disk that starts empty, and a broker that lives, dies and comes back on it again and again. A seed
// decides everything: what is done, what the disk refuses, when and how the broker dies.
import { OperationError } from "../../../core/errors.ts";
import { type Disk, DiskError } from "../../../core/disk/disk.ts";
import { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { createLogger, type LogEntry } from "../../../core/log.ts";
import { type Random, randomBelow, seededRandom } from "../../../core/random.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { injectFaults } from "./faults.ts";
import { Life } from "./life.ts";
import { LOG_PATH } from "./paths.ts";
import { DiskHistory, MortalDisk } from "./mortal_disk.ts";
import type { LifeEnd, Settings, SimulatedLife, Workload, WorkloadMaker } from "./workload.ts";

const FIRST_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const ACTS_MAX = 60;
/** How long the clock runs between two acts, in ms: mostly not at all. */
const PAUSES_MS = [0, 0, 0, 0, 0, 1, 1, 1, 3, 7, 60, 60, 700, 3000];

/** Now and then longer than a queue's lock holds. */
const LONG_PAUSE_MS = 61_000;
const LONG_PAUSE_ONE_IN = 150;

const SYNC_MS_MAX = 700;

export interface HistoryOptions {
  seed: number;
  /** Crashes that it has, those of recoveries among them. */
  points: number;
  workloads: readonly WorkloadMaker[];
  /** Plants a bug between the broker and its disk. */
  mutate?: (disk: Disk) => Disk;
  /** What the disk refuses, in every life; default: something that chance picks, in each fourth. */
  faults?: (memory: MemoryDisk, random: Random) => void;
  /** Told everything that the brokers log. */
  onLog?: (entry: LogEntry) => void;
  settings?: Settings;
}

export interface HistoryResult {
  seed: number;
  /** Crashes lived through. */
  points: number;
  lives: number;
  /** What was broken, at the first check that found something; empty when all held. */
  problems: string[];
  /** The same for two runs of one seed. */
  digest: number;
}

/** Runs a history to its end, or to the first broken promise. */
export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  return await new History(options).run();
}

class History {
  private readonly random: Random;
  private readonly disk: DiskHistory;
  private readonly workloads: Workload[];
  private readonly settings: Settings;
  private readonly problems: string[] = [];
  private nowMs = FIRST_MS;
  private points = 0;
  private readonly said = { suspectRecords: 0, replays: [] as number[] };
  private lives = 0;

  constructor(private readonly options: HistoryOptions) {
    const { seed, workloads } = options;
    this.random = seededRandom(seed);
    this.disk = new DiskHistory(new MemoryDisk(seededRandom(seed ^ 0x5bd1e995)));
    this.workloads = workloads.map((make) => make());
    this.settings = { ...settingsOf(seed), ...options.settings };
  }

  async run(): Promise<HistoryResult> {
    try {
      while (this.points < this.options.points && this.problems.length === 0) await this.live();
      if (this.problems.length === 0) await this.finish();
    } catch (error) {
      this.broken(String(error instanceof Error ? error.stack : error));
    }
    const { points, lives, problems } = this;
    return { seed: this.options.seed, points, lives, problems, digest: this.disk.digest };
  }

  /** One life, from start to death or stop. */
  private async live(): Promise<void> {
    const { random } = this;
    const kind = randomBelow(random, 2) === 0 ? "power" : "process";
    const after = chooseDeath(random);
    const hasFaults = this.options.faults !== undefined || randomBelow(random, 4) === 0;
    const { life, mortal, end } = this.newLife(kind, after, hasFaults);
    try {
      if (await this.openAndCheck(life)) await this.use(life);
      const isDeadBefore = mortal.isDead;
      if (!isDeadBefore && randomBelow(random, 3) === 0 && life.isOpen) {
        const closed = await life.close();
        if (closed.kind === "failed") this.failed(closed.error, life);
        if (closed.kind === "done") return end("clean");
      }
      mortal.die();
    } finally {
      this.rest(life);
    }
  }

  private newLife(kind: "power" | "process", after: number, hasFaults: boolean) {
    const { random, disk, workloads } = this;
    const { seed } = this.options;
    this.lives++;
    const memory = disk.memory;
    memory.clearFaults();
    memory.releaseSyncs();
    memory.freeBytes = memory.totalBytes;
    if (hasFaults) (this.options.faults ?? injectFaults)(memory, random);
    const mortal = new MortalDisk(disk, { kind, after }, random);
    const clock = new VirtualClock(this.nowMs);
    const life: Life = new Life({
      disk: this.options.mutate?.(mortal) ?? mortal,
      mortal,
      history: disk,
      clock,
      random,
      log: createLogger((entry) => this.note(entry)),
      settings: this.settings,
      hasFaults,
      thresholds: {
        ...(seed % 2 === 0 && { queueEndsMin: 1 }),
        ...(seed % 4 < 2 && { quickSyncsMin: 0 }),
      },
      said: this.said,
      broken: (problem) => this.broken(problem),
    });
    const end = (how: LifeEnd["kind"]) => {
      const fact: LifeEnd = {
        kind: how,
        syncFlush: life.syncFlush,
        hasFaults,
        nowMs: clock.nowMs(),
        isLogDurable: (physicalOffset, at) => disk.isLogDurable(physicalOffset, at),
      };
      for (const workload of workloads) workload.ended(fact);
    };
    mortal.onDeath = (how) => {
      this.points++;
      end(how);
    };
    mortal.onUnlink = (path) => {
      if (!path.startsWith(`${LOG_PATH}/0`)) return;
      // The files that follow the removed one show that it wasn't one beyond the log's end.
      const [first] = memory.listSync(LOG_PATH).filter((name) => name.startsWith("0"));
      const logStart = Number(first ?? 0);
      if (logStart > Number(path.slice(LOG_PATH.length + 1))) {
        for (const workload of workloads) workload.removed(logStart);
      }
    };
    return { life, mortal, end };
  }

  /** Opens the broker and compares all that was promised before; false when it isn't open any more. */
  private async openAndCheck(life: Life): Promise<boolean> {
    const opened = await life.open();
    if (opened.kind === "failed") this.failed(opened.error, life);
    if (opened.kind !== "done") return false;
    for (const workload of this.workloads) {
      if (!await this.step(life, workload.begin(life))) return false;
      if (!await this.step(life, workload.check(life))) return false;
    }
    return true;
  }

  private async step(life: Life, work: Promise<void>): Promise<boolean> {
    const outcome = await life.drive(work);
    if (outcome.kind === "failed") this.failed(outcome.error, life);
    return outcome.kind === "done" && this.problems.length === 0;
  }

  private async use(life: SimulatedLife & { readonly clock: VirtualClock }): Promise<void> {
    const { random, workloads } = this;
    const { memory } = this.disk;
    for (let acts = 1 + randomBelow(random, ACTS_MAX); acts > 0 && !life.disk.isDead; acts--) {
      workloads[randomBelow(random, workloads.length)]!.act(life);
      if (randomBelow(random, 6) === 0) memory.holdSyncs();
      const pauseMs = randomBelow(random, LONG_PAUSE_ONE_IN) === 0
        ? LONG_PAUSE_MS
        : PAUSES_MS[randomBelow(random, PAUSES_MS.length)]!;
      // No device takes seconds: what is saved in the background is safe after so long.
      if (pauseMs >= SYNC_MS_MAX) memory.releaseSyncs();
      await life.clock.advance(pauseMs);
      if (randomBelow(random, 3) === 0) memory.releaseSyncs();
      memory.nowMs = life.clock.nowMs();
    }
    // A death between two operations finds syncs under way; a stop waits for them.
    if (randomBelow(random, 2) === 0) memory.releaseSyncs();
  }

  private rest(life: Life): void {
    const { random } = this;
    this.disk.memory.releaseSyncs();
    this.nowMs = life.clock.nowMs() + (randomBelow(random, 8) === 0 ? 3 * HOUR_MS : 1000);
    this.disk.memory.nowMs = this.nowMs;
  }

  /** A life without death or faults, in which what is due comes about and everything is compared once more. */
  private async finish(): Promise<void> {
    const { life, end } = this.newLife("process", Infinity, false);
    if (!await this.openAndCheck(life)) return;
    for (const workload of this.workloads) await this.step(life, workload.finish(life));
    const closed = await life.close();
    if (closed.kind === "failed") this.failed(closed.error, life);
    end("clean");
  }

  /** Only a disk that refuses may keep a broker from opening or closing. */
  private failed(error: unknown, life: SimulatedLife): void {
    const isExpected = life.hasFaults &&
      (error instanceof DiskError || error instanceof OperationError);
    if (!isExpected) {
      this.broken(`the broker failed: ${error instanceof Error ? error.stack : error}`);
    }
  }

  private note(entry: LogEntry): void {
    const { suspectRecords, rebuilt, from } = entry.fields ?? {};
    if (typeof suspectRecords === "number") this.said.suspectRecords += suspectRecords;
    if (rebuilt !== undefined) {
      this.said.replays.push(String(rebuilt).includes("queues") ? 0 : Number(from));
    }
    this.options.onLog?.(entry);
  }

  private broken(problem: string): void {
    this.problems.push(`life ${this.lives}: ${problem}`);
  }
}

/** What a history is configured to do, so that each way of it meets each other one. */
function settingsOf(seed: number): Settings {
  return {
    flushDiskType: seed % 2 === 0 ? "SYNC_FLUSH" : "ASYNC_FLUSH",
    enablePopBufferMerge: (seed & 2) !== 0,
    enableRetryTopicV2: (seed & 4) !== 0,
    enablePopBatchAck: (seed & 8) !== 0,
    enabledAppendPropCRC: (seed & 16) !== 0,
    forceVerifyPropCRC: (seed & 16) !== 0,
  };
}

/** Mostly while it serves, often while it recovers, now and then not by itself at all. */
function chooseDeath(random: Random): number {
  const kind = randomBelow(random, 10);
  if (kind < 3) return 1 + randomBelow(random, 30);
  if (kind < 9) return 1 + randomBelow(random, 400);
  return Infinity;
}
