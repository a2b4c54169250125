// A broker's POP without sockets: a store on a memory disk, virtual time, and requests straight to the handlers. The timer
// is a stand-in that forgets with the process; the real one is in the interop suites. Used by tests alone.
import { Buffer } from "node:buffer";
import { loadBrokerConfig } from "../../../core/config/servers.ts";
import type { BrokerConfig } from "../../../core/config/tables.ts";
import type { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { parseLenientJson } from "../../../core/json/lenient_reader.ts";
import { silentLogger } from "../../../core/log.ts";
import { parseProperties } from "../../../core/message/properties.ts";
import {
  formatReceiptHandle,
  markedTopic,
  parseOffsetInfo,
  parseReceiptHandle,
} from "../../../core/message/receipt_handle.ts";
import { decodeRecords } from "../../../core/message/record.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import { seededRandom } from "../../../core/random.ts";
import { answerTo, requestCommand } from "../../../core/remoting/answers.ts";
import type { CodeRow, Fields, FieldsOf } from "../../../core/remoting/code_row.ts";
import {
  ACK_MESSAGE,
  BATCH_ACK_MESSAGE,
  CHANGE_MESSAGE_INVISIBLETIME,
  POP_MESSAGE,
} from "../../../core/remoting/codes/pop.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import { RequestError } from "../../../core/errors.ts";
import type { Connection, Handler, HandlerRegistry } from "../../../core/remoting/handler.ts";
import { systemClock } from "../../../core/time/system_clock.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import type { MessageToStore, PutResult } from "../../../store/message_store.ts";
import type { FileMessageStore } from "../../../store/message_store_impl.ts";
import { newMemoryDisk, openTestStore } from "../../../store/testing_store.ts";
import { Consumers } from "../clients/consumers.ts";
import { Expressions } from "../filters/expressions.ts";
import { FilterTable } from "../filters/filter_table.ts";
import { PullFilters } from "../filters/pull_filters.ts";
import { GroupTable } from "../groups/group_table.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import { noStats } from "../stats_sink.ts";
import { memoryTableFile } from "../table_file.ts";
import { MACHINE } from "../testing.ts";
import { newTopicConfig } from "../topics/topic_config.ts";
import { TopicTable } from "../topics/topic_table.ts";
import { type OpenedPop, openPop } from "./open_pop.ts";
import { OrderTable } from "./order_table.ts";
import { REVIVE_GROUP } from "./revive_queue.ts";
import { batchAckBody } from "./testing_pop_calls.ts";

export const TOPIC = "Orders";
export const GROUP = "Billing";
export const REVIVE_TOPIC = "rmq_sys_REVIVE_LOG_TestCluster";

/** A message as a consumer has it. */
export interface Popped {
  body: string;
  handle: string;
  reconsumeTimes: number;
  flag: number;
  topic: string;
  properties: ReadonlyMap<string, string>;
}

export interface PopAnswer {
  code: number;
  remark: string | null;
  fields: ReadonlyMap<string, string>;
  messages: Popped[];
}

export interface PopWorldOptions {
  settings?: Record<string, string | number | boolean>;
  disk?: MemoryDisk;
  clock?: VirtualClock;
  /** The text of consumerOffset.json and consumerOrderInfo.json. */
  offsets?: string | null;
  orders?: string | null;
}

export type PopFieldsGiven = Partial<FieldsOf<typeof POP_MESSAGE.request>>;

const BORN = new Uint8Array([127, 0, 0, 1]);

export class PopWorld implements AsyncDisposable {
  readonly offsetFile: ReturnType<typeof memoryTableFile>;
  readonly orderFile: ReturnType<typeof memoryTableFile>;
  readonly topicFile = memoryTableFile();
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: OffsetTable;
  readonly orders: OrderTable;
  readonly opened: OpenedPop;
  /** Records that went to the revive topic, by tag. */
  readonly written = new Map<string, number>();
  /** Set: puts into the revive topic fail. */
  refusesRecords = false;
  /** How often each record comes, as after a kill in the middle of a timer's slot. */
  recordCopies = 1;
  private readonly handlers = new Map<number, Handler<Fields, Fields>>();
  private readonly stack = new AsyncDisposableStack();

  private constructor(
    readonly store: FileMessageStore,
    readonly clock: VirtualClock,
    readonly settings: BrokerConfig,
    options: PopWorldOptions,
  ) {
    this.offsetFile = memoryTableFile(options.offsets ?? null);
    this.orderFile = memoryTableFile(options.orders ?? null);
    const parts = { settings, clock, log: silentLogger };
    this.topics = new TopicTable({ ...parts, file: this.topicFile });
    this.groups = new GroupTable({ ...parts, file: memoryTableFile() });
    this.offsets = new OffsetTable({ ...parts, file: this.offsetFile, parse: parseLenientJson });
    this.orders = new OrderTable({
      file: this.orderFile,
      clock,
      queueCountOf: (topic) => this.topics.get(topic)?.readQueueNums ?? 0,
      hasGroup: (group) => this.groups.has(group),
    });
    this.makeTopic(TOPIC, 2);
    const expressions = new Expressions();
    const filterTable = new FilterTable({ ...parts, file: memoryTableFile(), expressions });
    this.opened = openPop({
      ...parts,
      topics: this.topics,
      groups: this.groups,
      offsets: this.offsets,
      orders: this.orders,
      consumers: new Consumers(parts),
      filters: new PullFilters(expressions, filterTable, settings),
      store,
      random: seededRandom(1),
      stats: noStats,
      physicalMemoryBytes: 1e9,
      server: this.registry(),
      storeHost: { address: BORN, port: 10911 },
      // A message keeps its own topic, and waits here.
      timedPuts: {
        slotOf: () => 0,
        put: async (message, deliverMs) => [await this.putTimed(message, deliverMs)],
      },
      isTimerBehind: () => false,
    }, this.stack);
  }

  static async open(options: PopWorldOptions = {}): Promise<PopWorld> {
    const clock = options.clock ?? new VirtualClock();
    const given = { brokerName: "b", brokerClusterName: "TestCluster", ...options.settings };
    const overrides = Object.entries(given).map(([name, value]) => `${name}=${value}`);
    const { live } = loadBrokerConfig({ overrides }, MACHINE);
    const disk = options.disk ?? newMemoryDisk();
    const store = await openTestStore(disk, { clock });
    return new PopWorld(store, clock, live.values, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopping = this.stack.disposeAsync();
    await this.clock.advance(0);
    await stopping;
    const closing = this.store[Symbol.asyncDispose]();
    await this.clock.advance(1000);
    await closing;
  }

  makeTopic(topic: string, queueCount: number, attributes: Record<string, string> = {}): void {
    this.topics.createIfAbsent(newTopicConfig(topic, {
      readQueueNums: queueCount,
      writeQueueNums: queueCount,
      attributes,
    }));
  }

  /** Stores messages whose bodies are the given texts. */
  async send(
    bodies: readonly string[],
    { topic = TOPIC, queueId = 0, tag = "", flag = 0, properties = "" } = {},
  ): Promise<void> {
    const tags = tag === "" ? "" : `TAGS\x01${tag}\x02`;
    const messages = bodies.map((body): MessageToStore => ({
      topic,
      queueId,
      flag,
      sysFlag: 0,
      bornTimestampMs: this.clock.nowMs(),
      bornAddress: BORN,
      bornPort: 5000,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from(body),
      properties: Buffer.from(`KEYS\x01${body}\x02${tags}${properties}`),
      tagsCode: tagsCode(tag),
      uniqueKey: "",
      keys: body,
      batchCount: 1,
    }));
    await this.settled(this.store.put(messages));
  }

  /** Pops; without a poll time it is answered at once. */
  pop(given: PopFieldsGiven = {}): Promise<PopAnswer> {
    return this.settled(this.popLater(given));
  }

  /** The same without letting time pass: for pops that wait. */
  async popLater(given: PopFieldsGiven = {}): Promise<PopAnswer> {
    const fields = {
      consumerGroup: GROUP,
      topic: TOPIC,
      queueId: -1,
      maxMsgNums: 32,
      invisibleTime: 10_000,
      pollTime: 0,
      bornTime: this.clock.nowMs(),
      initMode: 0,
      order: false,
      ...given,
    };
    const answer = await this.call(POP_MESSAGE, fields);
    const messages = poppedOf(answer, fields.topic);
    return { code: answer.code, remark: answer.remark, fields: answer.extFields, messages };
  }

  async ack({ handle }: Pick<Popped, "handle">, given: { topic?: string } = {}): Promise<number> {
    return (await this.settled(this.call(ACK_MESSAGE, this.handleFields(handle, given)))).code;
  }

  async changeInvisible({ handle }: Pick<Popped, "handle">, ms: number): Promise<string> {
    const fields = { ...this.handleFields(handle, {}), invisibleTime: ms };
    const { extFields } = await this.settled(this.call(CHANGE_MESSAGE_INVISIBLETIME, fields));
    const before = parseReceiptHandle(handle)!;
    return formatReceiptHandle({
      ...before,
      startOffset: before.queueOffset,
      popTimeMs: Number(extFields.get("popTime")),
      invisibleMs: Number(extFields.get("invisibleTime")),
    });
  }

  /** Acknowledges messages of one pop of one queue in one request. */
  async batchAck(messages: readonly Popped[]): Promise<number> {
    const handles = messages.map(({ handle }) => parseReceiptHandle(handle)!);
    const body = batchAckBody(TOPIC, GROUP, handles, "b");
    return (await this.settled(this.call(BATCH_ACK_MESSAGE, {}, body))).code;
  }

  /** Calls a handler; what it throws or sends later is the answer. */
  async call<Q extends Fields, A extends Fields>(
    row: CodeRow<Q, A>,
    fields: FieldsOf<Q>,
    body: Uint8Array = new Uint8Array(0),
  ): Promise<RemotingCommand> {
    const command = requestCommand(row.code);
    return await new Promise((resolve, reject) => {
      const handler = this.handlers.get(row.code)! as Handler<Fields, Fields>;
      const connection = { ...CONNECTION, send: resolve } as Connection;
      const run = async () => await handler({ fields, body, command }, connection);
      run().then((answer) => {
        if (answer !== undefined) resolve(answerTo(command, row, answer as never));
      }, (error: unknown) => {
        if (!(error instanceof RequestError)) return reject(error);
        resolve(answerTo(command, { response: {} }, { code: error.code, remark: error.remark }));
      });
    });
  }

  /** Lets time pass until a promise is settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    promise.then(() => isDone = true, () => isDone = true);
    for (let round = 0; !isDone && round < 1000; round++) {
      await this.clock.advance(1);
      await systemClock.sleep(0);
    }
    return await promise;
  }

  /** Lets time pass in steps, so that what waits for the disk in between gets on. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      await this.clock.advance(Math.min(500, left));
      await systemClock.sleep(0);
    }
  }

  offset(queueId = 0, topic = TOPIC): number {
    return this.offsets.query(topic, GROUP, queueId);
  }

  reviveOffset(queueId: number): number {
    return this.offsets.query(REVIVE_TOPIC, REVIVE_GROUP, queueId);
  }

  private handleFields(handle: string, given: { topic?: string }) {
    const { queueId, queueOffset, retry } = parseReceiptHandle(handle)!;
    return {
      consumerGroup: GROUP,
      topic: markedTopic(given.topic ?? TOPIC, GROUP, retry),
      queueId,
      extraInfo: handle,
      offset: queueOffset,
    };
  }

  private async putTimed(message: MessageToStore, deliverMs: number): Promise<PutResult> {
    if (this.refusesRecords) return refused;
    const tag = parseProperties(message.properties).get("TAGS")!;
    this.written.set(tag, (this.written.get(tag) ?? 0) + 1);
    const waitMs = deliverMs - this.clock.nowMs();
    if (waitMs <= 0) return (await this.store.put([message]))[0]!;
    const copies = Array.from({ length: this.recordCopies }, () => message);
    this.clock.after(waitMs, () => copies.forEach((copy) => void this.store.put([copy])));
    return { ...refused, status: "ok", detail: "" };
  }

  private registry(): HandlerRegistry {
    return {
      handle: (row, handler) => {
        this.handlers.set(row.code, handler as unknown as Handler<Fields, Fields>);
      },
      handleRaw() {},
      fallThrough() {},
    };
  }
}

const refused: PutResult = {
  status: "disk_full",
  detail: "as the test wants",
  physicalOffset: -1,
  queueOffset: -1,
  size: 0,
  storeTimestampMs: 0,
};

const CONNECTION = {
  id: 1,
  remoteAddress: "127.0.0.1:5000",
  remoteHost: { address: BORN, port: 5000 },
  localPort: 10911,
  closed: false,
  unsentBytes: 0,
};

/** The messages of an answer with the handles that clients make for them. */
function poppedOf({ body, extFields }: RemotingCommand, topic: string): Popped[] {
  if (body.length === 0) return [];
  const starts = parseOffsetInfo(extFields.get("startOffsetInfo") ?? "");
  const counts = parseOffsetInfo(extFields.get("orderCountInfo") ?? "");
  return decodeRecords(body).map((record) => {
    const properties = parseProperties(record.properties);
    const { queueId, queueOffset } = record;
    const own = properties.get("POP_CK") ?? formatReceiptHandle({
      startOffset: Number(starts.get(`0@${queueId}`)),
      popTimeMs: Number(extFields.get("popTime")),
      invisibleMs: Number(extFields.get("invisibleTime")),
      reviveQueueId: Number(extFields.get("reviveQid")),
      retry: "0",
      brokerName: "b",
      queueId,
      queueOffset,
    });
    const counted = counts.get(`0@qo${queueId}%${queueOffset}`) ?? counts.get(`0@${queueId}`);
    return {
      body: Buffer.from(record.body).toString(),
      handle: own,
      reconsumeTimes: counted === undefined ? record.reconsumeTimes : Number(counted),
      flag: record.flag,
      topic: record.topic === topic ? topic : record.topic,
      properties,
    };
  });
}

export function bodies(messages: readonly Popped[]): string[] {
  return messages.map(({ body }) => body).sort();
}
