// Keys in batches make the same index as one by one.
import { expect, test } from "bun:test";
import { silentLogger } from "../../core/log.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { newMemoryDisk } from "../testing_store.ts";
import { KeyBatch } from "./key_batch.ts";
import { KeyIndex } from "./key_index.ts";

test("keys that are put in batches are the index that single puts make, over its files' ends too", async () => {
  const contents: Uint8Array[][] = [];
  for (const isBatch of [false, true]) {
    const disk = newMemoryDisk();
    const clock = new VirtualClock();
    const options = { disk, clock, log: silentLogger, path: "/index" };
    const shape = { slotCount: 100, itemCount: 700 };
    const start = { lastExitClean: true, completeUntilMs: 0 };
    const index = await KeyIndex.open({ ...options, ...shape }, start);
    const batch = new KeyBatch(index);
    for (let at = 0; at < 2000; at++) {
      const hash = Math.imul(at, 0x9e3779b1);
      (isBatch ? batch : index).put(hash, 1 + at * 100, 1_700_000_000_000 + at);
    }
    batch.flush();
    await index[Symbol.asyncDispose]();
    const names = disk.listSync("/index");
    expect(names.length).toBe(3);
    contents.push(names.map((name) => {
      const file = disk.openSync(`/index/${name}`, "read");
      const bytes = new Uint8Array(disk.statSync(`/index/${name}`)!.sizeBytes);
      file.readSync(bytes, 0, bytes.length, 0);
      return bytes;
    }));
  }
  expect(contents[1]).toEqual(contents[0]!);
});
