// Brokers that leave together are taken out together, and no more may wait than is allowed.
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { Departures } from "./departures.ts";
import type { Unregistration } from "./route_model.ts";

const leaving = (brokerName: string): Unregistration => ({
  cluster: "c",
  brokerName,
  brokerId: 0,
  address: `${brokerName}:1`,
});

describe("departures", () => {
  const batches: string[][] = [];
  const clock = new VirtualClock();
  const departures = new Departures(
    clock,
    2,
    (batch) => batches.push(batch.map(({ brokerName }) => brokerName)),
  );

  test("of one turn are one batch, and beyond the limit they are refused", async () => {
    expect(["a", "b", "d"].map((name) => departures.submit(leaving(name))))
      .toEqual([true, true, false]);
    expect(batches).toEqual([]);
    await clock.advance(0);
    expect(batches).toEqual([["a", "b"]]);
  });

  test("are accepted again once the batch is taken", async () => {
    expect(departures.submit(leaving("d"))).toBe(true);
    await clock.advance(0);
    expect(batches.at(-1)).toEqual(["d"]);
  });

  test("that are certain always fit", async () => {
    for (const name of ["a", "b", "d"]) departures.add(leaving(name));
    await clock.advance(0);
    expect(batches.at(-1)).toEqual(["a", "b", "d"]);
  });

  test("end when the name server stops", async () => {
    const before = batches.length;
    departures.add(leaving("a"));
    departures.stop();
    departures.add(leaving("b"));
    expect(departures.submit(leaving("d"))).toBe(false);
    await clock.advance(0);
    expect(batches.length).toBe(before);
  });
});
