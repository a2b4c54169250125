// One broker of the simulation under a test's own hand: a living disk to inject faults into, a clock to move, calls that
// are waited for. What every_call_test.ts and clock_test.ts share; used by tests alone.
import { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { createLogger, type LogEntry } from "../../../core/log.ts";
import { formatProperties } from "../../../core/message/properties.ts";
import { decodeRecords, type MessageRecord } from "../../../core/message/record.ts";
import { seededRandom } from "../../../core/random.ts";
import type { CodeRow, Fields, FieldsOf } from "../../../core/remoting/code_row.ts";
import { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { SEND_MESSAGE_V2 } from "../../../core/remoting/codes/send.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import type { StoreThresholds } from "../../../store/file_message_store_options.ts";
import { PULL_SUBSCRIBES } from "../pull/pull_request.ts";
import { Life, type Outcome } from "./life.ts";
import { DiskHistory, MortalDisk } from "./mortal_disk.ts";
import type { Settings } from "./workload.ts";
import { createTopic, propertiesOf, sendFields } from "./workloads/messages.ts";

export const TOPIC = "Rigged";

export class Rig {
  life!: Life;
  readonly entries: LogEntry[] = [];
  readonly clock: VirtualClock;
  private readonly history: DiskHistory;
  private readonly random = seededRandom(1);
  private nextKey = 0;

  constructor(
    private readonly settings: Settings,
    readonly memory = new MemoryDisk(seededRandom(1)),
    nowMs = 1_700_000_000_000,
    private readonly thresholds: Partial<StoreThresholds> = {},
  ) {
    this.clock = new VirtualClock(nowMs);
    this.history = new DiskHistory(memory);
  }

  /** Starts the broker, and makes its topic of one queue. */
  async open(): Promise<Outcome<void>> {
    const opened = await this.openOnly();
    if (opened.kind === "done") await this.wait(createTopic(this.life, TOPIC, 1));
    return opened;
  }

  /** Starts the broker. */
  async openOnly(): Promise<Outcome<void>> {
    const mortal = new MortalDisk(this.history, { kind: "power", after: Infinity }, this.random);
    this.life = new Life({
      disk: mortal,
      mortal,
      history: this.history,
      clock: this.clock,
      random: this.random,
      log: createLogger((entry) => this.entries.push(entry)),
      settings: this.settings,
      hasFaults: true,
      thresholds: this.thresholds,
      said: { suspectRecords: 0, replays: [] },
      broken: (problem) => {
        throw new Error(problem);
      },
    });
    return await this.life.open();
  }

  async wait<T>(promise: Promise<T>): Promise<T> {
    const outcome = await this.life.drive(promise);
    if (outcome.kind === "failed") throw outcome.error;
    if (outcome.kind === "died") throw new Error("the broker died");
    return outcome.value;
  }

  call<Q extends Fields>(
    row: CodeRow<Q>,
    fields: Partial<FieldsOf<Q>>,
    body?: Uint8Array,
  ): Promise<RemotingCommand> {
    return this.wait(this.life.call(row, fields, body));
  }

  /** Sends a message; gives its key and the answer. */
  async send(bodyBytes: number, more: [string, string][] = []): Promise<[string, RemotingCommand]> {
    const key = `k${this.nextKey++}`;
    const properties = formatProperties([...propertiesOf(key), ...more]);
    const fields = sendFields(this.life, { topic: TOPIC, queueId: 0 }, properties);
    return [key, await this.call(SEND_MESSAGE_V2, fields, new Uint8Array(bodyBytes).fill(120))];
  }

  /** A pull; `suspendMs` holds it while there is nothing. */
  pull(queueOffset: number, suspendMs = 0): Promise<RemotingCommand> {
    return this.life.call(PULL_MESSAGE, {
      consumerGroup: "Readers",
      topic: TOPIC,
      queueId: 0,
      queueOffset,
      maxMsgNums: 32,
      sysFlag: PULL_SUBSCRIBES | (suspendMs > 0 ? 2 : 0),
      commitOffset: 0,
      suspendTimeoutMillis: suspendMs,
      subscription: "*",
      subVersion: 0,
    });
  }

  /** Everything in the topic. */
  async readAll(): Promise<MessageRecord[]> {
    const records: MessageRecord[] = [];
    for (;;) {
      const { code, body } = await this.wait(this.pull(records.length));
      if (code !== 0) return records;
      records.push(...decodeRecords(body));
    }
  }

  /** The process is killed, or the power cut. */
  crash(kind: "power" | "process"): void {
    this.life.disk.isDead = true;
    this.memory.crash(kind);
  }
}
