// The text of consumerOrderInfo.json: short names, bare integer keys, offsets as distances from the first
// (Java: QueueLevelConsumerManager). Pure.
import { parseLenientJson } from "../../../core/json/lenient_reader.ts";
import { JsonFields } from "../json_fields.ts";
import type { OrderInfo } from "./order_info.ts";

/** Topic@group → queue → what is out. */
export type OrderInfos = Map<string, Map<number, OrderInfo>>;

export function encodeOrderInfos(
  table: ReadonlyMap<string, ReadonlyMap<number, OrderInfo>>,
): string {
  const rows = [...table].map(([key, queues]) => {
    const infos = [...queues].map(([queueId, info]) => `\t\t\t${queueId}:${infoText(info)}`);
    return `\t\t${JSON.stringify(key)}:{${
      infos.length === 0 ? "" : `\n${infos.join(",\n")}\n\t\t`
    }}`;
  });
  const body = rows.length === 0 ? "" : `\n${rows.join(",\n")}\n\t`;
  return `{\n\t"orderedConsumptionLevel":"QUEUE",\n\t"table":{${body}}\n}`;
}

/** Throws DecodeError. */
export function decodeOrderInfos(text: string): OrderInfos {
  const table: OrderInfos = new Map();
  const rows = new JsonFields(parseLenientJson(text), "orderInfo").object("table");
  for (const key of rows?.names() ?? []) {
    const queues = rows!.object(key);
    const infos = new Map<number, OrderInfo>();
    for (const queueId of queues?.names() ?? []) {
      const fields = queues!.object(queueId);
      if (fields !== null) infos.set(Number(queueId), infoOf(fields));
    }
    table.set(key, infos);
  }
  return table;
}

function infoText(info: OrderInfo): string {
  const [first = 0] = info.offsets;
  const distances = info.offsets.map((offset, index) => index === 0 ? offset : offset - first);
  const bits = info.offsets.reduce(
    (sum, offset, index) => info.acked.has(offset) ? sum + 2 ** index : sum,
    0,
  );
  const fields = [`"cm":${bits}`, `"i":${info.invisibleMs}`, `"l":${info.lastConsumeMs}`];
  if (info.attemptId !== null) fields.unshift(`"a":${JSON.stringify(info.attemptId)}`);
  fields.push(`"o":[${distances.join(",")}]`);
  if (info.deliveries.size > 0) fields.push(`"oc":${mapText(info.deliveries)}`);
  if (info.visibleAtMs.size > 0) fields.push(`"ot":${mapText(info.visibleAtMs)}`);
  fields.push(`"popTime":${info.popTimeMs}`);
  return `{${fields.join(",")}}`;
}

function mapText(map: ReadonlyMap<number, number>): string {
  return `{${[...map].map(([offset, value]) => `${offset}:${value}`).join(",")}}`;
}

function infoOf(fields: JsonFields): OrderInfo {
  const distances = fields.items("o").map(Number);
  const [first = 0] = distances;
  const offsets = distances.map((distance, index) => index === 0 ? distance : first + distance);
  const bits = fields.number("cm");
  const isAcked = (index: number) => Math.floor(bits / 2 ** index) % 2 === 1;
  const attemptId = fields.text("a");
  return {
    popTimeMs: fields.number("popTime"),
    invisibleMs: fields.number("i"),
    offsets,
    visibleAtMs: mapOf(fields.object("ot")),
    deliveries: mapOf(fields.object("oc")),
    lastConsumeMs: fields.number("l"),
    acked: new Set(offsets.filter((_, index) => isAcked(index))),
    attemptId: attemptId === "" ? null : attemptId,
  };
}

function mapOf(fields: JsonFields | null): Map<number, number> {
  return new Map(fields?.names().map((offset) => [Number(offset), fields.number(offset)]) ?? []);
}
