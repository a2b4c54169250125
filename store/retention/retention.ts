// Deletes the log's first files when their time or the disk says so, has queues and index follow, and refuses sends
// while the disk is too full. When and why is retention_plan.ts's; files are freed off this thread, one at a time.
import { type Disk, DiskError, usedRatioOf } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import { runInBackground } from "../../core/time/background.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { ConsumeQueues } from "../consume_queue/consume_queues.ts";
import { deleteGradually } from "../file/gradual_deletion.ts";
import type { SegmentFiles } from "../file/segment_files.ts";
import type { KeyIndex } from "../index/key_index.ts";
import type { PutStatus } from "../message_store.ts";
import {
  type DiskUse,
  mayDelete,
  planRetention,
  type RetentionPlan,
  type RetentionSettings,
} from "./retention_plan.ts";

/** Rounds that an operator's request lasts (Java: MAX_MANUAL_DELETE_FILE_TIMES). */
const MANUAL_ROUNDS = 20;
/** The first round comes this long after the start (Java: DefaultMessageStore.addScheduleTask). */
const FIRST_ROUND_MS = 60_000;

/** What an operator may ask for. */
export interface RetentionControl {
  /** Has expired files of the log deleted in this and the next rounds, at whatever hour. Returns at once. */
  deleteExpiredFiles(): void;
  /** Deletes queue and index files that point before the log only. Never rejects for the disk's sake. */
  deleteExpiredQueueFiles(): Promise<void>;
}

export interface RetentionParts {
  disk: Disk;
  clock: Clock;
  log: Logger;
  /** Read anew each round. */
  settings: () => RetentionSettings;
  /** The log's files and their folder. */
  files: SegmentFiles;
  logPath: string;
  /** The folder of the consume queues. */
  queuesPath: string;
  queues: ConsumeQueues;
  index: KeyIndex | null;
  /** Up to where the log is on the device and its entries are in queues and index. */
  settledEnd: () => number;
  /** Makes what points into the log durable up to its end; false when the disk refused. */
  checkpoint: () => Promise<boolean>;
  /** Refuses sends from now on, or takes them again. */
  refuse: (refusal: { status: PutStatus; detail: string } | null) => void;
}

/** A file that is out of the log, but that the disk didn't let go. */
interface HangedFile {
  path: string;
  triedAtMs: number;
}

/** What one round did, for its log line. */
interface Round {
  plan: RetentionPlan;
  files: number;
  forcibly: number;
  startedMs: number;
}

export class Retention implements RetentionControl, AsyncDisposable {
  private manualRounds = 0;
  /** Why sends are refused for the disk's sake. */
  private refusal: string | null = null;
  private isUsageUnknown = false;
  private isOutOfFiles = false;
  private hanged: HangedFile | null = null;
  private followedOffset = 0;
  private running: Promise<void> | null = null;
  private following: Promise<void> | null = null;
  private readonly stopping = new AbortController();
  private task: AsyncDisposable | null = null;

  constructor(private readonly parts: RetentionParts) {}

  start(): void {
    const { clock, log, settings } = this.parts;
    const tick = async (): Promise<"idle"> => {
      await this.run();
      return "idle";
    };
    this.task = runInBackground(
      {
        name: "retention",
        intervalMs: settings().intervalMs,
        initialDelayMs: FIRST_ROUND_MS,
        tick,
      },
      clock,
      log,
    );
  }

  /** Nothing more is deleted, but for what is under way. */
  stop(): void {
    this.stopping.abort();
  }

  /** Stops, and waits for a deletion that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.task?.[Symbol.asyncDispose]();
    await this.running;
    await this.following;
  }

  deleteExpiredFiles(): void {
    this.manualRounds = MANUAL_ROUNDS;
    void this.run();
  }

  async deleteExpiredQueueFiles(): Promise<void> {
    await this.following;
    this.followedOffset = 0;
    this.follow(0);
    await this.following;
  }

  /** One round; asked for during one, it is that one. Never rejects for the disk's sake. */
  run(): Promise<void> {
    if (this.stopping.signal.aborted) return Promise.resolve();
    return this.running ??= this.round().finally(() => this.running = null);
  }

  private async round(): Promise<void> {
    const isManual = this.manualRounds > 0;
    const plan = this.look();
    const round: Round = { plan, files: 0, forcibly: 0, startedMs: this.parts.clock.monotonicMs() };
    try {
      await this.freeHanged(plan);
      await this.deleteFiles(round);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.parts.log.error("a log file can't be deleted", { path: error.path, error });
    }
    if (isManual) this.manualRounds--;
    this.report(round);
    this.follow(this.parts.settings().queueFilesPauseMs);
  }

  /** Asks the disks, and refuses or takes sends accordingly. */
  private look(): RetentionPlan {
    const { clock, settings } = this.parts;
    const plan = planRetention({
      settings: settings(),
      use: this.use(),
      hour: new Date(clock.nowMs()).getHours(),
      isManual: this.manualRounds > 0,
      refusal: this.refusal,
    });
    this.obey(plan);
    return plan;
  }

  private use(): DiskUse | null {
    const { disk, log, logPath, queuesPath } = this.parts;
    try {
      const use = {
        log: usedRatioOf(disk.usageSync(logPath)),
        queues: usedRatioOf(disk.usageSync(queuesPath)),
      };
      this.isUsageUnknown = false;
      return use;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (!this.isUsageUnknown) log.warn("the disk can't be asked how full it is", { error });
      this.isUsageUnknown = true;
      return null;
    }
  }

  private obey({ refusal }: RetentionPlan): void {
    const { log, refuse } = this.parts;
    const before = this.refusal;
    this.refusal = refusal;
    if (refusal !== null) {
      refuse({ status: "disk_full", detail: refusal });
      if (before === null) log.error("sends are refused", { cause: refusal });
    } else if (before !== null) {
      refuse(null);
      log.info("sends are taken again: the disk has room");
    }
  }

  /** Nothing behind a file that is still there may go: the store wouldn't open with a hole. */
  private async freeHanged(plan: RetentionPlan): Promise<void> {
    const { hanged } = this;
    if (hanged === null) return;
    const { clock, disk, log, logPath, settings } = this.parts;
    const nowMs = clock.monotonicMs();
    if (!plan.forcibly && nowMs - hanged.triedAtMs < settings().retryMs) return;
    hanged.triedAtMs = nowMs;
    if (disk.statSync(hanged.path) !== null) await this.deleteFile(hanged.path);
    else await disk.syncDirectory(logPath);
    this.hanged = null;
    log.info("deleted a log file that had hung", { path: hanged.path });
  }

  /** Oldest first, never the last one, and none whose records aren't settled. */
  private async deleteFiles(round: Round): Promise<void> {
    const { batchFilesMax, logFilesPauseMs } = this.parts.settings();
    let { plan } = round;
    while (this.hanged === null && round.files < batchFilesMax && await this.isNextDue(plan)) {
      await this.deleteFirst();
      round.files++;
      if (plan.forcibly) round.forcibly++;
      await this.pause(logFilesPauseMs);
      if (this.stopping.signal.aborted) return;
      // Asked again after each file: a forced deletion ends, and sends go on, as soon as there is room.
      plan = this.look();
    }
  }

  /** Whether the first file goes now. */
  private async isNextDue(plan: RetentionPlan): Promise<boolean> {
    const { disk, files, clock, settings, settledEnd, checkpoint, log } = this.parts;
    const [first, second] = files.segments;
    if (first === undefined || second === undefined) return false;
    const modifiedMs = disk.statSync(first.path)?.modifiedMs ?? 0;
    if (!mayDelete(plan, settings(), modifiedMs, clock.nowMs())) return false;
    if (second.startOffset <= settledEnd()) return true;
    // A queue whose end isn't durable would begin anew after a crash if its records were gone.
    const isSettled = await checkpoint();
    if (!isSettled) log.warn("log files are kept: the disk doesn't take the checkpoint");
    return isSettled && second.startOffset <= settledEnd();
  }

  private async deleteFirst(): Promise<void> {
    const { clock, files } = this.parts;
    const { path } = files.segments[0]!;
    this.hanged = { path, triedAtMs: clock.monotonicMs() };
    await files.takeFirst();
    // Durably, each: a power cut must not bring a file back whose follower is gone.
    await this.deleteFile(path);
    this.hanged = null;
  }

  private deleteFile(path: string): Promise<void> {
    const { clock, disk } = this.parts;
    return deleteGradually({ disk, clock, signal: this.stopping.signal }, path);
  }

  private report(round: Round): void {
    const { clock, log, files, logPath, settings } = this.parts;
    const { cause } = round.plan;
    if (round.files > 0) {
      log.info("deleted the log's first files", {
        cause,
        files: round.files,
        forcibly: round.forcibly,
        logStart: files.startOffset,
        logPath,
        reservedHours: settings().reservedMs / 3_600_000,
        tookMs: Math.round(clock.monotonicMs() - round.startedMs),
      });
    }
    const isOutOfFiles = cause === "disk" && round.files === 0;
    if (isOutOfFiles && !this.isOutOfFiles) {
      log.warn("the disk is filling up and no log file may be deleted", { logPath });
    }
    this.isOutOfFiles = isOutOfFiles;
  }

  /** Has queues and index follow the log's beginning, in the background. */
  private follow(pauseMs: number): void {
    const { files, log } = this.parts;
    const start = files.startOffset;
    if (this.stopping.signal.aborted) return;
    if (this.following !== null || start <= this.followedOffset) return;
    this.following = this.followTo(start, pauseMs).then(
      () => void (this.followedOffset = start),
      (error: unknown) => {
        if (!(error instanceof DiskError)) throw error;
        log.error("a queue or index file can't be deleted", { path: error.path, error });
      },
    ).finally(() => this.following = null);
  }

  private async followTo(start: number, pauseMs: number): Promise<void> {
    const { queues, index } = this.parts;
    await queues.deleteExpired(start, pauseMs, this.stopping.signal);
    if (!this.stopping.signal.aborted) {
      await index?.deleteExpired(start, (path) => this.deleteFile(path));
    }
  }

  /** Over at once when the store is being closed. */
  private async pause(delayMs: number): Promise<void> {
    const { signal } = this.stopping;
    if (delayMs > 0 && !signal.aborted) {
      await this.parts.clock.sleep(delayMs, signal).catch(() => {});
    }
  }
}
