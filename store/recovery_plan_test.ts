// Where a recovery begins, case by case.
import { expect, test } from "bun:test";
import { checkpointMeanwhile, planRecovery, type StoreState } from "./recovery_plan.ts";

const FILE = 1000;
const NOW = 1_700_000_000_000;

/** A log of five files of which the last is half full, one record of 100 bytes after the other, a file a minute. */
function state(fields: Partial<StoreState> = {}, times = { physic: NOW, logics: NOW }): StoreState {
  const end = 4500;
  return {
    isClean: false,
    checkpoint: {
      apache: {
        physicMsgTimestampMs: times.physic,
        logicsMsgTimestampMs: times.logics,
        indexMsgTimestampMs: NOW - 200_000,
        masterFlushedOffset: 0,
        confirmPhysicalOffset: 0,
      },
      replay: null,
    },
    filesStart: 0,
    filesEnd: 5 * FILE,
    fileSizeBytes: FILE,
    queuesEnd: end,
    indexEnd: end - 100,
    hasIndex: true,
    isIndexCut: false,
    isIndexSafe: false,
    isBoundary: (offset) => offset % 100 === 0,
    recordEnd: (offset) => offset % 100 === 0 && offset < end ? offset + 100 : -1,
    firstStoreTimeMs: (fileStart) => NOW - (4 - fileStart / FILE) * 60_000 - 30_000,
    ...fields,
  };
}

function withReplay(replayFrom: number, fields: Partial<StoreState> = {}): StoreState {
  const base = state(fields);
  const replay = {
    replayFrom,
    lastRecord: replayFrom - 100,
    queuesEnd: replayFrom,
    indexEnd: replayFrom - 100,
    queueOffsets: 0,
    slots: null,
  };
  return { ...base, checkpoint: { ...base.checkpoint, replay } };
}

test("a crash of Apache's begins at the last file that is older than the checkpoint's times", () => {
  expect(planRecovery(state()).scanFrom).toBe(4000);
  const older = planRecovery(state({}, { physic: NOW, logics: NOW - 100_000 }));
  expect(older).toEqual({
    scanFrom: 2000,
    knownEnd: 2000,
    queuesFrom: 2000,
    indexFrom: 2000,
    rebuilt: [],
  });
  expect(planRecovery(state({}, { physic: 0, logics: NOW })).scanFrom).toBe(0);
});

test("the index' own time counts only when it is to be safe", () => {
  expect(planRecovery(state({ isIndexSafe: true })).scanFrom).toBe(1000);
  expect(planRecovery(state({ isIndexSafe: true, hasIndex: false })).scanFrom).toBe(4000);
});

test("a clean stop of Apache's reads only the last file and enters nothing twice", () => {
  expect(planRecovery(state({ isClean: true })))
    .toEqual({ scanFrom: 4000, knownEnd: 4500, queuesFrom: 4500, indexFrom: 4500, rebuilt: [] });
  const behind = planRecovery(state({ isClean: true, queuesEnd: 2700 }));
  expect(behind).toEqual({
    scanFrom: 2000,
    knownEnd: 4000,
    queuesFrom: 2700,
    indexFrom: 2700,
    rebuilt: [],
  });
});

test("our checkpoint says exactly where to begin, after a crash and after a clean stop", () => {
  for (const isClean of [false, true]) {
    expect(planRecovery(withReplay(4200, { isClean })))
      .toEqual({ scanFrom: 4200, knownEnd: 4200, queuesFrom: 4200, indexFrom: 4200, rebuilt: [] });
  }
});

test("our checkpoint isn't believed when the log doesn't reach it or has no record before it", () => {
  expect(planRecovery(withReplay(6000)).scanFrom).toBe(4000);
  expect(planRecovery(withReplay(4200, { recordEnd: () => -1 })).scanFrom).toBe(4000);
  const begun = withReplay(3000, { filesStart: 3000, isBoundary: () => false });
  expect(planRecovery(begun).scanFrom).toBe(4000);
});

test("our checkpoint is believed whatever a power cut left behind it", () => {
  expect(planRecovery(withReplay(4200, { isBoundary: () => false })).scanFrom).toBe(4200);
});

test("a checkpoint says less while what it vouches for is made again", () => {
  const meanwhile = (of: StoreState) => checkpointMeanwhile(planRecovery(of), of.checkpoint);
  expect(meanwhile(withReplay(4200))).toBeNull();
  expect(meanwhile(state())).toBeNull();
  const disbelieved = withReplay(4200, { recordEnd: () => -1 });
  expect(meanwhile(disbelieved)).toEqual({ ...disbelieved.checkpoint, replay: null });
  for (const lost of [{ queuesEnd: 0 }, { indexEnd: 0 }]) {
    const { apache, replay } = meanwhile(withReplay(4200, lost))!;
    expect(replay).toBeNull();
    expect(planRecovery(state({ checkpoint: { apache, replay } })).scanFrom).toBe(0);
  }
});

test("queues or an index that reach less far than they did are made again from there, lost ones from the start", () => {
  expect(planRecovery(withReplay(4200, { queuesEnd: 3100 })))
    .toEqual({
      scanFrom: 3100,
      knownEnd: 4200,
      queuesFrom: 3100,
      indexFrom: 4200,
      rebuilt: ["queues"],
    });
  expect(planRecovery(withReplay(4200, { indexEnd: 0 })))
    .toEqual({ scanFrom: 0, knownEnd: 4200, queuesFrom: 4200, indexFrom: 0, rebuilt: ["index"] });
  expect(planRecovery(withReplay(4200, { indexEnd: 0, hasIndex: false })).scanFrom).toBe(4200);
  expect(planRecovery(state({ isClean: true, queuesEnd: 0, indexEnd: 0 })))
    .toEqual({
      scanFrom: 0,
      knownEnd: 4000,
      queuesFrom: 0,
      indexFrom: 0,
      rebuilt: ["queues", "index"],
    });
  expect(planRecovery(state({ queuesEnd: 0 })))
    .toEqual({ scanFrom: 0, knownEnd: 4000, queuesFrom: 0, indexFrom: 0, rebuilt: ["queues"] });
});

test("after retention nothing before the first file is asked for", () => {
  const kept = { filesStart: 3000, queuesEnd: 0, indexEnd: 0 };
  expect(planRecovery(state({ ...kept, isClean: true })).scanFrom).toBe(3000);
  expect(planRecovery(withReplay(4200, kept)).scanFrom).toBe(3000);
});

test("a file of zeros that Apache made ready says nothing of how far the log goes", () => {
  const lost = { isClean: true, queuesEnd: 0, indexEnd: 0 };
  const { firstStoreTimeMs } = state();
  const ready = {
    ...lost,
    firstStoreTimeMs: (start: number) => start === 4000 ? null : firstStoreTimeMs(start),
  };
  expect(planRecovery(state(ready)).knownEnd).toBe(3000);
});
