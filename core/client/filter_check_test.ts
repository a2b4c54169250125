// A condition that the broker can't filter by is an error of the program that asks for it, not a silence.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type EmbeddedCluster, startRoquet } from "../../cmd/embedded.ts";
import { ClientError } from "./client_error.ts";
import { LitePullConsumer } from "./lite_pull_consumer.ts";
import { Producer } from "./producer.ts";
import { PushConsumer } from "./push_consumer.ts";

let cluster: EmbeddedCluster;

beforeAll(async () => {
  cluster = await startRoquet({ broker: { enablePropertyFilter: true } });
  await using producer = await Producer.open({ nameServers: cluster.nameServer, group: "p" });
  await producer.send({ topic: "Priced", body: "x", properties: { price: "7" } });
});

afterAll(() => cluster[Symbol.asyncDispose]());

const options = (group: string, sql: string) => ({
  nameServers: cluster.nameServer,
  group,
  subscriptions: { Priced: { sql } },
  consumeFrom: "first" as const,
});

async function refusalOf(work: Promise<unknown>): Promise<ClientError> {
  const error = await work.then(() => null, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(ClientError);
  return error as ClientError;
}

test("a consumer with a wrong condition doesn't start, and says why", async () => {
  const push = await refusalOf(PushConsumer.open(options("push", "price >"), () => {}));
  expect(push).toMatchObject({ code: "refused", retriable: false });
  expect(push.message).toContain("SUBSCRIPTION_PARSE_FAILED");
  expect((await refusalOf(LitePullConsumer.open(options("lite", "price >")))).code).toBe("refused");
});

test("subscribing with a wrong condition fails and leaves the subscription as it was", async () => {
  const bodies: string[] = [];
  await using consumer = await PushConsumer.open(options("kept", "price > 5"), (message) => {
    bodies.push(message.text());
  });
  expect((await refusalOf(consumer.subscribe("Priced", { sql: "price >" }))).code).toBe("refused");
  await using producer = await Producer.open({ nameServers: cluster.nameServer, group: "p" });
  await producer.send({ topic: "Priced", body: "y", properties: { price: "8" } });
  while (bodies.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(bodies.sort()).toEqual(["x", "y"]);
});
