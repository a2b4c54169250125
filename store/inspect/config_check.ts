// Looks at what stands beside log, queues and index: config/*.json, the checkpoint, the abort marker, files that were
// kept aside. Read-only.
import type { Disk } from "../../core/disk/disk.ts";
import { parseLenientJson } from "../../core/json/lenient_reader.ts";
import { isDlqTopic, isLmq, isRetryTopic, isSystemTopic } from "../../core/message/topic_names.ts";
import { type Checkpoint, decodeCheckpoint } from "../checkpoint.ts";
import { isFolder } from "../file/folder_in_place.ts";
import { isWholeTable } from "../file/table_text.ts";
import { readBytes } from "../file/whole_file.ts";
import { KEPT_ASIDE_FOLDER } from "../kept_aside.ts";
import { findHolder } from "../lock.ts";
import type { Findings, RepairStep } from "./fault.ts";

const CHECKPOINT_BYTES = 4096;
/** A longer file isn't read to see whether it is whole. */
const CONFIG_BYTES_MAX = 256 * 1024 * 1024;

/** Tables whose names don't say that they are JSON. */
const OTHER_TABLES = new Set(["timermetrics", "transactionMetrics"]);
/** Of the year 2248: no clock says more. */
const TIME_MS_MAX = 2 ** 43;

/** Tables that a broker can make again (cluster/broker/lost_tables.ts). */
const REBUILT_NAMES = new Set(["topics.json", "subscriptionGroup.json"]);
/** Tables without which no broker starts: groups would begin anew. */
const OFFSET_NAMES = new Set(["consumerOffset.json", "lmqConsumerOffset.json", "delayOffset.json"]);

/** The text of a file; null when it isn't there or can't be read. */
function readText(disk: Disk, path: string): string | null {
  const stat = disk.statSync(path);
  if (stat === null || stat.isDirectory || stat.sizeBytes > CONFIG_BYTES_MAX) return null;
  const bytes = readBytes(disk, path, stat.sizeBytes);
  return bytes === null ? null : bytes.toString("utf8");
}

/** Every config/*.json must be whole, or its backup. Gives how many there are. */
export function checkConfigFiles(disk: Disk, storePath: string, findings: Findings): number {
  const folder = `${storePath}/config`;
  const names = new Set(disk.listSync(folder).map((name) => name.replace(/\.bak$/, "")));
  let count = 0;
  for (const name of names) {
    if (!name.endsWith(".json") && !OTHER_TABLES.has(name)) continue;
    count++;
    checkTable(disk, folder, name, findings);
  }
  return count;
}

function checkTable(disk: Disk, folder: string, name: string, findings: Findings): void {
  const path = `${folder}/${name}`;
  const backupPath = `${path}.bak`;
  const tell = (place: string, detail: string, repair: RepairStep | null) =>
    findings.fault({ kind: "config_file", place: `config/${place}`, detail, offset: -1, repair });
  if (isFolder(disk, backupPath)) {
    tell(`${name}.bak`, "is a folder", { step: "set_aside", path: backupPath });
  }
  const isFolderThere = isFolder(disk, path);
  const text = readText(disk, path);
  const backup = readText(disk, backupPath);
  if (text !== null && isWholeTable(name, text)) return;
  // Apache leaves an empty file where it ended before anything was saved.
  if (!isFolderThere && (text ?? "") === "" && (backup ?? "") === "") return;
  const problem = isFolderThere ? "is a folder" : text === null ? "is missing" : "isn't whole";
  if (backup !== null && isWholeTable(name, backup)) {
    tell(name, `${problem}; its .bak is whole`, { step: "restore_config", path });
  } else tell(name, `${problem}; its .bak can't replace it: ${withoutIt(name)}`, null);
}

function withoutIt(name: string): string {
  if (OFFSET_NAMES.has(name)) return "a broker doesn't start with it";
  return REBUILT_NAMES.has(name)
    ? "a broker makes it again from queues and offsets, with default settings"
    : "a broker that uses it begins it empty";
}

/** Topics by config/topics.json: what it says of them; null when it says nothing. */
export function readTopics(
  disk: Disk,
  storePath: string,
): Map<string, { isBatch: boolean }> | null {
  for (const name of ["topics.json", "topics.json.bak"]) {
    const text = readText(disk, `${storePath}/config/${name}`);
    if (text === null || !isWholeTable(name, text)) continue;
    const table = (JSON.parse(JSON.stringify(parseLenientJson(text))) as TopicsFile)
      .topicConfigTable ?? {};
    return new Map(
      Object.entries(table).map(([topic, config]) => [
        topic,
        { isBatch: (config.attributes ?? {})["queue.type"] === "BatchCQ" },
      ]),
    );
  }
  return null;
}

interface TopicsFile {
  topicConfigTable?: Record<string, { attributes?: Record<string, string> }>;
}

/** Whether records of a topic still have a queue. */
export function topicFilter(
  topics: ReadonlyMap<string, unknown> | null,
): (topic: string) => boolean {
  if (topics === null) return () => true;
  return (topic) =>
    topics.has(topic) || isSystemTopic(topic) || isRetryTopic(topic) || isDlqTopic(topic) ||
    isLmq(topic);
}

export interface StoreState {
  checkpoint: Checkpoint | null;
  /** No abort marker: the last run ended by a clean stop, and no broker has the store open. */
  isClean: boolean;
}

/** What the marker and the checkpoint say of the last run. */
export function readState(disk: Disk, storePath: string, findings: Findings): StoreState {
  for (const name of ["lock", "abort"]) {
    if (!isFolder(disk, `${storePath}/${name}`)) continue;
    const detail = "is a folder: the store doesn't open before it is moved away";
    findings.fault({ kind: "folder", place: name, detail, offset: -1, repair: null });
  }
  const isClean = disk.statSync(`${storePath}/abort`) === null;
  const holder = findHolder({ disk, storePath });
  if (holder !== null) {
    findings.note(`${holder} has the store open: what it hasn't written yet may look missing`);
  } else if (!isClean) {
    findings.note("the store wasn't closed cleanly: the next start recovers it");
  }
  const kept = disk.listSync(`${storePath}/${KEPT_ASIDE_FOLDER}`);
  if (kept.length > 0) {
    findings.note(`${KEPT_ASIDE_FOLDER}/ holds ${kept.length} files from earlier cuts and repairs`);
  }
  return { checkpoint: readCheckpoint(disk, storePath, findings), isClean };
}

function readCheckpoint(disk: Disk, storePath: string, findings: Findings): Checkpoint | null {
  const path = `${storePath}/checkpoint`;
  if (disk.statSync(path) === null) {
    findings.note("there is no checkpoint: a recovery would read the whole log");
    return null;
  }
  const bytes = readBytes(disk, path, CHECKPOINT_BYTES);
  const checkpoint = bytes !== null && bytes.length >= 40 ? decodeCheckpoint(bytes) : null;
  if (checkpoint !== null && hasPlausibleTimes(checkpoint)) return checkpoint;
  findings.fault({
    kind: "checkpoint",
    place: "checkpoint",
    detail: isFolder(disk, path)
      ? "is a folder"
      : checkpoint === null
      ? `has ${bytes?.length ?? 0} bytes of at least 40`
      : "says times that can't be true",
    offset: -1,
    repair: { step: "drop_checkpoint" },
  });
  return null;
}

function hasPlausibleTimes({ apache }: Checkpoint): boolean {
  const { indexMsgTimestampMs, logicsMsgTimestampMs, physicMsgTimestampMs } = apache;
  return [indexMsgTimestampMs, logicsMsgTimestampMs, physicMsgTimestampMs].every(isPlausibleTime);
}

export function isPlausibleTime(timeMs: number): boolean {
  return timeMs >= 0 && timeMs <= TIME_MS_MAX;
}

/** Once the log's end is known. */
export function checkCheckpoint(
  checkpoint: Checkpoint | null,
  logEnd: number,
  findings: Findings,
): void {
  const replayFrom = checkpoint?.replay?.replayFrom ?? 0;
  if (replayFrom <= logEnd) return;
  findings.fault({
    kind: "checkpoint",
    place: "checkpoint",
    detail: `says that the log was on the device up to ${replayFrom}, and it ends at ${logEnd}`,
    offset: logEnd,
    repair: { step: "drop_checkpoint" },
  });
}
