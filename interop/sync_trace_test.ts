// What SYNC_FLUSH and the configuration files promise, seen at the kernel's door: an acknowledgement leaves after an
// fdatasync that covers its record, and a replaced file is synced, renamed, and its folder synced, in this order.
import { expect, test } from "bun:test";
import { startRawSender } from "./support/ledger.ts";
import { waitFor } from "./support/processes.ts";
import { startRoquetBroker, startRoquetNamesrv } from "./support/roquet.ts";
import { startStrace, type Traced, whyNoStrace } from "./support/strace.ts";
import { tempFolder } from "./support/temp.ts";

const LOG_FILE_BYTES = 1024 * 1024;
const ACKNOWLEDGED_MIN = 500;
/** An answer in binary serialization, as strace prints it: a name, the length 32, the id. */
const OFFSET_ID = /msgId\\0\\0\\0 7F000001[0-9A-F]{8}([0-9A-F]{16})/g;

const missing = await whyNoStrace();
if (missing !== null) console.error(`interop needs what isn't on this machine:\n  ${missing}`);

const isWriting = ({ call }: Traced) => call === "pwrite64";
const isSync = ({ call }: Traced) => call === "fdatasync" || call === "fsync";

/** A sync of `path` that began after `from` and had ended before `until`. */
function synced(calls: readonly Traced[], path: string, from: number, until: number): boolean {
  return calls.some((each) =>
    isSync(each) && each.path === path && each.beganAt > from && each.endedAt < until
  );
}

function logFileOf(storePath: string, physicalOffset: number): string {
  const start = physicalOffset - physicalOffset % LOG_FILE_BYTES;
  return `${storePath}/commitlog/${String(start).padStart(20, "0")}`;
}

/** Acknowledged offsets whose record no sync covered when the answer left, and how many were looked at. */
function uncovered(calls: readonly Traced[], storePath: string) {
  const problems: string[] = [];
  let count = 0;
  const writes = calls.filter(isWriting);
  for (const answer of calls.filter(({ call }) => call === "sendto")) {
    for (const [, hex] of answer.text.matchAll(OFFSET_ID)) {
      const physicalOffset = parseInt(hex!, 16);
      const path = logFileOf(storePath, physicalOffset);
      const within = physicalOffset % LOG_FILE_BYTES;
      const write = writes.findLast((each) =>
        each.path === path && each.position <= within && within < each.position + each.length &&
        each.beganAt < answer.beganAt
      );
      count++;
      if (write === undefined) problems.push(`${physicalOffset} was never written`);
      else if (!synced(calls, path, write.endedAt, answer.beganAt)) {
        problems.push(`${physicalOffset} was acknowledged unsynced`);
      }
    }
  }
  return { problems, count };
}

/** Replacements of configuration files that lack one of their syncs. */
function halfReplaced(calls: readonly Traced[], configPath: string) {
  const problems: string[] = [];
  const replaced: string[] = [];
  for (const rename of calls) {
    if (!rename.call.startsWith("rename") || !/\.tmp2?$/.test(rename.path)) continue;
    if (!rename.to.startsWith(`${configPath}/`)) continue;
    replaced.push(rename.to.slice(configPath.length + 1));
    const write = calls.findLast((each) =>
      isWriting(each) && each.path === rename.path && each.endedAt < rename.beganAt
    );
    if (write === undefined || !synced(calls, rename.path, write.endedAt, rename.beganAt)) {
      problems.push(`${rename.to} was put in place unsynced`);
    }
    if (!synced(calls, configPath, rename.endedAt, Infinity)) {
      problems.push(`the folder of ${rename.to} wasn't synced`);
    }
  }
  return { problems, replaced };
}

// As the other suites' tools: in CI it must be there, elsewhere it is said and nothing runs.
test.if(missing === null || process.env.CI !== undefined)(
  "strace shows a sync before every acknowledgement, and all syncs of replaced files",
  async () => {
    expect(missing).toBeNull();
    await using stack = new AsyncDisposableStack();
    const { path: folder } = stack.use(tempFolder("strace"));
    const namesrv = stack.use(await startRoquetNamesrv(`${folder}/namesrv`));
    const conf = { flushDiskType: "SYNC_FLUSH", mappedFileSizeCommitLog: LOG_FILE_BYTES };
    const broker = stack.use(
      await startRoquetBroker(`${folder}/broker`, namesrv.address, { conf }),
    );
    const strace = await startStrace(broker.process.pid, folder);
    const brokerAddress = broker.address;
    // The first message makes its topic, which is saved before the answer.
    const raw = startRawSender({ brokerAddress, topic: "Traced", queues: 4, inFlight: 4, folder });
    await waitFor("messages", 60_000, () => raw.acknowledged >= ACKNOWLEDGED_MIN);
    await raw.stop();
    const calls = await strace.stop();

    const { problems, count } = uncovered(calls, broker.storePath);
    expect(problems).toEqual([]);
    expect(count).toBeGreaterThanOrEqual(ACKNOWLEDGED_MIN);
    const files = halfReplaced(calls, `${broker.storePath}/config`);
    expect(files.problems).toEqual([]);
    expect(files.replaced).toContain("topics.json");
    const saved = calls.find(({ to }) => to.endsWith("/topics.json"))!;
    const folderSynced = calls.find((each) =>
      isSync(each) && each.path.endsWith("/config") && each.beganAt > saved.endedAt
    )!;
    const firstAnswer = calls.find(({ call, text }) =>
      call === "sendto" && text.match(OFFSET_ID) !== null
    )!;
    expect(firstAnswer.beganAt).toBeGreaterThan(folderSynced.endedAt);
  },
  120_000,
);
