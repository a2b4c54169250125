import { expect, test } from "bun:test";
import { globalProblem, importProblem, moduleProblem } from "./layering.ts";

test("imports go down the house, never up", () => {
  expect(importProblem("cmd/broker.ts", "cluster/broker/broker.ts")).toBeNull();
  expect(importProblem("cluster/broker/broker.ts", "store/message_store.ts")).toBeNull();
  expect(importProblem("store/lock.ts", "core/log.ts")).toBeNull();
  expect(importProblem("core/log.ts", "store/lock.ts")).toContain("may not import");
  expect(importProblem("store/lock.ts", "cluster/broker/broker.ts")).toContain("may not import");
  expect(importProblem("cluster/broker/broker.ts", "cmd/main.ts")).toContain("may not import");
});

test("tests keep to it too, but may start a whole Roquet", () => {
  expect(importProblem("core/client/recall_test.ts", "cmd/embedded.ts")).toBeNull();
  expect(importProblem("core/client/recall_test.ts", "cmd/main.ts")).toContain("may not import");
  expect(importProblem("core/client/recall.ts", "cmd/embedded.ts")).toContain("may not import");
  expect(importProblem("store/lock_test.ts", "cluster/broker/broker.ts")).not.toBeNull();
});

test("benchmarks and interop import all, and nothing imports them", () => {
  expect(importProblem("benchmarks/main.ts", "cmd/main.ts")).toBeNull();
  expect(importProblem("core/log.ts", "benchmarks/main.ts")).toContain("nothing imports");
  expect(importProblem("cluster/a.ts", "interop/main.ts")).toContain("nothing imports");
});

test("recorded data is for tests", () => {
  expect(importProblem("core/log.ts", "testdata/fixtures.ts")).toContain("only tests");
  expect(importProblem("core/log_test.ts", "testdata/fixtures.ts")).toBeNull();
});

test("time, randomness, disk and network are used in the named files alone", () => {
  expect(globalProblem("cluster/broker/broker.ts", "Date.now")).toContain("Clock");
  expect(globalProblem("core/time/system_clock.ts", "Date.now")).toBeNull();
  expect(globalProblem("store/x.ts", "Math.random")).toContain("Random");
  expect(globalProblem("store/x.ts", "setTimeout")).toContain("Clock");
  expect(globalProblem("store/x_test.ts", "setTimeout")).toBeNull();
  expect(moduleProblem("store/x.ts", "node:fs")).toContain("Disk");
  expect(moduleProblem("core/disk/disk_node.ts", "node:fs")).toBeNull();
  expect(moduleProblem("cluster/x.ts", "node:net")).toContain("Transport");
  expect(moduleProblem("core/x.ts", "node:child_process")).not.toBeNull();
});

test("Bun is named in *_bun.ts only", () => {
  expect(globalProblem("core/remoting/transport_bun.ts", "Bun.listen")).toBeNull();
  expect(globalProblem("core/remoting/server.ts", "Bun.listen")).toContain("_bun.ts");
});
