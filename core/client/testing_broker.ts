// A fake broker on a free port: takes sends, holds pulls, knows groups and offsets, and can be told to
// refuse, to be silent or to lose things. For tests of the client alone.
import { Buffer } from "node:buffer";
import { RequestError } from "../errors.ts";
import { javaHash } from "../bytes/java_hash.ts";
import { silentLogger } from "../log.ts";
import { encodeOffsetMessageId } from "../message/message_id.ts";
import { formatProperties, parseProperties } from "../message/properties.ts";
import { PROPERTY } from "../message/property_names.ts";
import { requestCommand } from "../remoting/answers.ts";
import type { FieldsOf } from "../remoting/code_row.ts";
import {
  NOTIFY_CONSUMER_IDS_CHANGED,
  RESET_CONSUMER_CLIENT_OFFSET,
} from "../remoting/codes/client_bound.ts";
import {
  GET_CONSUMER_LIST_BY_GROUP,
  HEART_BEAT,
  UNREGISTER_CLIENT,
} from "../remoting/codes/groups.ts";
import {
  GET_MAX_OFFSET,
  GET_MIN_OFFSET,
  QUERY_CONSUMER_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
  UPDATE_CONSUMER_OFFSET,
} from "../remoting/codes/offsets.ts";
import { LITE_PULL_MESSAGE, PULL_MESSAGE } from "../remoting/codes/pull.ts";
import {
  CONSUMER_SEND_MSG_BACK,
  SEND_BATCH_MESSAGE,
  SEND_MESSAGE_V2,
} from "../remoting/codes/send.ts";
import type { Answer, Connection } from "../remoting/handler.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import { RemotingServer } from "../remoting/server.ts";
import { createSystemTransport } from "../remoting/system_transport.ts";
import { systemClock } from "../time/system_clock.ts";
import { formatOffsets } from "./file_offset_store.ts";
import type { QueueOffset } from "./offsets.ts";
import { FakeLocks } from "./testing_locks.ts";
import { FakeStore } from "./testing_store.ts";

type PullFields = FieldsOf<typeof PULL_MESSAGE.request>;
type PullAnswer = Answer<Partial<FieldsOf<typeof PULL_MESSAGE.response>>>;
type SendFields = FieldsOf<typeof SEND_MESSAGE_V2.request>;

interface Member {
  group: string;
  connection: Connection;
  data: Record<string, unknown>;
}

/** What a fake broker does with the next request of a kind. */
export type Reaction = number | "silence";

export class FakeBroker implements AsyncDisposable {
  readonly store = new FakeStore();
  /** Committed offsets by "group topic queue". */
  readonly offsets = new Map<string, number>();
  readonly locks: FakeLocks;
  /** Members by client id and group. */
  readonly members = new Map<string, Member>();
  readonly sends: SendFields[] = [];
  readonly sendBacks: FieldsOf<typeof CONSUMER_SEND_MSG_BACK.request>[] = [];
  readonly pulls: PullFields[] = [];
  /** Bodies of heartbeats as they came. */
  readonly heartbeats: Record<string, unknown>[] = [];
  /** What to answer to the next sends, send-backs and pulls; then it serves them. */
  readonly reactions = {
    send: [] as Reaction[],
    sendBack: [] as Reaction[],
    pull: [] as Reaction[],
  };
  /** Heartbeats are served only when this is resolved, as by a broker with a long queue. */
  beforeBeat: Promise<void> = Promise.resolve();
  private readonly waiters = new Set<() => void>();

  private constructor(readonly name: string, readonly server: RemotingServer) {
    this.locks = new FakeLocks(server);
  }

  static async open(name: string, port = 0): Promise<FakeBroker> {
    const server = await RemotingServer.open({
      transport: createSystemTransport(systemClock),
      clock: systemClock,
      log: silentLogger,
      host: "127.0.0.1",
      ports: [port],
      limits: { stopMsMax: 0 },
    });
    const broker = new FakeBroker(name, server);
    broker.serve();
    return broker;
  }

  get port(): number {
    return this.server.addresses[0]!.port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Client ids of a group. */
  group(group: string): string[] {
    return [...this.members].filter(([, member]) => member.group === group)
      .map(([key]) => key.split(" ")[0]!);
  }

  offset(group: string, topic: string, queueId: number): number | undefined {
    return this.offsets.get(`${group} ${topic} ${queueId}`);
  }

  /** Lets a group's members know that it changed. */
  notify(group: string): void {
    for (const member of this.members.values()) {
      if (member.group !== group) continue;
      const fields = new Map([["consumerGroup", group]]);
      const notice = requestCommand(NOTIFY_CONSUMER_IDS_CHANGED.code, { extFields: fields });
      this.server.oneway(member.connection, notice);
    }
  }

  /** Tells a group's members their new offsets, as an operator wants them. */
  reset(group: string, topic: string, offsets: readonly QueueOffset[]): void {
    const extFields = new Map([["group", group], ["topic", topic], ["timestamp", "0"]]);
    const body = Buffer.from(formatOffsets(offsets));
    for (const member of this.members.values()) {
      if (member.group !== group) continue;
      const notice = requestCommand(RESET_CONSUMER_CLIENT_OFFSET.code, { extFields, body });
      this.server.oneway(member.connection, notice);
    }
  }

  /** Closes the members' connections, as a broker that is restarted does. */
  dropMembers(): void {
    const connections = [...this.members.values()].map(({ connection }) => connection);
    for (const connection of connections) connection.close("dropped by the test");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }

  private serve(): void {
    const { server } = this;
    server.handle(SEND_MESSAGE_V2, ({ fields, body }) => this.send(fields, body));
    server.handle(SEND_BATCH_MESSAGE, ({ fields, body }) => this.send(fields, body));
    server.handle(PULL_MESSAGE, ({ fields }) => this.pull(fields));
    server.handle(LITE_PULL_MESSAGE, ({ fields }) => this.pull(fields));
    server.handle(HEART_BEAT, ({ body }, connection) => this.beat(body, connection));
    server.handle(UNREGISTER_CLIENT, ({ fields }) => {
      const { consumerGroup, clientID } = fields;
      if (consumerGroup !== undefined && this.members.delete(`${clientID} ${consumerGroup}`)) {
        this.notify(consumerGroup);
      }
      return {};
    });
    server.handle(GET_CONSUMER_LIST_BY_GROUP, ({ fields }) => {
      const consumerIdList = this.group(fields.consumerGroup);
      return { body: Buffer.from(JSON.stringify({ consumerIdList })) };
    });
    server.onConnectionClosed((connection) => {
      for (const [key, member] of this.members) {
        if (member.connection === connection) this.members.delete(key);
      }
    });
    this.serveOffsets();
    server.handle(CONSUMER_SEND_MSG_BACK, ({ fields }) => {
      const told = react(this.reactions.sendBack);
      if (told === "silence") return undefined;
      if (told !== null) return told;
      this.sendBacks.push(fields);
      this.retry(fields.offset, fields.group);
      return {};
    });
  }

  private serveOffsets(): void {
    const { server, store, offsets } = this;
    server.handle(QUERY_CONSUMER_OFFSET, ({ fields }) => {
      const offset = this.offset(fields.consumerGroup, fields.topic, fields.queueId);
      if (offset === undefined) return { code: ResponseCode.QUERY_NOT_FOUND, remark: "none" };
      return { fields: { offset } };
    });
    server.handle(UPDATE_CONSUMER_OFFSET, ({ fields }) => {
      const { consumerGroup, topic, queueId, commitOffset } = fields;
      offsets.set(`${consumerGroup} ${topic} ${queueId}`, commitOffset);
      return {};
    });
    server.handle(GET_MAX_OFFSET, ({ fields }) => ({
      fields: { offset: store.maxOffset(fields.topic, fields.queueId) },
    }));
    server.handle(GET_MIN_OFFSET, ({ fields }) => ({
      fields: { offset: store.minOffset(fields.topic, fields.queueId) },
    }));
    server.handle(SEARCH_OFFSET_BY_TIMESTAMP, ({ fields }) => ({
      fields: { offset: fields.timestamp > systemClock.nowMs() ? 0 : 1 },
    }));
  }

  private send(fields: SendFields, body: Uint8Array) {
    const told = react(this.reactions.send);
    if (told === "silence") return undefined;
    if (told !== null && told.code !== ResponseCode.FLUSH_DISK_TIMEOUT) return told;
    this.sends.push(fields);
    const message = {
      topic: fields.b,
      queueId: fields.e,
      body,
      properties: Buffer.from(fields.i ?? ""),
      sysFlag: fields.f,
      flag: fields.h,
      bornTimestampMs: fields.g,
      reconsumeTimes: fields.j ?? 0,
    };
    const nowMs = systemClock.nowMs();
    const stored = fields.m
      ? this.store.appendBatch(message, this.port, nowMs)
      : [this.store.append(message, this.port, nowMs)];
    this.wake();
    const address = new Uint8Array([127, 0, 0, 1]);
    return {
      ...told,
      fields: {
        msgId: stored.map(({ physicalOffset }) =>
          encodeOffsetMessageId(address, this.port, physicalOffset)
        ).join(","),
        queueId: fields.e,
        queueOffset: stored[0]!.queueOffset,
        MSG_REGION: "DefaultRegion",
      },
    };
  }

  private async pull(fields: PullFields): Promise<PullAnswer | undefined> {
    this.pulls.push(fields);
    const told = react(this.reactions.pull);
    if (told === "silence") return undefined;
    if (told !== null) return told;
    const holds = (fields.sysFlag & 2) !== 0;
    const untilMs = systemClock.monotonicMs() + (fields.suspendTimeoutMillis ?? 0);
    for (;;) {
      const answer = this.look(fields);
      const restMs = untilMs - systemClock.monotonicMs();
      if (answer.code !== ResponseCode.PULL_NOT_FOUND || !holds || restMs <= 0) return answer;
      await this.stored(restMs);
    }
  }

  private look(fields: PullFields): PullAnswer {
    const { topic, queueId, queueOffset, maxMsgNums, subscription = "*" } = fields;
    const minOffset = this.store.minOffset(topic, queueId);
    const maxOffset = this.store.maxOffset(topic, queueId);
    const answer = (code: number, nextBeginOffset: number, body?: Uint8Array): PullAnswer => ({
      code,
      fields: { nextBeginOffset, minOffset, maxOffset, suggestWhichBrokerId: 0 },
      ...(body && { body }),
    });
    if (queueOffset < minOffset) return answer(ResponseCode.PULL_OFFSET_MOVED, minOffset);
    if (queueOffset > maxOffset) return answer(ResponseCode.PULL_OFFSET_MOVED, maxOffset);
    if (queueOffset === maxOffset) return answer(ResponseCode.PULL_NOT_FOUND, maxOffset);
    const codes = subscription === "*"
      ? []
      : subscription.split("||").map((tag) => javaHash(tag.trim()));
    const { body, count, next } = this.store.read(topic, queueId, queueOffset, maxMsgNums, codes);
    if (count === 0) return answer(ResponseCode.PULL_RETRY_IMMEDIATELY, next);
    return answer(ResponseCode.SUCCESS, next, body);
  }

  /** Resolves when something was stored, or after a while. */
  private stored(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        this.waiters.delete(done);
        resolve();
      };
      const timer = systemClock.after(withinMs, done);
      this.waiters.add(done);
    });
  }

  private wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }

  /** What a broker does with a message that is sent back, without its delay. */
  private retry(physicalOffset: number, group: string): void {
    const message = this.store.byPhysicalOffset.get(physicalOffset);
    if (message === undefined) throw new RequestError(ResponseCode.SYSTEM_ERROR, "no such message");
    const properties = parseProperties(message.properties);
    if (!properties.has(PROPERTY.retryTopic)) properties.set(PROPERTY.retryTopic, message.topic);
    this.store.append(
      {
        ...message,
        topic: `%RETRY%${group}`,
        queueId: 0,
        properties: Buffer.from(formatProperties(properties)),
        reconsumeTimes: message.reconsumeTimes + 1,
      },
      this.port,
      systemClock.nowMs(),
    );
    this.wake();
  }

  private async beat(body: Uint8Array, connection: Connection) {
    await this.beforeBeat;
    const data = JSON.parse(Buffer.from(body).toString()) as {
      clientID: string;
      consumerDataSet: ({ groupName: string } & Record<string, unknown>)[];
    };
    this.heartbeats.push(data);
    for (const consumer of data.consumerDataSet) {
      const group = consumer.groupName;
      const key = `${data.clientID} ${group}`;
      const isNew = !this.members.has(key);
      this.members.set(key, { group, connection, data: consumer });
      if (isNew) this.notify(group);
    }
    return {};
  }
}

/** What was told to happen next; null: serve it. */
function react(reactions: Reaction[]): { code: number; remark: string } | "silence" | null {
  const reaction = reactions.shift();
  if (reaction === undefined) return null;
  return reaction === "silence" ? reaction : { code: reaction, remark: "as told" };
}
