// Offline commands on a store's folder, whoever wrote it: store check and store repair. What is wrong and how it is mended
// is store/inspect's; here it is said.
import { OperationError } from "../../core/errors.ts";
import { systemFileLocks } from "../../core/disk/file_lock.ts";
import { createLogger, type LogEntry } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";
import { FILE_MESSAGE_STORE_DEFAULTS } from "../../store/file_message_store_options.ts";
import { type CheckedStore, checkStore } from "../../store/inspect/check.ts";
import type { Fault } from "../../store/inspect/fault.ts";
import { applyRepair, describeStep, RepairPlan } from "../../store/inspect/repair.ts";
import { defineCommand } from "./command.ts";
import * as option from "./option.ts";
import type { Report } from "./report.ts";
import { storeDump } from "./store_dump.ts";
import { openPlace, PLACE_OPTIONS, type StorePlace, StoreProgress } from "./store_place.ts";

/** What one reading of a store came to. */
interface Inspection {
  checked: CheckedStore;
  faults: Fault[];
  faultCount: number;
  notes: string[];
  plan: RepairPlan;
  tookMs: number;
}

async function inspect(place: StorePlace, report: Report, clock: Clock): Promise<Inspection> {
  const progress = new StoreProgress();
  const plan = new RepairPlan();
  const faults: Fault[] = [];
  const notes: string[] = [];
  let faultCount = 0;
  const startedMs = clock.monotonicMs();
  const checked = await checkStore({
    ...place,
    onProgress: progress.show,
    findings: {
      fault(fault) {
        faultCount++;
        plan.add(fault);
        progress.erase();
        // Kept for the one document only: as text, each is told at once.
        if (report.asJson) faults.push(fault);
        else report.line(`${fault.kind} ${fault.place}${at(fault.offset)}: ${fault.detail}`);
      },
      note: (text) => void notes.push(text),
    },
  });
  progress.erase();
  for (const text of notes) report.line(`note: ${text}`);
  const tookMs = Math.round(clock.monotonicMs() - startedMs);
  return { checked, faults, faultCount, notes, plan, tookMs };
}

function at(offset: number): string {
  return offset < 0 ? "" : ` at ${offset}`;
}

function summaryText({ checked, faultCount, tookMs }: Inspection): string {
  const { configFiles, indexFiles, logEnd, logFiles, logStart, queues, records } = checked;
  return `${
    faultCount === 0 ? "sound" : `damaged, ${faultCount} fault${faultCount === 1 ? "" : "s"}`
  }: ${records} records in ` +
    `${logFiles} log files (${logStart} to ${logEnd}), ${queues} queues, ${indexFiles} index ` +
    `files, ${configFiles} config files, in ${tookMs} ms`;
}

function faultJson({ detail, kind, offset, place, repair }: Fault) {
  return {
    kind,
    place,
    offset: offset < 0 ? null : offset,
    detail,
    repair: repair === null ? null : describeStep(repair),
  };
}

function inspectionJson({ checked, faultCount, faults, notes, tookMs }: Inspection) {
  return {
    sound: faultCount === 0,
    ...checked,
    tookMs,
    notes,
    faults: faults.map(faultJson),
  };
}

const storeCheck = defineCommand({
  name: "store check",
  summary: "Read a whole store, offline, and list everything that is wrong with it",
  options: PLACE_OPTIONS,
  operand: "dir",
  example: "/data/store",
  async run({ clock, options, report }) {
    const inspection = await inspect(openPlace(options.dir, options.config), report, clock);
    report.line(summaryText(inspection));
    if (inspection.plan.steps.length > 0) {
      report.line(`Try: roquet inspector store repair ${options.dir}`);
    }
    report.json(inspectionJson(inspection));
    report.hasFailed = inspection.faultCount > 0;
  },
});

const storeRepair = defineCommand({
  name: "store repair",
  summary: "Say how a damaged store, offline, would be mended, and with --apply do it",
  options: {
    ...PLACE_OPTIONS,
    apply: option.flag(null, "apply", "do it; what is cut or replaced is kept in kept-aside/"),
  },
  operand: "dir",
  example: "/data/store",
  async run({ clock, options, report }) {
    const place = openPlace(options.dir, options.config);
    const found = await inspect(place, report, clock);
    const { plan } = found;
    const steps = plan.steps.map(describeStep);
    report.line(summaryText(found));
    for (const step of steps) report.line(`${options.apply ? "doing" : "would"}: ${step}`);
    if (plan.left > 0) report.line(`can't be mended: ${plan.left} of the faults`);
    if (!options.apply) {
      if (steps.length > 0) report.line("Nothing was changed. Try: --apply");
      report.json({ applied: false, steps, ...inspectionJson(found) });
      report.hasFailed = found.faultCount > 0;
      return;
    }
    if (plan.isLogClosed) {
      throw new OperationError(
        "nothing was changed: the log's files themselves don't follow each other. Put back what is " +
          "missing, or move the files behind it away",
      );
    }
    if (steps.length > 0) await repair(place, plan, report, clock);
    report.line("after the repair:");
    const after = steps.length > 0 ? await inspect(place, report, clock) : found;
    report.line(summaryText(after));
    report.json({ applied: true, steps, ...inspectionJson(after) });
    report.hasFailed = after.faultCount > 0;
  },
});

async function repair(
  { delayLevels, disk, shape }: StorePlace,
  plan: RepairPlan,
  report: Report,
  clock: Clock,
): Promise<void> {
  if (delayLevels === null) {
    report.note("note: without -c the delay levels are taken to be Apache's own");
  }
  const summary = await applyRepair(plan, {
    disk,
    clock,
    log: createLogger((entry) => tell(entry, report)),
    locks: await systemFileLocks(),
    shape,
    delayLevels: delayLevels ?? FILE_MESSAGE_STORE_DEFAULTS.delayLevels,
  });
  const { cut, indexItems, queueEntries } = summary;
  report.line(`entered ${queueEntries} queue entries and ${indexItems} keys`);
  if (cut === null) return;
  report.line(
    `cut ${cut.bytes} bytes at ${cut.from} with ${cut.records} whole records: ` +
      cut.keptAs.join(", "),
  );
}

/** What the store says while it is mended. */
function tell({ fields, level, text }: LogEntry, report: Report): void {
  if (level === "debug") return;
  const told = Object.entries(fields ?? {}).map(([name, value]) => `${name}=${value}`).join(" ");
  report.note(`${text} ${told}`.trim());
}

export const storeCommands = [storeCheck, storeRepair, storeDump];
