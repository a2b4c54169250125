import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../../core/log.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { type ConsumeMode, Consumers } from "./consumers.ts";
import { matchesTags, parseSubscription, type Subscription } from "./subscription.ts";
import { fakeClient } from "./testing.ts";

const CLUSTERING: ConsumeMode = {
  consumeType: "CONSUME_PASSIVELY",
  messageModel: "CLUSTERING",
  consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
};
const BROADCASTING = { ...CLUSTERING, messageModel: "BROADCASTING" };

function openConsumers() {
  const clock = new VirtualClock();
  const settings = { channelExpiredTimeout: 120_000, subscriptionExpiredTimeout: 600_000 };
  const consumers = new Consumers({ clock, log: silentLogger, settings });
  const notices: string[] = [];
  consumers.onMembershipChange((group, members) => {
    notices.push(`${group}: ${[...members].map((client) => client.clientId).join(",")}`);
  });
  const client = (clientId: string) => fakeClient(clientId, clock.nowMs());
  return { consumers, notices, clock, client };
}

function subscriptionTo(topic: string, subVersion = 1): Subscription {
  return { ...parseSubscription(topic, "*", "TAG", 0)!, subVersion };
}

describe("consumer groups", () => {
  test("tell all members at once when one joins or leaves", () => {
    const { consumers, notices, client } = openConsumers();
    const [a, b] = [client("a"), client("b")];
    consumers.register("G", a, CLUSTERING, [subscriptionTo("T")], true);
    consumers.register("G", b, CLUSTERING, [subscriptionTo("T")], true);
    consumers.register("G", a, CLUSTERING, [subscriptionTo("T")], true);
    consumers.connectionClosed(b.connection);
    consumers.unregister("G", a.connection, true);
    expect(notices).toEqual(["G: a", "G: a,b", "G: a", "G: "]);
    expect(consumers.group("G")).toBeUndefined();
  });

  test("that broadcast, or whose notices are off, are told nothing", () => {
    const { consumers, notices, client } = openConsumers();
    consumers.register("B", client("a"), BROADCASTING, [subscriptionTo("T")], true);
    consumers.register("Q", client("b"), CLUSTERING, [subscriptionTo("T")], false);
    expect(notices).toEqual([]);
  });

  test("change when topics come or go, and take a newer version of a subscription silently", () => {
    const { consumers, notices, client } = openConsumers();
    const a = client("a");
    const heartbeat = (...topics: Subscription[]) =>
      consumers.register("G", a, CLUSTERING, topics, true);
    expect(heartbeat(subscriptionTo("T"))).toBeTrue();
    expect(heartbeat(subscriptionTo("T", 2))).toBeFalse();
    expect(consumers.subscription("G", "T")!.subVersion).toBe(2);
    expect(heartbeat(subscriptionTo("T", 1))).toBeFalse();
    expect(consumers.subscription("G", "T")!.subVersion).toBe(2);
    expect(heartbeat(subscriptionTo("U"))).toBeTrue();
    expect(consumers.subscription("G", "T")).toBeUndefined();
    expect([...consumers.groupsOf("U")]).toEqual(["G"]);
    expect([...consumers.groupsOf("T")]).toEqual([]);
    expect(notices.length).toBe(2);
  });

  test("keep their subscriptions when a heartbeat leaves them out", () => {
    const { consumers, client } = openConsumers();
    consumers.register("G", client("a"), CLUSTERING, [subscriptionTo("T")], true);
    consumers.register("G", client("b"), CLUSTERING, null, true);
    expect(consumers.subscription("G", "T")).toBeDefined();
    expect(consumers.group("G")!.members.size).toBe(2);
  });

  test("drop members that are silent for 120 s, close their connections and tell the others", async () => {
    const { consumers, notices, clock, client } = openConsumers();
    const [a, b] = [client("a"), client("b")];
    consumers.register("G", a, CLUSTERING, [subscriptionTo("T")], true);
    consumers.register("G", b, CLUSTERING, [subscriptionTo("T")], true);
    await clock.advance(60_000);
    consumers.register(
      "G",
      { ...b, lastUpdateMs: clock.nowMs() },
      CLUSTERING,
      [subscriptionTo("T")],
      true,
    );
    await clock.advance(60_001);
    notices.length = 0;
    consumers.expire(clock.nowMs());
    expect(a.connection.closed).toBeTrue();
    expect(b.connection.closed).toBeFalse();
    expect(notices).toEqual(["G: b"]);
  });

  test("known from their pulls alone are remembered for a while, but aren't connected", async () => {
    const { consumers, clock } = openConsumers();
    consumers.compensate("P", "CONSUME_ACTIVELY", "CLUSTERING");
    consumers.rememberSubscription("P", parseSubscription("T", "a || b", "TAG", clock.nowMs())!);
    expect(consumers.group("P")).toBeUndefined();
    expect(consumers.groupOrCompensated("P")!.consumeType).toBe("CONSUME_ACTIVELY");
    expect(consumers.repeatedSubscription("P", "T", "a || b", "TAG")).toBeDefined();
    expect(consumers.repeatedSubscription("P", "T", "a", "TAG")).toBeUndefined();
    await clock.advance(600_001);
    consumers.expire(clock.nowMs());
    expect(consumers.groupOrCompensated("P")).toBeUndefined();
  });
});

describe("a tag filter", () => {
  test("takes the tags that it names, by their hashes", () => {
    const subscription = parseSubscription("T", "TagA || TagB", undefined, 0)!;
    expect(subscription.tags).toEqual(["TagA", "TagB"]);
    expect(matchesTags(subscription, 2598919)).toBeTrue();
    expect(matchesTags(subscription, 2598921)).toBeFalse();
  });

  test("takes everything for * and for nothing at all", () => {
    for (const expression of ["*", "", undefined]) {
      const subscription = parseSubscription("T", expression, "TAG", 0)!;
      expect(subscription.subString).toBe("*");
      expect(matchesTags(subscription, 12345)).toBeTrue();
    }
  });

  test("takes entries whose hash lies in an extension unit: the client compares the text", () => {
    const subscription = parseSubscription("T", "TagA", "TAG", 0)!;
    expect(matchesTags(subscription, -9223372036854775000)).toBeTrue();
  });

  test("can't be made of separators alone", () => {
    expect(parseSubscription("T", "||", "TAG", 0)).toBeNull();
  });
});
