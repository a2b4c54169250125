// The admin commands over a small real broker's parts: a store on a disk in memory, tables, clients that answer what a
// test says. Used by tests alone.
import { Buffer } from "node:buffer";
import { loadBrokerConfig } from "../../../core/config/servers.ts";
import { machine } from "../../../core/config/testing.ts";
import { RequestError } from "../../../core/errors.ts";
import { parseLenientJson, parseLenientJsonBytes } from "../../../core/json/lenient_reader.ts";
import { silentLogger } from "../../../core/log.ts";
import type { CodeRow, Fields, FieldsOf } from "../../../core/remoting/code_row.ts";
import {
  EMPTY_BYTES,
  type RemotingCommand,
  SERIALIZE_JSON,
} from "../../../core/remoting/command.ts";
import { requestCommand } from "../../../core/remoting/answers.ts";
import { decodeFields, encodeFields } from "../../../core/remoting/fields.ts";
import type {
  Answer,
  Connection,
  Handler,
  HandlerRegistry,
  PeerCaller,
} from "../../../core/remoting/handler.ts";
import { systemClock } from "../../../core/time/system_clock.ts";
import { DelayOffsets } from "../../../store/schedule/delay_offsets.ts";
import { newMemoryDisk, openTestStore, testMessage } from "../../../store/testing_store.ts";
import type { FileMessageStore } from "../../../store/message_store_impl.ts";
import type { Client } from "../clients/client.ts";
import { Consumers } from "../clients/consumers.ts";
import { Producers } from "../clients/producers.ts";
import { parseSubscription } from "../clients/subscription.ts";
import { GroupTable } from "../groups/group_table.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import { openQuery } from "../query/open_query.ts";
import { openStats, type Statistics } from "../stats/open_stats.ts";
import { memoryTableFile } from "../table_file.ts";
import { newTopicConfig } from "../topics/topic_config.ts";
import { TopicTable } from "../topics/topic_table.ts";
import { openAdmin } from "./open_admin.ts";

export const BROKER_ADDRESS = "127.0.0.2:21911";

export interface AskedAnswer {
  code: number;
  remark: string | null;
  fields: Record<string, string>;
  body: Uint8Array;
}

type Run = (command: RemotingCommand) => Promise<AskedAnswer>;

/** Stands for the remoting server: keeps the handlers, and answers the broker's own requests as the test says. */
export class AskableServer implements HandlerRegistry, PeerCaller {
  readonly sent: RemotingCommand[] = [];
  /** What clients answer. */
  clientAnswer: (command: RemotingCommand) => Promise<RemotingCommand> = () =>
    Promise.reject(new Error("nobody answers"));
  private readonly handlers = new Map<number, Run>();

  handle<Q extends Fields, A extends Fields>(row: CodeRow<Q, A>, handler: Handler<Q, A>): void {
    this.handlers.set(row.code, async (command) => {
      const fields = decodeFields(row.request, command.extFields);
      const answer = await handler(
        { fields, body: command.body, command },
        connectionFrom("127.0.0.1:1"),
      ) as Answer<Partial<FieldsOf<A>>>;
      return {
        code: answer.code ?? 0,
        remark: answer.remark ?? null,
        fields: Object.fromEntries(encodeFields(row.response, answer.fields ?? {})),
        body: answer.body ?? EMPTY_BYTES,
      };
    });
  }

  handleRaw(): void {}

  fallThrough(): void {}

  invoke(_: Connection, command: RemotingCommand): Promise<RemotingCommand> {
    this.sent.push(command);
    return this.clientAnswer(command);
  }

  oneway(_: Connection, command: RemotingCommand): void {
    this.sent.push(command);
  }

  serves(code: number): boolean {
    return this.handlers.has(code);
  }

  async ask(
    row: { code: number },
    fields: Record<string, string> = {},
    body: Uint8Array = EMPTY_BYTES,
  ): Promise<AskedAnswer> {
    const command = requestCommand(row.code, { extFields: new Map(Object.entries(fields)), body });
    try {
      return await this.handlers.get(row.code)!(command);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return { code: error.code, remark: error.remark, fields: {}, body: EMPTY_BYTES };
    }
  }
}

export interface TestAdmin extends AsyncDisposable {
  server: AskableServer;
  store: FileMessageStore;
  topics: TopicTable;
  groups: GroupTable;
  offsets: OffsetTable;
  delayOffsets: DelayOffsets;
  consumers: Consumers;
  producers: Producers;
  statistics: Statistics;
  config: ReturnType<typeof loadBrokerConfig>["live"];
}

/** Topic "TopicMix" with four queues; names are those of the recorded frames. */
export async function openTestAdmin(overrides: readonly string[] = []): Promise<TestAdmin> {
  await using stack = new AsyncDisposableStack();
  const { live: config } = loadBrokerConfig({
    overrides: [
      "brokerName=broker-fx",
      "brokerClusterName=FixtureCluster",
      "storePathRootDir=/store",
      ...overrides,
    ],
  }, machine);
  const settings = config.values;
  const clock = systemClock;
  const log = silentLogger;
  const disk = newMemoryDisk();
  const store = stack.use(await openTestStore(disk));
  const common = { settings, clock, log };
  const topics = new TopicTable({ ...common, file: memoryTableFile() });
  topics.createIfAbsent(newTopicConfig("TopicMix", { readQueueNums: 4, writeQueueNums: 4 }));
  const statistics = stack.use(openStats({
    ...common,
    isSystemTopic: (topic) => topics.isSystem(topic),
    storeStats: () => store.stats(),
  }));
  const server = new AskableServer();
  const parts = {
    server,
    store,
    topics,
    groups: new GroupTable({ ...common, file: memoryTableFile() }),
    producers: new Producers(),
    consumers: new Consumers(common),
    offsets: new OffsetTable({ ...common, file: memoryTableFile(), parse: parseLenientJson }),
    delayOffsets: new DelayOffsets(clock.nowMs()),
    statistics,
    timer: null,
    config,
    disk,
    clock,
    log,
    sends: { count: 0, refusedTotal: 0 },
    brokerAddress: BROKER_ADDRESS,
  };
  openAdmin(parts);
  openQuery({ ...parts, settings });
  const owned = stack.move();
  return { ...parts, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Stores `count` messages in each of the topic's queues 0 … `queues` − 1. */
export async function storeMessages(
  { store, statistics }: TestAdmin,
  topic: string,
  queues: number,
  count: number,
): Promise<void> {
  for (let index = 0; index < queues * count; index++) {
    const [result] = await store.put([testMessage(index, { topic, queueId: index % queues })]);
    statistics.sink.topicPut(topic, index % queues, 1, result!.size);
    statistics.sink.brokerPut(topic, 1);
  }
}

let nextConnectionId = 1;

export function connectionFrom(remoteAddress: string): Connection {
  return {
    id: nextConnectionId++,
    remoteAddress,
    remoteHost: { address: new Uint8Array([127, 0, 0, 1]), port: 1 },
    localPort: 10911,
    closed: false,
    unsentBytes: 0,
    send() {},
    reserve: (length) => ({ buffer: Buffer.alloc(length), start: 0 }),
    commit() {},
    sendBytes() {},
    close() {},
  };
}

export function clientFrom(clientId: string, remoteAddress: string): Client {
  return {
    connection: connectionFrom(remoteAddress),
    clientId,
    language: "JAVA",
    version: 493,
    serializeType: SERIALIZE_JSON,
    lastUpdateMs: 1_795_232_843_991,
  };
}

/** A push consumer of TopicMix, as the recorded group has one. */
export function connectConsumer(admin: TestAdmin, group: string, clientId: string): void {
  const subscriptions = [`%RETRY%${group}`, "TopicMix"].map((topic) =>
    parseSubscription(topic, "*", "TAG", 1_795_232_843_979)!
  );
  admin.consumers.register(
    group,
    clientFrom(clientId, "127.0.0.1:55280"),
    {
      consumeType: "CONSUME_PASSIVELY",
      messageModel: "CLUSTERING",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    },
    subscriptions,
    false,
  );
}

export function bodyText(answer: AskedAnswer): string {
  return new TextDecoder().decode(answer.body);
}

export function bodyJson(answer: AskedAnswer): unknown {
  return parseLenientJsonBytes(answer.body);
}
