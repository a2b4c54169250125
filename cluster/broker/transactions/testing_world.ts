// The whole of transactions on a memory disk and a clock of the test's own, without a network: halves are put, ended and
// asked about, the process is killed and started again. Used by tests alone.
import { Buffer } from "node:buffer";
import { DiskError } from "../../../core/disk/disk.ts";
import type { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { parseLenientJson } from "../../../core/json/lenient_reader.ts";
import { silentLogger } from "../../../core/log.ts";
import { encodeProperties, parseProperties } from "../../../core/message/properties.ts";
import { decodeRecord, type MessageRecord } from "../../../core/message/record.ts";
import { SCHEDULE_TOPIC } from "../../../core/message/topic_names.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import type { FieldsOf } from "../../../core/remoting/code_row.ts";
import {
  END_TRANSACTION,
  RESUME_CHECK_HALF_MESSAGE,
} from "../../../core/remoting/codes/transactions.ts";
import { RequestError } from "../../../core/errors.ts";
import type { Connection, Handler, HandlerRegistry } from "../../../core/remoting/handler.ts";
import type { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { MetadataFile } from "../../../store/file/metadata_file.ts";
import type { MessageToStore } from "../../../store/message_store.ts";
import type { FileMessageStore } from "../../../store/message_store_impl.ts";
import { DelayLevels } from "../../../store/schedule/delay_levels.ts";
import { openTestStore, STORE_PATH } from "../../../store/testing_store.ts";
import { Producers } from "../clients/producers.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import { noStats } from "../stats_sink.ts";
import { newTopicConfig } from "../topics/topic_config.ts";
import { makeHalf } from "./half_message.ts";
import { openTransactions, type Transactions } from "./open_transactions.ts";

export const HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";
export const OP_TOPIC = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
export const GIVEN_UP_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";
const ADDRESS = new Uint8Array([127, 0, 0, 1]);

/** A half message, as an end of it must name it. */
export interface HalfName {
  queueOffset: number;
  physicalOffset: number;
}

export interface WorldSettings {
  transactionTimeOut: number;
  transactionCheckMax: number;
  transactionOpBatchInterval: number;
  transactionOpMsgMaxSize: number;
  fileReservedTime: number;
  messageIndexEnable: boolean;
}

const SETTINGS: WorldSettings = {
  transactionTimeOut: 6000,
  transactionCheckMax: 3,
  transactionOpBatchInterval: 3000,
  transactionOpMsgMaxSize: 4096,
  fileReservedTime: 72,
  messageIndexEnable: true,
};

type EndFields = FieldsOf<typeof END_TRANSACTION.request>;

/** The disk as one life of a process sees it: dead processes change nothing, though their timers go on here. */
function diskOfLife(disk: MemoryDisk): { disk: MemoryDisk; die: () => void } {
  let isDead = false;
  const ofLife = new Proxy(disk, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        if (isDead) throw new DiskError("EIO", String(name), "the disk of a dead process");
        return value.apply(target, given);
      };
    },
  });
  return { disk: ofLife, die: () => isDead = true };
}

/** One life of a broker; `crash` ends it, and the next one is opened on the same disk. */
export class World {
  /** Questions that producers got. */
  readonly checks: RemotingCommand[] = [];
  private readonly handlers = new Map<number, Handler<never, never>>();

  private constructor(
    readonly disk: MemoryDisk,
    readonly clock: VirtualClock,
    readonly settings: WorldSettings,
    readonly store: FileMessageStore,
    readonly offsets: OffsetTable,
    private readonly group: string | null,
    private readonly die: () => void,
  ) {}

  transactions!: Transactions;

  /** `group`: whose producer is connected; null: nobody's. */
  static async open(
    machine: MemoryDisk,
    clock: VirtualClock,
    settings: Partial<WorldSettings> = {},
    group: string | null = "PID_tx",
  ): Promise<World> {
    const full = { ...SETTINGS, ...settings };
    const { die, disk } = diskOfLife(machine);
    const store = await openTestStore(disk, { clock, indexEnabled: full.messageIndexEnable });
    const path = `${STORE_PATH}/config/consumerOffset.json`;
    const offsets = new OffsetTable({
      settings: { consumerOffsetUpdateVersionStep: 500, useServerSideResetOffset: false },
      file: new MetadataFile({ disk, log: silentLogger, path }),
      clock,
      parse: parseLenientJson,
    });
    const world = new World(disk, clock, full, store, offsets, group, die);
    world.transactions = await world.openTransactions();
    return world;
  }

  private openTransactions(): Promise<Transactions> {
    const { clock, disk, store, offsets, checks, handlers } = this;
    const registry: HandlerRegistry = {
      handle: (row, handler) => void handlers.set(row.code, handler as Handler<never, never>),
      handleRaw() {},
      fallThrough() {},
    };
    const topicOf = (topic: string) =>
      newTopicConfig(topic, { readQueueNums: 1, writeQueueNums: 1, perm: 6 });
    return openTransactions({
      server: {
        ...registry,
        oneway: (_, command) => void checks.push(command),
        invoke: () => Promise.reject(new Error("not asked")),
      },
      store,
      storeHost: { address: ADDRESS, port: 10911 },
      topics: { get: topicOf, createTransCheckMaxTime: () => topicOf(GIVEN_UP_TOPIC) },
      offsets,
      producers: this.producers(),
      rules: { apply: (message, properties) => this.applyRules(message, properties) },
      stats: noStats,
      clock,
      disk,
      log: silentLogger,
      settings: {
        ...this.settings,
        brokerName: "b",
        storePathRootDir: STORE_PATH,
        maxMessageSize: 4_194_304,
        transactionCheckInterval: 30_000,
        transactionMetricFlushInterval: 10_000,
      },
    });
  }

  /** Delay levels alone: what a broker's rules do with a committed message. */
  private applyRules(message: MessageToStore, properties: Map<string, string>): 0 | 1 {
    const level = Number(properties.get("DELAY") ?? 0);
    if (level === 0) return 0;
    message.topic = SCHEDULE_TOPIC;
    message.queueId = DelayLevels.queueOf(level);
    return 1;
  }

  private producers(): Producers {
    const producers = new Producers();
    if (this.group === null) return producers;
    const connection: Partial<Connection> = { closed: false, unsentBytes: 0 };
    producers.register(this.group, {
      clientId: "c",
      connection: connection as Connection,
      language: "JAVA",
      version: 493,
      serializeType: 0,
      lastUpdateMs: 0,
    });
    return producers;
  }

  /** Stores a half message of the topic; its body is its key. */
  async prepare(
    key: string,
    { topic = "T", properties = {}, flag = 0, bornTimestampMs = this.clock.nowMs() } = {},
  ): Promise<HalfName> {
    const own = new Map(Object.entries({
      TRAN_MSG: "true",
      PGROUP: "PID_tx",
      UNIQ_KEY: key,
      ...properties,
    }));
    const message: MessageToStore = {
      topic,
      queueId: 0,
      flag,
      sysFlag: 4,
      bornTimestampMs,
      bornAddress: ADDRESS,
      bornPort: 5000,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from(key),
      properties: encodeProperties(own),
      tagsCode: 0,
      uniqueKey: key,
      keys: "",
      batchCount: 1,
    };
    makeHalf(message, own);
    const [result] = await this.store.put([message]);
    return result!;
  }

  /** Ends a transaction; gives the answer's code. */
  async end(
    half: HalfName,
    commitOrRollback: number,
    fields: Partial<EndFields> = {},
  ): Promise<number> {
    return await this.request(END_TRANSACTION.code, {
      producerGroup: "PID_tx",
      tranStateTableOffset: half.queueOffset,
      commitLogOffset: half.physicalOffset,
      commitOrRollback,
      fromTransactionCheck: false,
      msgId: "",
      ...fields,
    });
  }

  /** Takes a given-up transaction up again; gives the answer's code. */
  resume(offsetMessageId: string): Promise<number> {
    return this.request(RESUME_CHECK_HALF_MESSAGE.code, { msgId: offsetMessageId });
  }

  private async request(code: number, fields: Record<string, unknown>): Promise<number> {
    const handler = this.handlers.get(code)!;
    try {
      const connection: Partial<Connection> = { remoteAddress: "127.0.0.1:1" };
      const request = { fields, body: new Uint8Array(0), command: {} };
      const answer = await handler(request as never, connection as Connection);
      return answer?.code ?? -1;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return error.code;
    }
  }

  /** The questions since the last time: the key and the half that it names. */
  takeChecks(): { key: string; half: HalfName; record: MessageRecord }[] {
    return this.checks.splice(0).map(({ extFields, body }) => ({
      key: extFields.get("msgId")!,
      half: {
        queueOffset: Number(extFields.get("tranStateTableOffset")),
        physicalOffset: Number(extFields.get("commitLogOffset")),
      },
      record: decodeRecord(body),
    }));
  }

  /** The records of a queue. */
  async records(topic: string, queueId = 0): Promise<MessageRecord[]> {
    const bounds = this.store.queueBounds(topic, queueId);
    const found: MessageRecord[] = [];
    if (bounds === null) return found;
    const cursor = this.store.openCursor(topic, queueId, bounds.minOffset)!;
    while (cursor.next()) {
      const view = (await this.store.read(cursor.physicalOffset, cursor.size))!;
      const bytes = Buffer.from(view.buffer.subarray(view.start, view.start + view.size));
      found.push(decodeRecord(bytes));
    }
    return found;
  }

  /** The bodies of a queue's messages. */
  async bodies(topic: string): Promise<string[]> {
    return (await this.records(topic)).map(({ body }) => new TextDecoder().decode(body));
  }

  /** Half and op offsets as they would be saved now. */
  get progress(): [half: number, op: number] {
    const { offsets } = this;
    const of = (topic: string) => offsets.query(topic, "CID_RMQ_SYS_TRANS", 0);
    return [of(HALF_TOPIC), of(OP_TOPIC)];
  }

  /** Kills the process; what was written stays. */
  crash(): void {
    this.disk.crash("process");
    this.die();
  }

  async close(): Promise<void> {
    await this.transactions[Symbol.asyncDispose]();
    await this.offsets.saveWhenDirty();
    await this.store[Symbol.asyncDispose]();
  }
}

/** A property of a record. */
export function propertyOf(record: MessageRecord, name: string): string | undefined {
  return parseProperties(record.properties).get(name);
}
