// The tables of topics and groups that a broker keeps, page by page. Asks; prints nothing.
import type { JsonObject } from "../../core/json/json_value.ts";
import type { Fields, FieldsOf } from "../../core/remoting/code_row.ts";
import { GET_ALL_SUBSCRIPTIONGROUP_CONFIG } from "../../core/remoting/codes/groups.ts";
import { GET_ALL_TOPIC_CONFIG } from "../../core/remoting/codes/topics.ts";
import { asObject, bodyObject } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";

const PAGE = 2000;
const TIMEOUT_MS = 10_000;

/** All pages of a broker's table. */
async function pagesOf(
  ask: (first: number) => Promise<{ table: JsonObject; total: number }>,
): Promise<JsonObject> {
  const all: JsonObject = {};
  for (let first = 0;;) {
    const { table, total } = await ask(first);
    const count = Object.keys(table).length;
    Object.assign(all, table);
    first += count;
    if (count === 0 || first >= total) return all;
  }
}

/** The topics of a broker by name. */
export function topicTable(cluster: Cluster, address: string): Promise<JsonObject> {
  return pagesOf(async (topicSeq) => {
    const fields = { topicSeq, maxTopicNum: PAGE };
    const options = { timeoutMs: TIMEOUT_MS };
    const answer = await cluster.ask(GET_ALL_TOPIC_CONFIG, address, fields, options);
    const table = asObject(bodyObject(answer.body, address)["topicConfigTable"]);
    return { table, total: totalOf(answer.fields, "totalTopicNum") };
  });
}

/**
 * The groups of a broker by name. GET_SUBSCRIPTIONGROUP_CONFIG would ask for one, but brokers that make groups by
 * themselves make it by being asked.
 */
export function groupTable(cluster: Cluster, address: string): Promise<JsonObject> {
  return pagesOf(async (groupSeq) => {
    const fields = { groupSeq, maxGroupNum: PAGE };
    const options = { timeoutMs: TIMEOUT_MS };
    const answer = await cluster.ask(GET_ALL_SUBSCRIPTIONGROUP_CONFIG, address, fields, options);
    const table = asObject(bodyObject(answer.body, address)["subscriptionGroupTable"]);
    return { table, total: totalOf(answer.fields, "totalGroupNum") };
  });
}

function totalOf<F extends Fields>(fields: Partial<FieldsOf<F>>, name: keyof FieldsOf<F>): number {
  return Number(fields[name] ?? 0);
}
