// Java's consumers and operators against Roquet's servers; and order, with members of ours and of Java's in one group,
// through kills of a member and of the broker, on Roquet's servers and on Apache's.
import { beforeAll, describe, expect, test } from "bun:test";
import { NumberedLoad, OrderlyMembers } from "./client/order.ts";
import { startApacheBroker } from "./support/apache.ts";
import { type Make, startCluster } from "./support/cluster.ts";
import { runScenarios } from "./support/driver.ts";
import { startRoquetBroker } from "./support/roquet.ts";
import type { ScenarioResult } from "./support/scenario_lines.ts";

const QUEUES = 4;
// The shortest that a broker takes.
const CONF = { registerNameServerPeriod: 10_000 };
const OPERATOR = ["operatorReset", "operatorRunningInfo", "operatorSuspend", "operatorForbid"];
const ORDER = ["orderGiveUp", "orderCommitByHand", "orderMembers"];

/**
 * Members of both kinds share the queues; one is killed, so that its locks must expire, and right after it the broker,
 * which Roquet's remembers locks through and Apache's doesn't; a member joins and leaves. All the while messages are sent.
 */
async function expectOrderToHold(make: Make, kinds: readonly ["ours" | "java", "ours" | "java"]) {
  await using cluster = await startCluster({ namesrv: make, broker: make }, CONF);
  const nameServers = cluster.namesrv.address;
  const load = await NumberedLoad.start(nameServers, "T_order");
  await using members = new OrderlyMembers(cluster.folder, nameServers, "G_order", "T_order");
  const [victim, other] = [await members.start(kinds[0]), await members.start(kinds[1])];
  await members.progress("two members", QUEUES, 20);
  await members.until("messages for both", () => {
    return [victim, other].every((member) => members.queuesOf(member).size > 0);
  });
  await members.kill(victim);
  const { process, port, storePath } = cluster.broker;
  process.kill("SIGKILL");
  await process.exited;
  const again = { port, storePath, conf: CONF };
  const folder = `${cluster.folder}/broker-again`;
  await using _again = make === "apache"
    ? await startApacheBroker(folder, nameServers, again)
    : await startRoquetBroker(folder, nameServers, again);
  const third = await members.start("ours");
  await members.progress("a member and the broker were killed", QUEUES, 30);
  await members.until("messages for the third", () => members.queuesOf(third).size > 0);
  third.kill("SIGTERM");
  expect(await third.exited).toBe(0);
  await members.progress("one left", QUEUES, 20);
  await load.stop();
  const left = () => load.sent.map((count, id) => count - (members.consumed()[id] ?? 0));
  await members.until("everything that was sent", () => left().every((count) => count <= 0));
  expect(members.violations()).toEqual([]);
}

describe("Java's consumers and operators, and order", () => {
  const runs = [
    { version: "5.4.0" as const, scenarios: [...ORDER, ...OPERATOR, "consumeMembers"] },
    // Members of 4.9 keep a queue's lock for 20 s after they lost it: theirs would take a minute.
    { version: "4.9.8" as const, scenarios: ORDER.filter((each) => each !== "orderMembers") },
  ];
  let results: Map<string, ScenarioResult>[];
  let orders: PromiseSettledResult<void>[];

  beforeAll(async () => {
    // Most of it is waiting for locks to expire and for members to notice: both at the same time.
    orders = await Promise.allSettled([
      // A Java member trusts its locks for up to 20 s after an Apache broker has forgotten them: ours stays there.
      expectOrderToHold("roquet", ["ours", "java"]),
      expectOrderToHold("apache", ["java", "ours"]),
    ]);
    await using cluster = await startCluster({ namesrv: "roquet", broker: "roquet" }, CONF);
    results = await Promise.all(runs.map((run) =>
      runScenarios({
        ...run,
        serialization: "JSON",
        namesrvAddress: cluster.namesrv.address,
        folder: cluster.folder,
      })
    ));
  }, 600_000);

  for (const [index, { version, scenarios }] of runs.entries()) {
    for (const scenario of scenarios) {
      test(`${scenario} (${version})`, () => {
        expect(results[index]!.get(scenario)?.problem ?? null).toBeNull();
      });
    }
  }

  for (const [index, broker] of ["Roquet's", "Apache's"].entries()) {
    test(`order holds through kills of a member and of ${broker} broker, ours and Java's together`, () => {
      expect(orders[index]).toEqual({ status: "fulfilled", value: undefined });
    });
  }
});
