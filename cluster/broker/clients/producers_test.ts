import { expect, test } from "bun:test";
import { Producers } from "./producers.ts";
import { fakeClient } from "./testing.ts";

test("a producer group asks its members in turn", () => {
  const producers = new Producers();
  producers.register("P", fakeClient("a", 0));
  producers.register("P", fakeClient("b", 0));
  const asked = [1, 2, 3].map(() => producers.anyOf("P")!.clientId);
  expect(asked).toEqual(["a", "b", "a"]);
  expect(producers.anyOf("Q")).toBeUndefined();
});

test("a producer is gone from all groups when its connection closes", () => {
  const producers = new Producers();
  const client = fakeClient("a", 0);
  producers.register("P", client);
  producers.register("Q", client);
  producers.connectionClosed(client.connection);
  expect(producers.all().size).toBe(0);
  expect(producers.clientOf("a")).toBeUndefined();
});

test("a producer without a heartbeat for 120 s is dropped and its connection closed", () => {
  const producers = new Producers();
  const client = fakeClient("a", 0);
  producers.register("P", client);
  producers.register("P", { ...client, lastUpdateMs: 10_000 });
  producers.expire(130_000);
  expect(client.connection.closed).toBeFalse();
  producers.expire(130_001);
  expect(client.connection.closed).toBeTrue();
  expect(producers.members("P")).toBeUndefined();
});
