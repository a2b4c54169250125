// Clusters as a whole: clusterList.
import { GET_BROKER_RUNTIME_INFO } from "../../core/remoting/codes/admin.ts";
import { asObject, bodyObject, entries, text } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand, type RunContext } from "./command.ts";
import { clusterName, count, flag, optional } from "./option.ts";
import { mapAtOnce } from "./parallel.ts";
import { printf } from "./printf.ts";
import type { Layout } from "./report.ts";

/** The broker's runtime figures, by name. */
export async function runtimeOf(cluster: Cluster, address: string): Promise<Map<string, string>> {
  const { body } = await cluster.ask(GET_BROKER_RUNTIME_INFO, address, {});
  const { table } = asObject(bodyObject(body, address));
  return new Map(entries(table).map(([key, value]) => [key, text(value)]));
}

interface Node {
  clusterName: string;
  brokerName: string;
  brokerId: number;
  address: string;
  /** Null when the broker doesn't answer. */
  figures: Map<string, string> | null;
}

interface Totals {
  clusterName: string;
  brokerName: string;
  inTotalYesterday: number;
  outTotalYesterday: number;
  inTotalToday: number;
  outTotalToday: number;
}

const TOTALS: Layout<Totals> = {
  titles: [
    "#Cluster Name",
    "#Broker Name",
    "#InTotalYest",
    "#OutTotalYest",
    "#InTotalToday",
    "#OutTotalToday",
  ],
  head: "%-16s  %-32s %14s %14s %14s %14s",
  row: "%-16s  %-32s %14d %14d %14d %14d",
  cells: (row) => [
    row.clusterName,
    row.brokerName,
    row.inTotalYesterday,
    row.outTotalYesterday,
    row.inTotalToday,
    row.outTotalToday,
  ],
};

function totalsOf({ clusterName, brokerName, figures }: Node): Totals {
  const at = (name: string) => Number(figures?.get(name) ?? 0);
  return {
    clusterName,
    brokerName,
    inTotalYesterday: at("msgPutTotalTodayMorning") - at("msgPutTotalYesterdayMorning"),
    outTotalYesterday: at("msgGetTotalTodayMorning") - at("msgGetTotalYesterdayMorning"),
    inTotalToday: at("msgPutTotalTodayNow") - at("msgPutTotalTodayMorning"),
    outTotalToday: at("msgGetTotalTodayNow") - at("msgGetTotalTodayMorning"),
  };
}

/** A list of figures "1.5 1.2 0.9": the first, of the last seconds. */
function firstRate(rates: string): number {
  return Number(rates.trim().split(" ")[0]) || 0;
}

function baseOf(node: Node, nowMs: number) {
  const { address, brokerId, brokerName, clusterName, figures } = node;
  const at = (name: string) => figures?.get(name) ?? "";
  /** Null for what the broker doesn't tell. */
  const whole = (name: string) => at(name) === "" ? null : Number(at(name));
  const earliestMs = Number(at("earliestMessageTimeStamp")) || 0;
  return {
    clusterName,
    brokerName,
    brokerId,
    address,
    version: at("brokerVersionDesc"),
    inTps: firstRate(at("putTps")),
    sendQueueSize: whole("sendThreadPoolQueueSize"),
    sendQueueWaitMs: whole("sendThreadPoolQueueHeadWaitTimeMills"),
    outTps: firstRate(at("getTransferredTps")),
    pullQueueSize: whole("pullThreadPoolQueueSize"),
    pullQueueWaitMs: whole("pullThreadPoolQueueHeadWaitTimeMills"),
    ackQueueSize: whole("ackThreadPoolQueueSize"),
    ackQueueWaitMs: whole("ackThreadPoolQueueHeadWaitTimeMills"),
    timerReadBehind: Number(at("timerReadBehind")) || 0,
    timerOffsetBehind: Number(at("timerOffsetBehind")) || 0,
    timerCongestion: Number(at("timerCongestNum")) || 0,
    timerEnqueueTps: Number(at("timerEnqueueTps")) || 0,
    timerDequeueTps: Number(at("timerDequeueTps")) || 0,
    pageCacheLockMs: whole("pageCacheLockTimeMills"),
    earliestMessageHours: earliestMs > 0 ? (nowMs - earliestMs) / 3_600_000 : 0,
    diskRatio: Number(at("commitLogDiskRatio")) || 0,
    isActive: at("brokerActive") === "true",
  };
}

type Base = ReturnType<typeof baseOf>;

const BASE: Layout<Base> = {
  titles: [
    "#Cluster Name",
    "#Broker Name",
    "#BID",
    "#Addr",
    "#Version",
    "#InTPS(LOAD)",
    "#OutTPS(LOAD)",
    "#Timer(Progress)",
    "#PCWait(ms)",
    "#Hour",
    "#SPACE",
    "#ACTIVATED",
  ],
  head: "%-22s  %-22s  %-4s  %-22s %-16s  %16s  %30s  %-22s  %-11s  %-12s  %-8s  %-10s",
  row: "%-22s  %-22s  %-4s  %-22s %-16s  %16s  %30s  %-22s  %11s  %-12s  %-8s  %10s",
  cells: (row) => [
    row.clusterName,
    row.brokerName,
    row.brokerId,
    row.address,
    row.version,
    printf("%9.2f(%s,%sms)", row.inTps, row.sendQueueSize ?? "", row.sendQueueWaitMs ?? ""),
    printf(
      "%9.2f(%s,%sms|%s,%sms)",
      row.outTps,
      row.pullQueueSize ?? "",
      row.pullQueueWaitMs ?? "",
      row.ackQueueSize ?? "N",
      row.ackQueueWaitMs ?? "N",
    ),
    printf(
      "%d-%d(%.1fw, %.1f, %.1f)",
      row.timerReadBehind,
      row.timerOffsetBehind,
      row.timerCongestion / 10_000,
      row.timerEnqueueTps,
      row.timerDequeueTps,
    ),
    row.pageCacheLockMs ?? "",
    printf("%2.2f", row.earliestMessageHours),
    printf("%.4f", row.diskRatio),
    row.isActive,
  ],
};

async function nodesOf(
  { cluster, report }: RunContext,
  wanted: string | undefined,
): Promise<Node[]> {
  const { clusters } = await cluster.info();
  const names = wanted === undefined ? [...clusters.keys()] : [wanted];
  const nodes: Omit<Node, "figures">[] = [];
  for (const clusterName of names) {
    for (const { addresses, brokerName } of await cluster.brokersOfCluster(clusterName)) {
      for (const [brokerId, address] of addresses) {
        nodes.push({ clusterName, brokerName, brokerId, address });
      }
    }
  }
  return await mapAtOnce(nodes, async (node) => {
    try {
      return { ...node, figures: await runtimeOf(cluster, node.address) };
    } catch (error) {
      report.fail(`${node.brokerName}: ${(error as Error).message}`);
      return { ...node, figures: null };
    }
  });
}

const clusterList = defineCommand({
  name: "clusterList",
  summary: "List the brokers of all clusters with their load",
  options: {
    moreStats: flag("m", "moreStats", "messages of yesterday and today instead"),
    interval: optional("i", "interval", count, "repeat every so many seconds"),
    cluster: optional("c", "clusterName", clusterName, "only this cluster"),
  },
  example: "-n 127.0.0.1:9876",
  async run(context) {
    const { clock, cluster, options, report } = context;
    for (;;) {
      const nodes = await nodesOf(context, options.cluster);
      if (nodes.length === 0) report.note("no broker is registered");
      const totals = nodes.map(totalsOf);
      const bases = nodes.map((node) => baseOf(node, clock.nowMs()));
      if (options.moreStats) report.table(TOTALS, totals);
      else report.table(BASE, bases);
      const listing = options.moreStats ? totals : bases;
      if (options.interval === undefined) {
        report.json(listing.map((row) => ({ ...row })));
        return;
      }
      report.jsonLine(listing.map((row) => ({ ...row })));
      await context.sleep(options.interval * 1000);
      cluster.forget();
    }
  },
});

export const clusterCommands = [clusterList];
