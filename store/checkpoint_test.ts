// The checkpoint's bytes: Apache's part as Apache wrote it, ours beside it, and who may be believed.
import { expect, test } from "bun:test";
import { fixtureArchive, fixtureJson } from "../testdata/fixtures.ts";
import {
  type Checkpoint,
  CheckpointFile,
  decodeCheckpoint,
  encodeCheckpoint,
  replayTimestampMs,
} from "./checkpoint.ts";
import { newMemoryDisk } from "./testing_store.ts";

const OURS: Checkpoint = {
  apache: {
    physicMsgTimestampMs: 1_795_231_267_070,
    logicsMsgTimestampMs: 1_795_231_267_071,
    indexMsgTimestampMs: 1_795_231_200_000,
    masterFlushedOffset: 7,
    confirmPhysicalOffset: 2 ** 40 + 5,
  },
  replay: {
    replayFrom: 2 ** 40 + 5,
    lastRecord: 2 ** 40 - 300,
    queuesEnd: 2 ** 40,
    indexEnd: 0,
    queueOffsets: 2 ** 41,
    slots: { fileBegin: 2 ** 40 - 700, item: 2_000_000, slotsUsed: 1_700_000 },
  },
};

test("Apache's checkpoint is read field by field, and says nothing of ours", () => {
  const expected = fixtureJson<{ checkpoint: Record<string, number> }>("expected/store.json");
  const bytes = fixtureArchive("store/store.tar.gz").get("checkpoint")!;
  const { apache, replay } = decodeCheckpoint(bytes);
  expect(apache).toEqual({
    physicMsgTimestampMs: expected.checkpoint["physicMsgTimestamp"]!,
    logicsMsgTimestampMs: expected.checkpoint["logicsMsgTimestamp"]!,
    indexMsgTimestampMs: expected.checkpoint["indexMsgTimestamp"]!,
    masterFlushedOffset: expected.checkpoint["masterFlushedOffset"]!,
    confirmPhysicalOffset: expected.checkpoint["confirmPhyOffset"]!,
  });
  expect(replay).toBeNull();
});

test("what is written is read again from a file of 4096 bytes", async () => {
  const disk = newMemoryDisk();
  disk.makeDirectorySync("/store");
  const file = new CheckpointFile(disk, "/store/checkpoint");
  expect(file.read().replay).toBeNull();
  await file.write(OURS);
  expect(disk.statSync("/store/checkpoint")?.sizeBytes).toBe(4096);
  disk.crash("power");
  expect(new CheckpointFile(disk, "/store/checkpoint").read()).toEqual(OURS);
});

test("our part isn't believed once Apache has rewritten its own, nor when a byte of it changed", () => {
  const bytes = new Uint8Array(4096);
  encodeCheckpoint(OURS, bytes);
  for (let at = 0; at < 144; at++) {
    // Between the two parts is nothing.
    if (at >= 40 && at < 64) continue;
    const changed = new Uint8Array(bytes);
    changed[at]! ^= 1;
    expect(decodeCheckpoint(changed).replay).toBeNull();
  }
  expect(decodeCheckpoint(bytes)).toEqual(OURS);
  expect(decodeCheckpoint(bytes.subarray(0, 40)).replay).toBeNull();
});

test("a crash replays from three seconds before the earlier time, with a safe index from its own", () => {
  expect(replayTimestampMs(OURS.apache, false)).toBe(1_795_231_267_070 - 3000);
  expect(replayTimestampMs(OURS.apache, true)).toBe(1_795_231_200_000);
  expect(replayTimestampMs({ ...OURS.apache, physicMsgTimestampMs: 0 }, false)).toBe(0);
});
