// Members of a group that subscribe to different things are told of and counted.
import { expect, test } from "bun:test";
import { createLogger, type LogEntry } from "../../../core/log.ts";
import { SubscriptionAgreement } from "./agreement.ts";
import { parseSubscription } from "./subscription.ts";
import { FakeConnection } from "./testing.ts";

const to = (topic: string, expression: string, type = "TAG") =>
  parseSubscription(topic, expression, type, 1)!;

function bed() {
  const entries: LogEntry[] = [];
  const agreement = new SubscriptionAgreement(createLogger((entry) => entries.push(entry)));
  const connections = new Map<string, FakeConnection>();
  const connection = (clientId: string) => {
    const known = connections.get(clientId) ?? new FakeConnection();
    connections.set(clientId, known);
    return known;
  };
  return {
    agreement,
    entries,
    says: (clientId: string, ...subscriptions: ReturnType<typeof to>[]) =>
      agreement.said("G", connection(clientId), clientId, "CLUSTERING", subscriptions),
    leaves: (clientId: string) => agreement.left("G", connection(clientId)),
  };
}

test("members that say the same in another order agree", () => {
  const { agreement, entries, says } = bed();
  says("a", to("T", "x || y"), to("U", "*"));
  says("b", to("U", "*"), to("T", "y||x"));
  expect([agreement.mismatched, agreement.mismatchesTotal, entries.length]).toEqual([[], 0, 0]);
});

test("a member that says something else is told of once, with who says what", () => {
  const { agreement, entries, says } = bed();
  says("a", to("T", "x"));
  says("b", to("T", "x"));
  for (let beat = 0; beat < 3; beat++) says("c", to("T", "a > 1", "SQL92"));
  expect([agreement.mismatched, agreement.mismatchesTotal]).toEqual([["G"], 1]);
  expect(entries.length).toBe(1);
  expect(entries[0]!.level).toBe("warn");
  expect(entries[0]!.fields).toEqual({
    group: "G",
    members: [
      { subscribeTo: "CLUSTERING T=x", clients: ["a", "b"] },
      { subscribeTo: "CLUSTERING T~a > 1", clients: ["c"] },
    ],
  });
});

test("agreement comes back when the odd member changes its mind or leaves", () => {
  const { agreement, says, leaves } = bed();
  says("a", to("T", "x"));
  says("b", to("T", "y"));
  says("b", to("T", "x"));
  expect(agreement.mismatched).toEqual([]);
  says("b", to("T", "z"));
  leaves("b");
  expect([agreement.mismatched, agreement.mismatchesTotal]).toEqual([[], 2]);
});
