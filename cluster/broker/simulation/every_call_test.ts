// A disk that refuses, at each of its calls in turn: what a producer was told stays true, reads go on, and the cause is
// said. A full disk ends when there is room; a failed sync of the log never does.
import { describe, expect, test } from "bun:test";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { keyOf } from "./ledger.ts";
import { Rig } from "./rig.ts";

const SENDS = 10;
/** So that two log files are filled. */
const BODY_BYTES = 3400;
const FULL = "service not available now: the disk is full (ENOSPC)";
const UNSAFE = "the log can't be made durable: EIO";

/** Sends, and gives the keys that were acknowledged and what was refused. */
async function sendSome(rig: Rig): Promise<{ keys: string[]; refusals: string[] }> {
  const keys: string[] = [];
  const refusals: string[] = [];
  for (let count = 0; count < SENDS; count++) {
    const [key, { code, remark }] = await rig.send(BODY_BYTES);
    if (code === ResponseCode.SUCCESS) keys.push(key);
    else refusals.push(`${code} ${remark}`);
  }
  return { keys, refusals };
}

async function keysIn(rig: Rig): Promise<string[]> {
  return (await rig.readAll()).map(keyOf);
}

/** How often a run without faults does an operation on the log after its start. */
async function callsOf(operation: "write" | "datasync", newRig: () => Rig): Promise<number> {
  const rig = newRig();
  await rig.open();
  const before = rig.memory.count(operation);
  await sendSome(rig);
  return rig.memory.count(operation) - before;
}

describe.each(["ASYNC_FLUSH", "SYNC_FLUSH"])("under %s", (flushDiskType) => {
  test("a disk that is full at any write loses nothing acknowledged, reads go on, writes resume", async () => {
    const calls = await callsOf("write", () => new Rig({ flushDiskType }));
    expect(calls).toBeGreaterThan(SENDS);
    let refused = 0;
    for (let after = 0; after < calls; after++) {
      const rig = new Rig({ flushDiskType });
      await rig.open();
      rig.memory.inject({ operation: "write", code: "ENOSPC", after, partialBytes: 100 });
      const { keys, refusals } = await sendSome(rig);
      refused += refusals.length;
      for (const refusal of refusals) {
        expect(refusal).toBe(`${ResponseCode.SERVICE_NOT_AVAILABLE} ${FULL}`);
      }
      expect(await keysIn(rig)).toEqual(keys);

      rig.memory.clearFaults();
      await rig.clock.advance(2000);
      const later = await sendSome(rig);
      expect(later.refusals).toEqual([]);
      rig.crash("process");
      await rig.open();
      expect(await keysIn(rig)).toEqual([...keys, ...later.keys]);
    }
    expect(refused).toBeGreaterThan(calls);
  });
});

test.each([
  ["by a thread of the pool", Infinity],
  ["on the event loop", 0],
])(
  "a sync of the log, %s, that fails is the last one: nothing more is taken, and the cause is said",
  async (_where, quickSyncsMin) => {
    const newRig = () =>
      new Rig({ flushDiskType: "SYNC_FLUSH" }, undefined, undefined, { quickSyncsMin });
    const calls = await callsOf("datasync", newRig);
    for (let after = 0; after < calls; after++) {
      const rig = newRig();
      await rig.open();
      rig.memory.inject({
        operation: "datasync",
        code: "EIO",
        path: "/commitlog/",
        after,
        times: 1,
      });
      const { keys, refusals } = await sendSome(rig);
      if (refusals.length === 0) continue;
      // The one whose sync failed is told so; what comes later is refused from the outset.
      expect(refusals).toHaveLength(SENDS - keys.length);
      expect(refusals[0]).toContain(UNSAFE);
      for (const refusal of refusals.slice(1)) {
        expect(refusal).toBe(
          `${ResponseCode.SERVICE_NOT_AVAILABLE} service not available now: ${UNSAFE}`,
        );
      }
      const errors = rig.entries.filter(({ level }) => level === "error").map(({ text }) => text);
      expect(errors).toContain("the log can't be synced: nothing more is taken");
      expect(await keysIn(rig)).toEqual(keys);
      // The device has what it acknowledged before.
      rig.crash("power");
      await rig.open();
      const kept = await keysIn(rig);
      expect(kept.slice(0, keys.length)).toEqual(keys);
    }
  },
);
