// store dump: what a store's files hold, a line or a JSON object each.
import { formatHost } from "../../core/message/host_address.ts";
import {
  dumpCheckpoint,
  type DumpedEntry,
  type DumpedIndex,
  type DumpedRecord,
  dumpIndex,
  type DumpOptions,
  dumpQueues,
  dumpRecords,
} from "../../store/inspect/dump.ts";
import { UsageError } from "../../core/errors.ts";
import { defineCommand } from "./command.ts";
import * as option from "./option.ts";
import type { Report } from "./report.ts";
import { openPlace, PLACE_OPTIONS, StoreProgress } from "./store_place.ts";

const WHAT = ["records", "queues", "index", "checkpoint"] as const;
type What = typeof WHAT[number];

const what: option.ValueKind<What> = {
  metavar: WHAT.join("|"),
  parse(value) {
    const found = WHAT.find((each) => each === value);
    if (found === undefined) throw new UsageError(`'${value}' isn't one of ${WHAT.join(", ")}`);
    return found;
  },
};

const BODY_CHARACTERS_MAX = 200;

export const storeDump = defineCommand({
  name: "store dump",
  summary: "Show the records, queue entries, index items or checkpoint of a store, offline",
  options: {
    ...PLACE_OPTIONS,
    what: option.defaulted("w", "what", what, "records" as What, "what to show"),
    topic: option.optional("t", "topic", option.topicName, "records and queues of this topic only"),
    queue: option.optional("q", "queue", option.queueNumber, "of this queue only"),
    from: option.defaulted(
      "f",
      "from",
      option.long,
      0,
      "from this offset on: in the log, or with -w queues in the queue",
    ),
    count: option.optional("i", "count", option.count, "at most so many (of queues: each)"),
    body: option.flag("b", "body", "show bodies too: with --json as base64, as they are stored"),
  },
  operand: "dir",
  example: "/data/store -t Orders -i 10",
  async run({ options, report }) {
    const { disk, shape } = openPlace(options.dir, options.config);
    const progress = new StoreProgress();
    const dump: DumpOptions = {
      disk,
      shape,
      topic: options.topic,
      queueId: options.queue,
      from: options.from,
      count: options.count ?? Infinity,
      onProgress: progress.show,
    };
    switch (options.what) {
      case "records":
        await records(dump, options.body, report, progress);
        break;
      case "queues":
        for (const entry of dumpQueues(dump)) showEntry(entry, report);
        break;
      case "index":
        for (const each of dumpIndex(dump)) showIndex(each, report);
        break;
      case "checkpoint":
        showCheckpoint(dump, report);
    }
    progress.erase();
  },
});

async function records(
  dump: DumpOptions,
  withBody: boolean,
  report: Report,
  progress: StoreProgress,
): Promise<void> {
  await dumpRecords(
    dump,
    (dumped) => {
      progress.erase();
      if (report.asJson) report.jsonLine(recordJson(dumped, withBody));
      else report.line(recordLine(dumped, withBody));
    },
    (from, to, reason) => {
      progress.erase();
      report.line(`${from} unreadable up to ${to}: ${reason}`);
      report.jsonLine({ offset: from, kind: "unreadable", end: to, reason });
      report.hasFailed = true;
    },
  );
}

function recordJson({ offset, properties, record, suspicion }: DumpedRecord, withBody: boolean) {
  const { body } = record;
  return {
    offset,
    kind: "message",
    size: record.parts.size,
    magic: record.magic,
    bodyCrc: record.bodyCrc,
    topic: record.topic,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    flag: record.flag,
    sysFlag: record.sysFlag,
    bornTimestamp: record.bornTimestampMs,
    bornHost: formatHost(record.bornAddress, record.bornPort),
    storeTimestamp: record.storeTimestampMs,
    storeHost: formatHost(record.storeAddress, record.storePort),
    reconsumeTimes: record.reconsumeTimes,
    preparedTransactionOffset: record.preparedTransactionOffset,
    bodyLength: body.length,
    properties: Object.fromEntries(properties),
    suspicion,
    ...(withBody && { body: body.toBase64() }),
  };
}

function recordLine({ offset, properties, record, suspicion }: DumpedRecord, withBody: boolean) {
  const told = [
    `${offset}`,
    `${record.topic}/${record.queueId}/${record.queueOffset}`,
    `${record.parts.size} bytes`,
    new Date(record.storeTimestampMs).toISOString(),
    ...[...properties].map(([name, value]) => `${name}=${JSON.stringify(value)}`),
  ];
  if (suspicion !== null) told.push(`SUSPECT: ${suspicion}`);
  if (withBody) {
    const text = new TextDecoder().decode(record.body.subarray(0, BODY_CHARACTERS_MAX));
    told.push(`body=${JSON.stringify(text)}`);
  }
  return told.join("  ");
}

function showEntry(entry: DumpedEntry, report: Report): void {
  const { batchCount, kind, physicalOffset, queueId, queueOffset, size, tagsCode, topic } = entry;
  const batch = batchCount === undefined ? "" : `  ${batchCount} messages`;
  report.line(
    `${topic}/${queueId}/${queueOffset}  at ${physicalOffset}  ${size} bytes  tags ${tagsCode}${batch}`,
  );
  if (!report.asJson) return;
  report.jsonLine({
    kind,
    topic,
    queueId,
    queueOffset,
    physicalOffset,
    size,
    tagsCode: String(tagsCode),
    ...(batchCount !== undefined && {
      batchCount,
      storeTimestamp: entry.storeTimestampMs ?? 0,
    }),
  });
}

function showIndex(each: DumpedIndex, report: Report): void {
  if ("header" in each) {
    const { header } = each;
    report.line(
      `${each.file}  ${header.nextItem - 1} items in ${header.slotsUsed} slots  records ` +
        `${header.beginPhysicalOffset} to ${header.endPhysicalOffset}`,
    );
    report.jsonLine({ file: each.file, kind: "header", ...header });
    return;
  }
  report.line(
    `${each.file}/${each.item}  hash ${each.keyHash}  at ${each.physicalOffset}  ` +
      `${new Date(each.storeTimestampMs).toISOString()}  before ${each.previousItem}`,
  );
  if (report.asJson) report.jsonLine({ kind: "item", ...each });
}

function showCheckpoint(dump: DumpOptions, report: Report): void {
  const checkpoint = dumpCheckpoint(dump);
  if (checkpoint === null) {
    report.line("there is no checkpoint");
    report.json(null);
    return;
  }
  const { apache, replay } = checkpoint;
  const { slots = null, ...point } = replay ?? {};
  for (const [name, value] of Object.entries({ ...apache, ...point })) {
    report.line(`${name}: ${value}`);
  }
  if (slots !== null) {
    report.line(`slots: up to item ${slots.item} of the index file from ${slots.fileBegin}`);
  }
  if (replay === null) report.line("no offset of Roquet's own: Apache's broker wrote it last");
  report.json({
    apache: { ...apache },
    replay: replay === null ? null : { ...point, slots: slots === null ? null : { ...slots } },
  });
}
