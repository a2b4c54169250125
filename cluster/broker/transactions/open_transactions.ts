// Puts transactions together: what is open is read from the disk, ends and resumed checks are served, rounds of checks run,
// decisions are written behind them.
import { MetadataFile } from "../../../store/file/metadata_file.ts";
import type { Disk } from "../../../core/disk/disk.ts";
import type { Logger } from "../../../core/log.ts";
import type { HandlerRegistry, HostAddress, PeerCaller } from "../../../core/remoting/handler.ts";
import { runInBackground } from "../../../core/time/background.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Producers } from "../clients/producers.ts";
import type { OffsetTable } from "../offsets/offset_table.ts";
import type { PutRules } from "../put_rules.ts";
import type { StatsSink } from "../stats_sink.ts";
import { losable } from "../lost_tables.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import { CheckBacks } from "./check_back.ts";
import { CheckRounds } from "./check_round.ts";
import { EndTransactions } from "./end_transaction.ts";
import { Ledger } from "./ledger.ts";
import { OpBatches } from "./op_batches.ts";
import { registerResumeCheck } from "./resume_check.ts";
import { Traces } from "./traces.ts";
import { TransactionCounts } from "./transaction_counts.ts";

/** Live configuration values by Apache's names. */
export interface TransactionSettings {
  readonly brokerName: string;
  readonly storePathRootDir: string;
  readonly messageIndexEnable: boolean;
  readonly maxMessageSize: number;
  readonly fileReservedTime: number;
  readonly transactionTimeOut: number;
  readonly transactionCheckMax: number;
  readonly transactionCheckInterval: number;
  readonly transactionMetricFlushInterval: number;
  readonly transactionOpMsgMaxSize: number;
  readonly transactionOpBatchInterval: number;
}

export interface TransactionParts {
  server: HandlerRegistry & PeerCaller;
  store: Pick<
    MessageStore,
    | "queueBounds"
    | "openCursor"
    | "entries"
    | "readHot"
    | "read"
    | "put"
    | "queryIndex"
    | "writeRefusal"
    | "maxPhysicalOffset"
    | "minPhysicalOffset"
  >;
  storeHost: HostAddress;
  topics: Pick<TopicTable, "get" | "createTransCheckMaxTime">;
  offsets: OffsetTable;
  producers: Producers;
  rules: Pick<PutRules, "apply">;
  stats: StatsSink;
  clock: Clock;
  disk: Disk;
  log: Logger;
  settings: TransactionSettings;
}

export interface Transactions extends AsyncDisposable {
  readonly counts: TransactionCounts;
  /** Decisions that are not in the log yet. */
  readonly unwrittenDecisions: number;
  /** Begins to look at undecided messages, the first time after an interval. */
  start(): void;
  /** One look now. */
  checkNow(): Promise<void>;
}

/** Disposing it writes what is decided and saves the counts; the store must still be open. */
export async function openTransactions(given: TransactionParts): Promise<Transactions> {
  const { server, store, settings, clock, disk, topics } = given;
  const parts = {
    ...given,
    log: given.log.named("transactions"),
    openedOffset: store.maxPhysicalOffset,
  };
  const { log } = parts;
  const path = `${settings.storePathRootDir}/config/transactionMetrics`;
  const storePath = settings.storePathRootDir;
  const lost = "counts of open transactions, for monitoring";
  const file = losable(new MetadataFile({ disk, log, path }), { disk, log, path, storePath, lost });
  const counts = new TransactionCounts(file, clock);
  const ledger = await Ledger.open(parts);
  const ops = new OpBatches({
    ...parts,
    written: (queueId, opOffset, lastHalf) => ledger.queue(queueId).addOp(opOffset, lastHalf),
  });
  const traces = new Traces(store, settings.messageIndexEnable);
  const ends = new EndTransactions({ ...parts, ledger, ops, traces, counts });
  ends.register(server);
  registerResumeCheck(server, { store, ledger, counts, traces });
  const checkBacks = new CheckBacks(parts);
  const rounds = new CheckRounds({
    ...parts,
    topics,
    ledger,
    ops,
    ends,
    checkBacks,
    traces,
    counts,
  });
  const running = new AsyncDisposableStack();
  running.defer(() => counts.saveWhenDirty());
  running.use(ops);
  return {
    counts,
    get unwrittenDecisions() {
      return ops.waiting;
    },
    checkNow: () => rounds.run(),
    start() {
      const every = (name: string, intervalMs: () => number, work: () => Promise<void>) => {
        const tick = () => work().then(() => "idle" as const);
        running.use(runInBackground({ name, intervalMs, tick }, clock, log));
      };
      every(
        "saving transaction counts",
        () => settings.transactionMetricFlushInterval,
        () => counts.saveWhenDirty(),
      );
      every(
        "transaction checks",
        () => settings.transactionCheckInterval,
        () => rounds.run(),
      );
    },
    async [Symbol.asyncDispose]() {
      rounds.stop();
      await running.disposeAsync();
    },
  };
}
