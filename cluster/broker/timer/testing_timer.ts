// A timer over a small store on a memory disk and a virtual clock, which can be killed and opened again. Used by tests
// alone.
import { Buffer } from "node:buffer";
import { DiskError } from "../../../core/disk/disk.ts";
import type { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { createLogger, type LogEntry } from "../../../core/log.ts";
import { encodeProperties, parseProperties } from "../../../core/message/properties.ts";
import { TIMER_QUEUE_ID, TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import { seededRandom } from "../../../core/random.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import type { FileMessageStore } from "../../../store/message_store_impl.ts";
import type { MessageToStore, PutResult } from "../../../store/message_store.ts";
import {
  newMemoryDisk,
  openTestStore,
  STORE_PATH,
  testMessage,
} from "../../../store/testing_store.ts";
import { TimerMetrics } from "../../../store/timer/timer_metrics.ts";
import { TimerStore } from "../../../store/timer/timer_store.ts";
import { noStats } from "../stats_sink.ts";
import { TimerRules } from "./timer_rules.ts";
import { TimerService } from "./timer_service.ts";

/** 20 units a file, as in Apache's fixture. */
export const TIMER_LOG_FILE_BYTES = 1040;
export const TICK_MS = 1000;
const TOPIC = "T";

export interface Delivered {
  key: string;
  /** When it was stored. */
  atMs: number;
  properties: Map<string, string>;
}

export class TestTimer implements AsyncDisposable {
  readonly settings = {
    timerWheelEnable: true,
    timerMaxDelaySec: 259_200,
    timerPrecisionMs: TICK_MS,
    timerCongestNumEachSlot: 2 ** 31 - 1,
    timerRollWindowSlot: 10,
    timerFlushIntervalMs: 1000,
    timerStopEnqueue: false,
    timerStopDequeue: false,
  };
  readonly clock = new VirtualClock();
  readonly logged: LogEntry[] = [];
  readonly rules = new TimerRules(this.settings, seededRandom(1));
  store!: FileMessageStore;
  timers!: TimerStore;
  metrics!: TimerMetrics;
  service!: TimerService;
  private count = 0;
  private life = 0;

  private constructor(readonly disk: MemoryDisk, private readonly syncFlush: boolean) {}

  static async open(seed = 1, syncFlush = false): Promise<TestTimer> {
    const timer = new TestTimer(newMemoryDisk(seed), syncFlush);
    await timer.start();
    return timer;
  }

  /** Opens store and timer on what the disk has. */
  async start(): Promise<void> {
    const { clock, rules, settings, syncFlush } = this;
    const disk = this.diskOfThisLife();
    const log = createLogger((entry) => this.logged.push(entry));
    this.store = await openTestStore(disk, { clock, log, bodyBytesMax: 40_000, syncFlush });
    this.metrics = new TimerMetrics(clock.nowMs());
    this.timers = TimerStore.open({
      disk,
      log,
      storePath: STORE_PATH,
      logFileBytes: TIMER_LOG_FILE_BYTES,
      precisionMs: settings.timerPrecisionMs,
      rollWindowSlots: settings.timerRollWindowSlot,
      commitLogEnd: this.store.maxPhysicalOffset,
      queueEnd: this.store.queueBounds(TIMER_TOPIC, TIMER_QUEUE_ID)?.maxOffset ?? 0,
      nowMs: clock.nowMs(),
    });
    rules.waitingAt = (timeMs) => this.timers.waitingAt(timeMs);
    this.service = new TimerService({
      store: this.store,
      timers: this.timers,
      metrics: this.metrics,
      saveMetrics: () => Promise.resolve(),
      clock,
      log,
      stats: noStats,
      settings,
    });
    this.service.start();
    await clock.advance(0);
  }

  /** The disk until the next crash: what was killed must not go on writing. */
  private diskOfThisLife(): MemoryDisk {
    const life = ++this.life;
    return new Proxy(this.disk, {
      get: (disk, name) => {
        if (this.life !== life) throw new DiskError("EIO", "any", "after the crash");
        const value: unknown = Reflect.get(disk, name);
        return typeof value === "function" ? value.bind(disk) : value;
      },
    });
  }

  async stop(): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }

  /** Ends everything as it is, and starts again on what is left. */
  async crash(kind: "process" | "power"): Promise<void> {
    this.disk.crash(kind);
    await this.start();
  }

  /** Sends a message that asks for a time; gives its key. */
  async send(deliverMs: number, more: Record<string, string> = {}): Promise<string> {
    const key = `key${this.count++}`;
    await this.put(key, { TIMER_DELIVER_MS: String(deliverMs), ...more });
    return key;
  }

  /** Takes a message back, as a recall does. */
  async recall(key: string, deliverMs: number, deleteKey = key): Promise<void> {
    const more = { TIMER_DELIVER_MS: String(deliverMs), TIMER_DEL_UNIQKEY: deleteKey };
    await this.put(key, more);
  }

  async put(key: string, more: Record<string, string>): Promise<PutResult> {
    const message = timerMessage(key, more);
    this.rules.time(message, this.clock.nowMs());
    return await this.putRaw(message);
  }

  async putRaw(message: MessageToStore): Promise<PutResult> {
    const putting = this.store.put([message]);
    await this.clock.advance(0);
    return (await putting)[0]!;
  }

  /** What is in the topic's queue. */
  async delivered(): Promise<Delivered[]> {
    const bounds = this.store.queueBounds(TOPIC, 0);
    const cursor = bounds === null ? null : this.store.openCursor(TOPIC, 0, bounds.minOffset);
    const found: Delivered[] = [];
    while (cursor !== null && cursor.next()) {
      const view = (await this.store.read(cursor.physicalOffset, cursor.size))!;
      const record = decodeRecord(view.buffer, view.start, view.start + view.size);
      const properties = parseProperties(Buffer.from(record.properties));
      found.push({ key: properties.get("UNIQ_KEY")!, atMs: record.storeTimestampMs, properties });
    }
    return found;
  }

  async keys(): Promise<string[]> {
    return (await this.delivered()).map(({ key }) => key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export function timerMessage(key: string, more: Record<string, string>): MessageToStore {
  const properties = encodeProperties(Object.entries({ UNIQ_KEY: key, TAGS: "A", ...more }));
  return testMessage(0, { topic: TOPIC, queueId: 0, properties, uniqueKey: key, keys: "" });
}
