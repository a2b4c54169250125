// Members of one group that join, leave and are killed under load: nothing that was acknowledged is lost, and what
// comes again is bounded.
import { expect } from "bun:test";
import { waitFor } from "../support/processes.ts";
import { Load, Members } from "./load.ts";

const PER_SECOND = 500;
const STEP = 500;
const ARRIVED_MS_MAX = 30_000;
/** Two join beside the first, one leaves, one is killed, and one joins again. */
const CHANGES = 5;

export async function expectMembersToLoseNothing(
  folder: string,
  nameServers: string,
): Promise<void> {
  await using load = await Load.start({ nameServers }, "T_members", PER_SECOND);
  await using members = new Members(folder, nameServers, "G_members", "T_members");
  await members.start();
  await load.more(STEP);
  const second = await members.start();
  await load.more(STEP);
  const third = await members.start();
  await waitFor("messages for each of three", ARRIVED_MS_MAX, () => {
    return [0, 1, 2].every((index) => members.of(index).length > 0);
  });
  second.kill("SIGTERM");
  expect(await second.exited).toBe(0);
  await load.more(STEP);
  third.kill("SIGKILL");
  await load.more(STEP);
  await members.start();
  await load.more(STEP);
  await load.stop();
  expect(load.failures).toEqual([]);
  const times = await members.untilAllCame(load);
  expect(Math.max(...times.values())).toBeLessThanOrEqual(1 + CHANGES);
  // What a killed member had not committed, and what was under way when a queue changed hands.
  const again = [...times.values()].reduce((sum, count) => sum + count - 1, 0);
  expect(again).toBeLessThan(load.acknowledged.size / 2);
}
