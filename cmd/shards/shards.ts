// The parent of a broker's shards: starts them, starts the fallen again, stops them all. It serves nothing itself, so
// that the death of one leaves the others' traffic alone.
import { OperationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { RunningServer } from "../server_process.ts";
import type { Shard } from "./shard_plan.ts";
import { type ShardEnd, ShardProcess } from "./shard_process.ts";

/** Before a fallen shard's next start; doubled with each fall, and back at the least after a long life. */
const RESTART_WAIT_MIN_MS = 100;
const RESTART_WAIT_MAX_MS = 10_000;
const LONG_LIFE_MS = 60_000;

export interface ShardsOptions {
  readonly shards: readonly Shard[];
  readonly clock: Clock;
  readonly log: Logger;
  /** A line of a shard's log. */
  readonly say: (shard: Shard, line: string) => void;
}

export class Shards implements RunningServer {
  /** Fields of each shard's latest ready line, and its process id. */
  readonly ready: Record<string, unknown>[] = [];
  private readonly running: (ShardProcess | null)[] = [];
  private readonly keepers: Promise<void>[] = [];
  private readonly stopping = new AbortController();

  private constructor(private readonly options: ShardsOptions) {}

  /** Resolves when all are ready. Rejects with OperationError when one can't start, after the others were stopped. */
  static async open(options: ShardsOptions): Promise<Shards> {
    const shards = new Shards(options);
    const started = options.shards.map((_, index) => shards.start(index));
    const isReady = await Promise.all(started.map(({ ready }) => ready));
    const failed = isReady.indexOf(null);
    if (failed >= 0) {
      await shards[Symbol.asyncDispose]();
      const { name } = options.shards[failed]!;
      throw new OperationError(`the shard ${name} did not start: see its lines above`);
    }
    started.forEach((child, index) => shards.keepers.push(shards.keep(index, child)));
    return shards;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    const running = this.running.filter((child) => child !== null);
    for (const child of running) child.signal();
    await Promise.all(running.map(({ ended }) => ended));
    await Promise.all(this.keepers);
  }

  private start(index: number): ShardProcess {
    const shard = this.options.shards[index]!;
    const child = new ShardProcess(shard, (line) => this.options.say(shard, line));
    this.running[index] = child;
    void child.ready.then((fields) => {
      if (fields !== null) this.ready[index] = { ...fields, pid: child.pid };
    });
    return child;
  }

  /** Starts a shard again whenever it falls, until all are stopped. */
  private async keep(index: number, first: ShardProcess): Promise<void> {
    const { clock, log, shards } = this.options;
    const { name } = shards[index]!;
    let waitMs = RESTART_WAIT_MIN_MS;
    for (let child = first;; child = this.start(index)) {
      const bornMs = clock.monotonicMs();
      void child.ready.then((fields) => fields && log.info("shard ready", { shard: name }));
      const end = await child.ended;
      this.running[index] = null;
      if (this.stopping.signal.aborted) return;
      if (clock.monotonicMs() - bornMs > LONG_LIFE_MS) waitMs = RESTART_WAIT_MIN_MS;
      log.error(`a shard fell (${howEnded(end)}) and is started again`, { shard: name, waitMs });
      await clock.sleep(waitMs, this.stopping.signal).catch(() => {});
      if (this.stopping.signal.aborted) return;
      waitMs = Math.min(waitMs * 2, RESTART_WAIT_MAX_MS);
    }
  }
}

function howEnded({ code, signal }: ShardEnd): string {
  return signal === null ? `exit code ${code}` : signal;
}
