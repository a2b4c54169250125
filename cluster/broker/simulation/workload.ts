// What a simulation is made of: workloads that act on a living broker and know by a model of their own what must hold
// when it has come back. Timer, transactions, pop … plug in by another Workload; nothing here knows what they do.
import type { CodeRow, Fields, FieldsOf } from "../../../core/remoting/code_row.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import type { Random } from "../../../core/random.ts";
import type { VirtualClock } from "../../../core/time/virtual_clock.ts";
import type { CrashKind, MortalDisk } from "./mortal_disk.ts";

/** Keys of broker.conf. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

/** One run of the broker, from its start to its stop or death, as a workload sees it. */
export interface SimulatedLife {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly disk: MortalDisk;
  /** Changes of the disk since the history began: the history's own time. */
  readonly now: number;
  readonly syncFlush: boolean;
  /** forceVerifyPropCRC: a sum covers each record whole, and none is served without. */
  readonly hasPropertyCrc: boolean;
  /** Torn records that recoveries of this history have kept and reported. */
  readonly suspectRecords: number;
  /** From where on the recoveries of this history entered records into queues; 0 when all of the log was read. */
  readonly replays: readonly number[];
  /** The disk refuses something in this life: tables that are saved "as Apache does" may stay unsaved. */
  readonly hasFaults: boolean;
  /** Sends a request; resolves with its answer, and never when the broker dies first. */
  call<Q extends Fields>(
    row: CodeRow<Q>,
    fields: Partial<FieldsOf<Q>>,
    body?: Uint8Array,
  ): Promise<RemotingCommand>;
  /** Says that a promise is broken. */
  broken(problem: string): void;
}

/** How a life ended. */
export interface LifeEnd {
  kind: CrashKind | "clean";
  syncFlush: boolean;
  hasFaults: boolean;
  nowMs: number;
  /** Whether a record that was in the log at a moment of the history's time is safe from a power cut. */
  isLogDurable(physicalOffset: number, at: number): boolean;
}

export interface Workload {
  readonly name: string;
  /** Called when requests are served, in each life, before anything else: makes what the workload needs. */
  begin(life: SimulatedLife): Promise<void>;
  /** Compares what there is with what was promised, and says what is broken. The broker may die meanwhile. */
  check(life: SimulatedLife): Promise<void>;
  /** Starts something that chance picks, without waiting for its end; what is acknowledged is noted in the model. */
  act(life: SimulatedLife): void;
  /** The broker is gone; nothing is lost yet. */
  ended(end: LifeEnd): void;
  /** Retention took the log's oldest files: it begins here now. */
  removed(logStart: number): void;
  /** At the end of a history, on a broker that lives: what must have come about by then. */
  finish(life: SimulatedLife): Promise<void>;
}

/** Makes the workloads of one history. */
export type WorkloadMaker = () => Workload;
