// One life of a broker: the real one, on a disk in memory, a virtual clock and a network in memory, with one client.
// Everything happens by promises, so that a seed decides all; what a dead broker still does reaches nobody.
import type { Buffer } from "node:buffer";
import { loadBrokerConfig } from "../../../core/config/servers.ts";
import { soleOwner } from "../../../core/disk/file_lock.ts";
import type { Disk } from "../../../core/disk/disk.ts";
import type { Logger } from "../../../core/log.ts";
import type { Random } from "../../../core/random.ts";
import { requestCommand } from "../../../core/remoting/answers.ts";
import type { CodeRow, Fields, FieldsOf } from "../../../core/remoting/code_row.ts";
import { decodeFrame, encodeFrame } from "../../../core/remoting/codec.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import { encodeFields } from "../../../core/remoting/fields.ts";
import { FrameDecoder } from "../../../core/remoting/frame.ts";
import { MemoryTransport } from "../../../core/remoting/memory_transport.ts";
import type { SocketHandlers, TransportSocket } from "../../../core/remoting/transport.ts";
import type { VirtualClock } from "../../../core/time/virtual_clock.ts";
import type { StoreThresholds } from "../../../store/file_message_store_options.ts";
import { Broker } from "../broker.ts";
import type { DiskHistory, MortalDisk } from "./mortal_disk.ts";
import { LOG_FILE_BYTES, STORE_PATH } from "./paths.ts";
import type { Settings, SimulatedLife } from "./workload.ts";

const PORT = 10_911;
/** Longer than anything takes: what isn't done by then never will be. */
const PATIENCE_MS = 120_000;

export const MACHINE = {
  processors: 2,
  hostName: "simulated",
  localAddress: "127.0.0.1",
  homeDirectory: "/home",
  currentDirectory: "/",
  rocketmqHome: null,
  namesrvAddr: null,
};

/** Small files, so that a few hundred messages meet every roll-over; short intervals, so that savings happen. */
const SMALL: Settings = {
  brokerName: "simulated",
  brokerIP1: "127.0.0.1",
  brokerIP2: "127.0.0.1",
  bindAddress: "127.0.0.1",
  listenPort: PORT,
  storePathRootDir: STORE_PATH,
  mappedFileSizeCommitLog: LOG_FILE_BYTES,
  mappedFileSizeConsumeQueue: 400,
  maxHashSlotNum: 40,
  maxIndexNum: 120,
  fileReservedTime: 1,
  deleteCommitLogFilesInterval: 1,
  deleteConsumeQueueFilesInterval: 1,
  cleanResourceInterval: 1000,
  flushConsumerOffsetInterval: 500,
  flushDelayOffsetInterval: 500,
  mappedFileSizeTimerLog: 1040,
  recallMessageEnable: true,
  transactionTimeOut: 1000,
  transactionCheckInterval: 800,
  transactionCheckMax: 2,
  transactionOpBatchInterval: 600,
};

export interface LifeParts {
  /** What the broker is given: the mortal disk, or a mutant around it. */
  disk: Disk;
  mortal: MortalDisk;
  history: DiskHistory;
  clock: VirtualClock;
  random: Random;
  log: Logger;
  settings: Settings;
  hasFaults: boolean;
  /** A store of tens of thousands of queues, or on a quick device, behaves otherwise: as from so much on. */
  thresholds: Partial<StoreThresholds>;
  /** What the log said so far. */
  said: Pick<SimulatedLife, "suspectRecords" | "replays">;
  broken: (problem: string) => void;
}

/** What came of waiting: the promise's value, its error, or the broker's death. */
export type Outcome<T> =
  | { kind: "done"; value: T }
  | { kind: "failed"; error: unknown }
  | { kind: "died" };

export class Life implements SimulatedLife, SocketHandlers {
  private broker: Broker | null = null;
  private socket: TransportSocket | null = null;
  private readonly transport = new MemoryTransport();
  private readonly decoder = new FrameDecoder();
  private readonly waiting = new Map<number, (answer: RemotingCommand) => void>();
  private nextOpaque = 1;
  readonly syncFlush: boolean;
  readonly hasPropertyCrc: boolean;

  constructor(private readonly parts: LifeParts) {
    this.syncFlush = parts.settings.flushDiskType === "SYNC_FLUSH";
    this.hasPropertyCrc = parts.settings.forceVerifyPropCRC === true;
  }

  /** Whether requests are served. */
  get isOpen(): boolean {
    return this.socket !== null;
  }

  get clock(): VirtualClock {
    return this.parts.clock;
  }

  get random(): Random {
    return this.parts.random;
  }

  get disk(): MortalDisk {
    return this.parts.mortal;
  }

  get now(): number {
    return this.parts.history.effects;
  }

  get hasFaults(): boolean {
    return this.parts.hasFaults;
  }

  get suspectRecords(): number {
    return this.parts.said.suspectRecords;
  }

  get replays(): readonly number[] {
    return this.parts.said.replays;
  }

  /** Opens the broker and connects to it. */
  async open(): Promise<Outcome<void>> {
    const { disk, clock, random, log, settings, thresholds } = this.parts;
    const given = { ...SMALL, ...settings };
    const overrides = Object.entries(given).map(([name, value]) => `${name}=${value}`);
    const { live: config } = loadBrokerConfig({ overrides }, MACHINE);
    const { transport } = this;
    const opening = Broker.open({
      config,
      clock,
      disk,
      locks: soleOwner,
      random,
      log,
      transport,
      thresholds,
    });
    const opened = await this.drive(opening);
    if (opened.kind !== "done") return opened;
    this.broker = opened.value;
    const options = { host: "127.0.0.1", port: PORT, timeoutMs: 1000 };
    this.socket = await transport.connect(options, () => this);
    return { kind: "done", value: undefined };
  }

  /** Stops it cleanly. */
  async close(): Promise<Outcome<void>> {
    return await this.drive(this.broker![Symbol.asyncDispose]());
  }

  /** Lets time pass until the promise is settled or the broker dead. */
  async drive<T>(promise: Promise<T>): Promise<Outcome<T>> {
    const { clock, mortal } = this.parts;
    let outcome: Outcome<T> | undefined;
    promise.then(
      (value) => outcome = { kind: "done", value },
      (error: unknown) => outcome = { kind: "failed", error },
    );
    await clock.advance(0);
    for (let passed = 0; outcome === undefined && !mortal.isDead; passed++) {
      if (passed === PATIENCE_MS) throw new Error("the broker hangs");
      this.parts.history.memory.releaseSyncs();
      await clock.advance(1);
    }
    // What a dead broker says or throws is nobody's business any more.
    return mortal.isDead ? { kind: "died" } : outcome!;
  }

  call<Q extends Fields>(
    row: CodeRow<Q>,
    fields: Partial<FieldsOf<Q>>,
    body?: Uint8Array,
  ): Promise<RemotingCommand> {
    const extFields = encodeFields(row.request, fields);
    const command = requestCommand(row.code, { extFields, ...(body && { body }) });
    command.opaque = this.nextOpaque++;
    const frame = encodeFrame(command);
    this.socket!.write(frame, 0, frame.length);
    return new Promise((resolve) => this.waiting.set(command.opaque, resolve));
  }

  broken(problem: string): void {
    this.parts.broken(problem);
  }

  data(bytes: Buffer): void {
    this.decoder.push(bytes);
    for (let frame = this.decoder.next(); frame !== null; frame = this.decoder.next()) {
      if (this.parts.mortal.isDead) return;
      const answer = decodeFrame(frame);
      this.waiting.get(answer.opaque)?.(answer);
      this.waiting.delete(answer.opaque);
    }
  }

  drain(): void {}

  end(): void {}

  disconnected(): void {}
}
