// Spans as an OpenTelemetry program sees them: names, kinds, attributes, and one trace from the
// producer to the consumer.
import { afterEach, expect, test } from "bun:test";
import { ResponseCode } from "../remoting/response_codes.ts";
import { startRoquet } from "../../cmd/embedded.ts";
import { PopConsumer } from "./pop_consumer.ts";
import { Producer } from "./producer.ts";
import { PushConsumer } from "./push_consumer.ts";
import { openTelemetry, type TelemetryApi, type TelemetrySpan } from "./telemetry.ts";
import { FakeCluster, until } from "./testing_cluster.ts";

const stack: AsyncDisposable[] = [];

afterEach(async () => {
  while (stack.length > 0) await stack.pop()![Symbol.asyncDispose]();
});

interface Recorded extends TelemetrySpan {
  id: string;
  parent: string | undefined;
  name: string;
  kind: number;
  attributes: Record<string, unknown>;
  /** Ids of the spans it is linked to. */
  links: unknown[];
  status: unknown;
  isEnded: boolean;
}

/** An OpenTelemetry of our own: contexts are the ids of spans. */
class FakeTelemetry {
  readonly spans: Recorded[] = [];
  current: string | undefined;
  readonly api = {
    trace: {
      getTracer: () => ({
        startSpan: (
          name: string,
          { kind, attributes, links = [] }: {
            kind: number;
            attributes: Record<string, unknown>;
            links?: { context: unknown }[];
          },
          parent: string | undefined,
        ) => {
          const id = `span${this.spans.length}`;
          const span: Recorded = {
            id,
            parent,
            name,
            kind,
            attributes: { ...attributes },
            links: links.map(({ context }) => context),
            status: null,
            isEnded: false,
            setAttribute: (key, value) => span.attributes[key] = value,
            setStatus: (status) => span.status = status,
            recordException: () => {},
            end: () => span.isEnded = true,
          };
          this.spans.push(span);
          return span;
        },
      }),
      setSpan: (_: string | undefined, span: Recorded) => span.id,
      getSpanContext: (context: string | undefined) => context,
    },
    context: {
      active: () => this.current,
      with: <T>(context: string | undefined, call: () => T): T => {
        const before = this.current;
        this.current = context;
        try {
          return call();
        } finally {
          this.current = before;
        }
      },
    },
    propagation: {
      inject: (context: string, carrier: Record<string, string>) => {
        carrier.traceparent = context;
      },
      extract: (context: string | undefined, carrier: Record<string, string>) =>
        carrier.traceparent ?? context,
    },
  } satisfies TelemetryApi;
}

/** A producer on a topic of one queue, whose sends have spans. */
async function traced() {
  const cluster = await FakeCluster.open();
  stack.push(cluster);
  cluster.topics.set("T", { queues: 1 });
  const telemetry = new FakeTelemetry();
  const hooks = [openTelemetry(telemetry.api)];
  const producer = await Producer.open({ group: "g", hooks }, cluster.environment);
  stack.push(producer);
  return { cluster, hooks, producer, telemetry };
}

test("a consumer's span is the child of the producer's, and the listener runs in it", async () => {
  const { cluster, hooks, producer, telemetry } = await traced();
  const result = await producer.send({ topic: "T", body: "12345", tags: "a", keys: ["k"] });
  const active: (string | undefined)[] = [];
  stack.push(
    await PushConsumer.open(
      { group: "c", subscriptions: { T: "*" }, consumeFrom: "first", hooks },
      () => {
        active.push(telemetry.current);
        throw new TypeError("bad");
      },
      cluster.environment,
    ),
  );
  await until(() => telemetry.spans.length > 1 && telemetry.spans[1]!.isEnded);
  const [sent, consumed] = telemetry.spans;
  expect(sent).toMatchObject({
    name: "send T",
    kind: 3,
    parent: undefined,
    status: null,
    isEnded: true,
    attributes: {
      "messaging.system": "rocketmq",
      "messaging.operation.type": "send",
      "messaging.destination.name": "T",
      "messaging.message.id": result.messageId,
      "messaging.rocketmq.message.tag": "a",
      "messaging.rocketmq.message.keys": ["k"],
      "server.address": "127.0.0.1",
      "server.port": cluster.broker.port,
    },
  });
  expect(consumed).toMatchObject({
    name: "process T",
    kind: 4,
    parent: sent!.id,
    status: { code: 2, message: "TypeError: bad" },
    attributes: {
      "messaging.operation.type": "process",
      "messaging.consumer.group.name": "c",
      "messaging.message.id": result.messageId,
      "messaging.message.body.size": 5,
      "error.type": "TypeError",
    },
  });
  expect(active[0]).toBe(consumed!.id);
});

test("a refused send ends its span with the error's code", async () => {
  const { cluster, producer, telemetry } = await traced();
  cluster.broker.reactions.send.push(ResponseCode.MESSAGE_ILLEGAL);
  await producer.send({ topic: "T", body: "1" }).catch(() => {});
  expect(telemetry.spans[0]).toMatchObject({
    isEnded: true,
    attributes: { "error.type": "refused" },
    status: { code: 2 },
  });
});

test("the span of a batch is linked to each message's producer, and is no one's child", async () => {
  const { cluster, hooks, producer, telemetry } = await traced();
  for (const body of ["1", "2"]) await producer.send({ topic: "T", body });
  const untraced = await Producer.open({ group: "u" }, cluster.environment);
  stack.push(untraced);
  await untraced.send({ topic: "T", body: "3" });
  stack.push(
    await PushConsumer.open(
      { group: "c", subscriptions: { T: "*" }, consumeFrom: "first", consumeBatchMax: 3, hooks },
      { onMessages: () => "success" },
      cluster.environment,
    ),
  );
  await until(() => telemetry.spans.length > 2 && telemetry.spans[2]!.isEnded);
  const [first, second, batch] = telemetry.spans;
  expect(batch).toMatchObject({
    name: "process T",
    parent: undefined,
    links: [first!.id, second!.id],
    attributes: { "messaging.batch.message_count": 3 },
  });
});

test("a popped message's span is the child of its producer's, and ends with its handler", async () => {
  await using cluster = await startRoquet();
  const { nameServer: nameServers } = cluster;
  const telemetry = new FakeTelemetry();
  const hooks = [openTelemetry(telemetry.api)];
  await using producer = await Producer.open({ nameServers, group: "g", hooks });
  const result = await producer.send({ topic: "T", body: "1" });
  await using consumer = await PopConsumer.open({ nameServers, group: "c", hooks });
  const enough = new AbortController();
  let active: string | undefined;
  await consumer.consume("T", () => {
    active = telemetry.current;
    enough.abort();
  }, { signal: enough.signal });
  const [sent, consumed] = telemetry.spans;
  expect(consumed).toMatchObject({
    name: "process T",
    kind: 4,
    parent: sent!.id,
    links: [],
    isEnded: true,
    status: null,
    attributes: {
      "messaging.consumer.group.name": "c",
      "messaging.message.id": result.messageId,
      "messaging.rocketmq.message.delivery_attempt": 1,
    },
  });
  expect(active).toBe(consumed!.id);
});
