// Rates of topics and their groups: statsAll.
import { isDlqTopic, isRetryTopic } from "../../core/message/topic_names.ts";
import { VIEW_BROKER_STATS_DATA } from "../../core/remoting/codes/admin.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { asObject, bodyObject, number } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand } from "./command.ts";
import { lagOf, progressAt } from "./consume_stats.ts";
import { front } from "./java_text.ts";
import { flag, optional, topicName } from "./option.ts";
import { mapAtOnce } from "./parallel.ts";
import { printf } from "./printf.ts";
import type { Layout } from "./report.ts";
import { addressesOf, masterOf, type Route } from "./routes.ts";
import { groupsOfTopic } from "./topics.ts";

interface Rates {
  tps: number;
  /** Messages in 24 hours, or what of them the broker has counted. */
  dayCount: number;
}

interface TopicStats {
  topic: string;
  /** Null for a topic that no group consumes. */
  consumerGroup: string | null;
  accumulation: number;
  inTps: number;
  outTps: number | null;
  inMsg24Hour: number;
  outMsg24Hour: number | null;
}

const STATS: Layout<TopicStats> = {
  titles: [
    "#Topic",
    "#Consumer Group",
    "#Accumulation",
    "#InTPS",
    "#OutTPS",
    "#InMsg24Hour",
    "#OutMsg24Hour",
  ],
  head: "%-64s  %-64s %12s %11s %11s %14s %14s",
  row: "%-64s  %-64s %12d %11.2f %11s %14d %14s",
  cells: (row) => [
    front(row.topic, 64),
    front(row.consumerGroup ?? "", 64),
    row.accumulation,
    row.inTps,
    row.outTps === null ? "" : printf("%.2f", row.outTps),
    row.inMsg24Hour,
    row.outMsg24Hour ?? "NO_CONSUMER",
  ],
};

/** Over all masters of a route; brokers that have counted nothing say so by an error. */
async function ratesOf(
  cluster: Cluster,
  { brokers }: Route,
  statsName: string,
  statsKey: string,
): Promise<Rates> {
  const masters = brokers.map(masterOf).filter((address) => address !== undefined);
  const parts = await Promise.all(masters.map(async (address): Promise<Rates> => {
    const fields = { statsName, statsKey };
    const answer = await cluster.askAny(VIEW_BROKER_STATS_DATA, address, fields);
    if (answer.code !== ResponseCode.SUCCESS) return { tps: 0, dayCount: 0 };
    const { statsDay, statsHour, statsMinute } = bodyObject(answer.body, address);
    const sum = (part: typeof statsDay) => number(asObject(part)["sum"]);
    return {
      tps: number(asObject(statsMinute)["tps"]),
      dayCount: sum(statsDay) || sum(statsHour) || sum(statsMinute),
    };
  }));
  return {
    tps: parts.reduce((total, { tps }) => total + tps, 0),
    dayCount: parts.reduce((total, { dayCount }) => total + dayCount, 0),
  };
}

/** A line for each group, or one alone for a topic without any. */
async function statsOf(cluster: Cluster, topic: string): Promise<TopicStats[]> {
  const route = await cluster.findRoute(topic);
  if (route === null) return [];
  const [groups, into] = await Promise.all([
    groupsOfTopic(cluster, topic),
    ratesOf(cluster, route, "TOPIC_PUT_NUMS", topic),
  ]);
  const common = { topic, inTps: into.tps, inMsg24Hour: into.dayCount };
  if (groups.length === 0) {
    const absent = { consumerGroup: null, accumulation: 0, outTps: null, outMsg24Hour: null };
    return [{ ...common, ...absent }];
  }
  return await Promise.all(groups.map(async (consumerGroup) => {
    const [out, progress] = await Promise.all([
      ratesOf(cluster, route, "GROUP_GET_NUMS", `${topic}@${consumerGroup}`),
      progressAt(cluster, addressesOf(route.brokers), consumerGroup, topic),
    ]);
    const accumulation = Math.max(0, lagOf(progress));
    return {
      ...common,
      consumerGroup,
      accumulation,
      outTps: out.tps,
      outMsg24Hour: out.dayCount,
    };
  }));
}

const statsAll = defineCommand({
  name: "statsAll",
  summary: "Show the rates and the backlog of all topics and groups",
  options: {
    activeTopic: flag("a", "activeTopic", "only what had messages in 24 hours"),
    topic: optional("t", "topic", topicName, "only this topic"),
  },
  example: "-n 127.0.0.1:9876 -a",
  async run({ cluster, options, report }) {
    const topics = (await cluster.topicNames())
      .filter((topic) => !isRetryTopic(topic) && !isDlqTopic(topic))
      .filter((topic) => options.topic === undefined || topic === options.topic);
    if (options.topic !== undefined && topics.length === 0) await cluster.route(options.topic);
    const stats = await mapAtOnce(topics, async (topic) => {
      try {
        return await statsOf(cluster, topic);
      } catch (error) {
        report.fail(`topic '${topic}': ${(error as Error).message}`);
        return [];
      }
    });
    const rows = stats.flat().filter((row) =>
      !options.activeTopic || row.inMsg24Hour > 0 || (row.outMsg24Hour ?? 0) > 0
    );
    report.table(STATS, rows);
    report.json(rows.map((row) => ({ ...row })));
  },
});

export const statsCommands = [statsAll];
