// An inspection of a store whose files hold anything at all: it ends, with faults and never with an error, changes
// nothing, and what it proposes leaves a store that opens.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { soleOwner } from "../../core/disk/file_lock.ts";
import type { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { OperationError } from "../../core/errors.ts";
import { silentLogger } from "../../core/log.ts";
import { type Random, randomBelow, seededRandom } from "../../core/random.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { FILE_MESSAGE_STORE_DEFAULTS } from "../file_message_store_options.ts";
import { killedAt, smallStore } from "../testing_crash.ts";
import {
  LOG_FILE_BYTES,
  newMemoryDisk,
  openTestStore,
  SMALL_STORE,
  STORE_PATH,
  testMessage,
} from "../testing_store.ts";
import { type CheckedStore, checkStore } from "./check.ts";
import type { Fault } from "./fault.ts";
import { applyRepair, RepairPlan } from "./repair.ts";
import { findShape } from "./store_shape.ts";

/** As a broker's configuration says it. */
const CONFIGURED = {
  commitLogFileBytes: LOG_FILE_BYTES,
  consumeQueueFileBytes: SMALL_STORE.consumeQueueFileBytes,
  index: { slotCount: SMALL_STORE.indexSlotCount, itemCount: SMALL_STORE.indexItemCount },
};

async function check(disk: MemoryDisk): Promise<{ checked: CheckedStore; faults: Fault[] }> {
  const faults: Fault[] = [];
  const checked = await checkStore({
    disk,
    shape: findShape(disk, STORE_PATH, CONFIGURED),
    delayLevels: null,
    findings: { fault: (fault) => faults.push(fault), note: () => {} },
    onProgress: () => {},
  });
  return { checked, faults };
}

function filesOf(disk: MemoryDisk, path = STORE_PATH): string[] {
  return disk.listSync(path).flatMap((name) => {
    const child = `${path}/${name}`;
    return disk.statSync(child)!.isDirectory ? filesOf(disk, child) : [child];
  });
}

/** Writes, cuts, or removes something somewhere in the part of the files that is used. */
function damage(disk: MemoryDisk, random: Random): void {
  const files = filesOf(disk).filter((path) => !/\/(lock|abort)$/.test(path));
  const path = files[randomBelow(random, files.length)]!;
  const used = Math.max(1, Math.min(disk.statSync(path)!.sizeBytes, 3000));
  switch (randomBelow(random, 4)) {
    case 0:
      disk.openSync(path, "write").truncateSync(randomBelow(random, used));
      break;
    case 1:
      disk.unlinkSync(path);
      break;
    default: {
      const bytes = new Uint8Array(1 + randomBelow(random, 40));
      for (let at = 0; at < bytes.length; at++) bytes[at] = randomBelow(random, 256);
      disk.openSync(path, "write").writeSync(bytes, 0, bytes.length, randomBelow(random, used));
    }
  }
}

test(
  "whatever the files hold, a check ends with faults and a repair leaves a store that opens",
  async () => {
    const { disk: whole } = await smallStore();
    for (let seed = 0; seed < 50; seed++) {
      const random = seededRandom(seed);
      const disk = killedAt(whole, 1 << 20, () => true);
      if (seed % 2 === 0) disk.unlinkSync(`${STORE_PATH}/abort`);
      for (let count = 1 + randomBelow(random, 3); count > 0; count--) damage(disk, random);
      const writes = disk.count("write");
      const { faults } = await check(disk);
      expect(disk.count("write")).toBe(writes);
      const plan = new RepairPlan();
      for (const fault of faults) plan.add(fault);
      try {
        await applyRepair(plan, {
          disk,
          clock: systemClock,
          log: silentLogger,
          locks: soleOwner,
          shape: findShape(disk, STORE_PATH, CONFIGURED),
          delayLevels: FILE_MESSAGE_STORE_DEFAULTS.delayLevels,
        });
      } catch (error) {
        // Only the log's own files, which nothing replaces, keep a store closed.
        expect(error).toBeInstanceOf(OperationError);
        expect(plan.isLogClosed, `seed ${seed}: ${error}`).toBe(true);
        continue;
      }
      const store = await openTestStore(disk);
      await store[Symbol.asyncDispose]();
      const mended = await check(disk);
      const left = mended.faults.filter(({ repair }) => repair !== null);
      expect(left, `seed ${seed}`).toEqual([]);
    }
  },
  60_000,
);

test("a light queue that lost its files is a fault as any other", async () => {
  const disk = newMemoryDisk();
  const properties = Buffer.from("INNER_MULTI_DISPATCH\x01%LMQ%a\x02");
  {
    await using store = await openTestStore(disk, { lightQueues: true });
    await store.put([testMessage(0, { properties, tagsCode: 0, uniqueKey: "", keys: "" })]);
  }
  disk.place(
    `${STORE_PATH}/config/topics.json`,
    Buffer.from('{"topicConfigTable":{"TestTopic":{}}}'),
  );
  expect((await check(disk)).faults).toEqual([]);
  for (const path of filesOf(disk, `${STORE_PATH}/consumequeue/%LMQ%a`)) disk.unlinkSync(path);
  expect((await check(disk)).faults).toMatchObject([
    { kind: "queue_missing", place: expect.stringContaining("%LMQ%a/0") },
  ]);
});
