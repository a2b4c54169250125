// Random histories of registrations, departures and operators' commands, against the naive
// registry; and the facts of the table that histories would find too seldom.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NaiveRegistry } from "./naive_registry.ts";
import {
  type MinBrokerIdChange,
  PERM_WRITE,
  type RegisterOutcome,
  type Registration,
  type TopicTableContent,
} from "./route_model.ts";
import { type RoutePolicy, RouteTable, UNCHANGED } from "./route_table.ts";

const TOPICS = ["T1", "T2", "T3", "T4"];
const NAMES = ["a", "b", "c"];
const CLUSTERS = ["north", "south"];
const ADDRESSES = ["h1:1", "h2:1", "h3:1", "h4:1"];

const settings = fc.record({
  readQueueCount: fc.constantFrom(1, 4),
  writeQueueCount: fc.constantFrom(1, 4),
  perm: fc.constantFrom(4, 6, 7),
  topicSysFlag: fc.constantFrom(0, 1, 2, 3),
});

const content: fc.Arbitrary<TopicTableContent> = fc.record({
  version: fc.record({
    counter: fc.constantFrom(1, 2),
    stateVersion: fc.constantFrom(0, 1),
    timestamp: fc.constant(5),
  }),
  topics: fc.array(fc.tuple(fc.constantFrom(...TOPICS), settings), { maxLength: 4 })
    .map((entries) => new Map(entries)),
  mappings: fc.constant(new Map()),
  filterServers: fc.constantFrom(null, [], ["f:1"]),
});

const registration: fc.Arbitrary<Registration> = fc.record({
  // Mostly one cluster a name, as it is meant.
  cluster: fc.constantFrom("north", "north", "north", "south"),
  brokerName: fc.constantFrom(...NAMES),
  brokerId: fc.constantFrom(0, 0, 1, 2),
  address: fc.constantFrom(...ADDRESSES),
  haAddress: fc.constantFrom("ha1", "ha2"),
  zoneName: fc.constantFrom(null, "z"),
  timeoutMs: fc.constantFrom(null, 10, 50),
  enableActingMaster: fc.constantFrom(null, false, true, true),
  connectionId: fc.constantFrom(1, 2, 3),
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("register" as const), registration, content }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("again" as const), nth: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("unregister" as const),
      batch: fc.array(registration, { minLength: 1, maxLength: 3 }),
    }),
  },
  fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(5, 20, 200) }),
  fc.record({ kind: fc.constant("close" as const), connectionId: fc.constantFrom(1, 2, 3) }),
  fc.record({
    kind: fc.constant("heard" as const),
    cluster: fc.constantFrom(...CLUSTERS),
    address: fc.constantFrom(...ADDRESSES),
  }),
  fc.record({
    kind: fc.constantFrom("wipe" as const, "add" as const),
    brokerName: fc.constantFrom(...NAMES),
  }),
  fc.record({
    kind: fc.constant("topic" as const),
    topic: fc.constantFrom(...TOPICS),
    queues: fc.array(fc.record({ brokerName: fc.constantFrom(...NAMES), settings }), {
      minLength: 1,
      maxLength: 2,
    }),
  }),
  fc.record({
    kind: fc.constant("delete" as const),
    topic: fc.constantFrom(...TOPICS),
    cluster: fc.constantFrom(null, ...CLUSTERS),
  }),
);
const policySwitch = fc.record({
  kind: fc.constant("switch" as const),
  name: fc.constantFrom(
    "supportActingMaster" as const,
    "notifyMinBrokerIdChanged" as const,
    "deleteTopicWithBrokerRegistration" as const,
  ),
});
type Step = (typeof step | typeof policySwitch) extends fc.Arbitrary<infer S> ? S : never;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const policy: fc.Arbitrary<Mutable<RoutePolicy>> = fc.record({
  supportActingMaster: fc.boolean(),
  notifyMinBrokerIdChanged: fc.boolean(),
  deleteTopicWithBrokerRegistration: fc.boolean(),
});

/** Both registries, told the same things. */
class Pair {
  readonly table: RouteTable;
  private readonly naive: NaiveRegistry;
  private readonly seen: { registration: Registration; content: TopicTableContent }[] = [];
  private nowMs = 1000;

  constructor(private readonly policy: Mutable<RoutePolicy>) {
    this.table = new RouteTable(policy);
    this.naive = new NaiveRegistry(policy);
  }

  run(step: Step): void {
    const { table, naive } = this;
    switch (step.kind) {
      case "register":
        this.seen.push(step);
        return this.register(step.registration, step.content);
      case "again": {
        const earlier = this.seen.at(-1 - step.nth);
        return earlier && this.register(earlier.registration, earlier.content);
      }
      case "unregister":
        expect(sortedNotices(table.unregister(step.batch)))
          .toEqual(sortedNotices(naive.unregister(step.batch)));
        return;
      case "wait": {
        this.nowMs += step.ms;
        const gone = table.expired(this.nowMs).flatMap((node) => table.eviction(node));
        table.unregister(gone);
        naive.unregister(naive.scan(this.nowMs));
        return;
      }
      case "close": {
        const gone = table.onConnection(step.connectionId).flatMap((node) => table.eviction(node));
        table.unregister(gone);
        naive.unregister(naive.close(step.connectionId));
        return;
      }
      case "switch":
        this.policy[step.name] = !this.policy[step.name];
        return;
      case "heard":
        table.heard(step.cluster, step.address, this.nowMs);
        return naive.heard(step.cluster, step.address, this.nowMs);
      case "wipe":
        expect(table.topics.wipeWrite(step.brokerName))
          .toBe(naive.setPerms(step.brokerName, (perm) => perm & ~PERM_WRITE));
        return;
      case "add":
        expect(table.topics.addWrite(step.brokerName))
          .toBe(naive.setPerms(step.brokerName, () => 6));
        return;
      case "topic":
        table.registerTopic(step.topic, step.queues);
        return naive.registerTopic(
          step.topic,
          step.queues.map((queue) => ({ topic: step.topic, ...queue })),
        );
      case "delete":
        table.deleteTopic(step.topic, step.cluster);
        return naive.deleteTopic(step.topic, step.cluster);
    }
  }

  check(): void {
    expect(viewOf(this.table)).toEqual(this.naive.view(TOPICS));
  }

  /** The table may see that nothing changed; the model never looks. */
  private register(registration: Registration, content: TopicTableContent): void {
    const fingerprint = fingerprintOf(content);
    const taken = this.table.isUnchanged(registration, fingerprint) ? UNCHANGED : content;
    const outcome = this.table.register(registration, taken, fingerprint, this.nowMs);
    const expected = this.naive.register(registration, content, this.nowMs);
    expect(withSortedNotice(outcome)).toEqual(withSortedNotice(expected));
  }
}

function fingerprintOf(content: TopicTableContent): string {
  return JSON.stringify([content.version, [...content.topics], content.filterServers]);
}

function withSortedNotice(outcome: RegisterOutcome): RegisterOutcome {
  if (outcome.status !== "registered" || outcome.change === null) return outcome;
  return { ...outcome, change: sortedNotices([outcome.change])[0]! };
}

function sortedNotices(notices: readonly MinBrokerIdChange[]): MinBrokerIdChange[] {
  return notices
    .map((one) => ({ ...one, notifiedAddresses: one.notifiedAddresses.toSorted() }))
    .sort((one, other) => one.brokerName < other.brokerName ? -1 : 1);
}

function viewOf(table: RouteTable): ReturnType<NaiveRegistry["view"]> {
  const clusters = [...table.clusters()].flatMap(([cluster, names]) =>
    [...names].map((name) => `${cluster}/${name}`)
  );
  const routes = TOPICS.map((topic) => {
    const route = table.route(topic);
    if (route === null) return null;
    const { queues, brokers } = route;
    return { queues, brokers, filterServers: Object.fromEntries(route.filterServers) };
  });
  const brokers = table.brokers().sort((one, other) => one.brokerName < other.brokerName ? -1 : 1);
  return { clusters: clusters.sort(), brokers, routes } as ReturnType<NaiveRegistry["view"]>;
}

describe("the route table", () => {
  test("is what a naive registry is, after any history", () => {
    fc.assert(
      fc.property(
        policy,
        fc.array(fc.oneof({ weight: 20, arbitrary: step }, policySwitch), {
          minLength: 10,
          maxLength: 80,
          size: "max",
        }),
        (policy, steps) => {
          const pair = new Pair(policy);
          for (const each of steps) {
            pair.run(each);
            pair.check();
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  describe("sees that a registration changes nothing", () => {
    const policy = {
      supportActingMaster: false,
      notifyMinBrokerIdChanged: false,
      deleteTopicWithBrokerRegistration: false,
    };
    const node: Registration = {
      cluster: "c",
      brokerName: "a",
      brokerId: 0,
      address: "a:1",
      haAddress: "a:2",
      zoneName: null,
      timeoutMs: null,
      enableActingMaster: null,
      connectionId: 1,
    };
    const settings = { readQueueCount: 4, writeQueueCount: 4, perm: 6, topicSysFlag: 0 };
    const content: TopicTableContent = {
      version: { counter: 1, stateVersion: 0, timestamp: 1 },
      topics: new Map([["T", settings], ["U", settings]]),
      mappings: new Map(),
      filterServers: [],
    };

    test("while all of the broker's topics are there", () => {
      const table = new RouteTable(policy);
      expect(table.isUnchanged(node, "f")).toBe(false);
      table.register(node, content, "f", 0);
      expect(table.isUnchanged(node, "f")).toBe(true);
      expect(table.isUnchanged(node, "g")).toBe(false);
      table.deleteTopic("U", null);
      expect(table.isUnchanged(node, "f")).toBe(false);
      table.register(node, content, "f", 0);
      expect(table.isUnchanged(node, "f")).toBe(true);
      expect(table.route("U")).not.toBeNull();
    });

    test("whatever other brokers do", () => {
      const table = new RouteTable(policy);
      table.register(node, content, "f", 0);
      const other = { ...node, brokerName: "b", address: "b:1" };
      table.register(other, content, "f", 0);
      table.unregister([other]);
      expect(table.isUnchanged(node, "f")).toBe(true);
    });

    test("and leaves permissions as an operator set them", () => {
      const table = new RouteTable(policy);
      table.register(node, content, "f", 0);
      expect(table.topics.wipeWrite("a")).toBe(2);
      expect(table.isUnchanged(node, "f")).toBe(true);
      table.register(node, UNCHANGED, "f", 1);
      expect(table.route("T")!.queues[0]!.settings.perm).toBe(4);
    });

    test("but not for another address or after the broker left", () => {
      const table = new RouteTable(policy);
      table.register(node, content, "f", 0);
      expect(table.isUnchanged({ ...node, address: "a:9" }, "f")).toBe(false);
      table.unregister([node]);
      expect(table.isUnchanged(node, "f")).toBe(false);
    });
  });
});
