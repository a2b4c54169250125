// Where --until end is, on a broker whose queues follow its log later, as Apache's do.
import { expect, test } from "bun:test";
import type { MessageQueue } from "../core/client/message.ts";
import type { ReceivedMessage } from "../core/client/received_message.ts";
import { GET_BROKER_RUNTIME_INFO } from "../core/remoting/codes/admin.ts";
import { GET_MAX_OFFSET } from "../core/remoting/codes/offsets.ts";
import type { CodeRow } from "../core/remoting/code_row.ts";
import { VirtualClock } from "../core/time/virtual_clock.ts";
import { Cluster, Refusal } from "./inspector/cluster.ts";
import { Until } from "./subscribe_until.ts";

const QUEUE: MessageQueue = { topic: "T", brokerName: "b", queueId: 0 };
const RECORD_BYTES = 100;

/** A broker with one queue: each record is in its log at once, and in its queue when the test says so. */
class LateBroker {
  readonly clock = new VirtualClock();
  logged = 0;
  queued = 0;
  tells = true;
  readonly cluster = {
    clock: this.clock,
    route: () => ({
      queues: [{ brokerName: QUEUE.brokerName, readQueueNums: 1 }],
      brokers: [{ brokerName: QUEUE.brokerName, addresses: new Map([[0, "127.0.0.1:1"]]) }],
    }),
    ask: (row: CodeRow, address: string) => Promise.resolve().then(() => this.answer(row, address)),
  } as unknown as Cluster;

  private answer(row: CodeRow, address: string): unknown {
    if (row.code === GET_MAX_OFFSET.code) return { fields: { offset: this.queued } };
    if (row.code !== GET_BROKER_RUNTIME_INFO.code) throw new Error(`asked for ${row.name}`);
    if (!this.tells) throw new Refusal(16, "no permission", address, GET_BROKER_RUNTIME_INFO);
    const table = {
      commitLogMaxOffset: String(this.logged * RECORD_BYTES),
      dispatchBehindBytes: String((this.logged - this.queued) * RECORD_BYTES),
    };
    return { body: new TextEncoder().encode(JSON.stringify({ table })) };
  }

  until(): Until {
    return new Until({ cluster: this.cluster, topic: "T", group: "G", until: "end" });
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) await this.clock.advance(5);
  }
}

const isWanted = (until: Until, queueOffset: number) =>
  until.wants({ queue: QUEUE, queueOffset } as ReceivedMessage);

test("the end is where the log ended when it was asked for, not where the queues did", async () => {
  const broker = new LateBroker();
  broker.logged = 10;
  broker.queued = 4;
  const until = broker.until();
  let isFound = false;
  const finding = until.find().then(() => isFound = true);
  await broker.pass(50);
  expect(isFound).toBe(false);
  // What comes meanwhile isn't waited for.
  broker.logged = 30;
  broker.queued = 12;
  await broker.pass(50);
  await finding;
  expect([isWanted(until, 11), isWanted(until, 12)]).toEqual([true, false]);
});

test("queues that never follow are an error that says by how much", async () => {
  const broker = new LateBroker();
  broker.logged = 10;
  broker.queued = 4;
  const finding = broker.until().find().then(() => "", String);
  await broker.pass(31_000);
  expect(await finding).toContain("127.0.0.1:1: its queues are 600 bytes behind its log");
});

test("a broker that doesn't tell is taken as it is", async () => {
  const broker = new LateBroker();
  [broker.logged, broker.queued, broker.tells] = [10, 4, false];
  const until = broker.until();
  expect(await until.find()).toBe(true);
  expect(isWanted(until, 4)).toBe(false);
});
