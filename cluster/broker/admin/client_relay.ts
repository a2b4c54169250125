// Relays what an operator asks of a consumer: its running state, consuming one message, its offsets. The client answers
// over the connection that it opened (Java: AdminBrokerProcessor.callConsumer, Broker2Client).
import { copyOf } from "../../../core/bytes/copy.ts";
import { DecodeError, RequestError } from "../../../core/errors.ts";
import {
  type JsonObject,
  type JsonValue,
  type LenientMap,
  mapEntries,
} from "../../../core/json/json_value.ts";
import { parseLenientJsonBytes } from "../../../core/json/lenient_reader.ts";
import { decodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { requestCommand } from "../../../core/remoting/answers.ts";
import {
  CONSUME_MESSAGE_DIRECTLY,
  GET_CONSUMER_RUNNING_INFO,
  GET_CONSUMER_STATUS_FROM_CLIENT,
} from "../../../core/remoting/codes/client_bound.ts";
import { INVOKE_BROKER_TO_GET_CONSUMER_STATUS } from "../../../core/remoting/codes/offsets.ts";
import { encodeFields } from "../../../core/remoting/fields.ts";
import type { Answer } from "../../../core/remoting/handler.ts";
import { RemotingError } from "../../../core/remoting/remoting_error.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Client } from "../clients/client.ts";
import {
  type AdminParts,
  CONSUMER_STATUS_TIMEOUT_MS,
  RELAY_TIMEOUT_MS,
  REMARK_NOT_SET,
} from "./admin_parts.ts";
import { checkBodySize, jsonAnswer } from "./json_answer.ts";

interface Relayed {
  code: number;
  extFields: Map<string, string>;
  body?: Uint8Array;
}

export function registerClientRelay(parts: AdminParts): void {
  const { server } = parts;

  server.handle(GET_CONSUMER_RUNNING_INFO, ({ fields, command }) => {
    const { code, extFields } = command;
    return relay(parts, fields.consumerGroup, fields.clientId, { code, extFields });
  });

  server.handle(CONSUME_MESSAGE_DIRECTLY, async ({ fields, command }) => {
    const { consumerGroup, clientId = "", msgId, topic } = fields;
    const extFields = new Map(command.extFields);
    extFields.set("brokerName", parts.config.values.brokerName);
    const topicConfig = topic === undefined ? undefined : parts.topics.get(topic);
    if (topicConfig) extFields.set("topicSysFlag", String(topicConfig.topicSysFlag));
    const group = parts.groups.find(consumerGroup);
    if (group) extFields.set("groupSysFlag", String(group.groupSysFlag));
    const body = await recordOf(parts, msgId ?? "");
    return relay(parts, consumerGroup, clientId, { code: command.code, extFields, body });
  });

  server.handle(INVOKE_BROKER_TO_GET_CONSUMER_STATUS, async ({ fields }) => {
    const { topic, group, clientAddr = "" } = fields;
    const consumerTable = await consumerStatus(parts, topic, group, clientAddr.trim());
    return { remark: REMARK_NOT_SET, ...jsonAnswer({ consumerTable, messageQueueTable: {} }) };
  });
}

/** Asks one client and hands its answer on as it is. */
async function relay(
  { server, consumers }: AdminParts,
  group: string,
  clientId: string,
  { code, extFields, body }: Relayed,
): Promise<Answer<Record<string, never>>> {
  const client = consumers.clientOf(group, clientId);
  if (client === undefined) {
    throw new RequestError(
      ResponseCode.SYSTEM_ERROR,
      `The Consumer <${group}> <${clientId}> not online`,
    );
  }
  const { connection, serializeType } = client;
  const request = requestCommand(code, { extFields, body, serializeType });
  try {
    const answer = await server.invoke(connection, request, RELAY_TIMEOUT_MS);
    checkBodySize(answer.body.length);
    return { code: answer.code, remark: answer.remark, body: answer.body };
  } catch (error) {
    if (!(error instanceof RemotingError)) throw error;
    throw refusalOf(error, `consumer <${group}> <${clientId}>`);
  }
}

function refusalOf(error: RemotingError, consumer: string): RequestError {
  return error.code === "timeout"
    ? new RequestError(ResponseCode.CONSUME_MSG_TIMEOUT, `${consumer} Timeout: ${error.message}`)
    : new RequestError(
      ResponseCode.SYSTEM_ERROR,
      `invoke ${consumer} Exception: ${error.message}`,
    );
}

/** The whole record that an offset id names. */
async function recordOf({ store }: AdminParts, messageId: string): Promise<Uint8Array> {
  const offset = offsetOf(messageId);
  const view = await store.read(offset);
  if (view === null) {
    throw new RequestError(
      ResponseCode.SYSTEM_ERROR,
      `can not find message by the offset, ${offset}`,
    );
  }
  return copyOf(view.buffer.subarray(view.start, view.start + view.size));
}

function offsetOf(messageId: string): number {
  try {
    return decodeOffsetMessageId(messageId).physicalOffset;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new RequestError(ResponseCode.SYSTEM_ERROR, `msgId: ${error.problem}`);
  }
}

/** Client id → its offsets by queue. Clients that don't answer in time are left out. */
async function consumerStatus(
  parts: AdminParts,
  topic: string,
  group: string,
  onlyClientId: string,
): Promise<JsonObject> {
  const { consumers, log } = parts;
  const members = [...consumers.group(group)?.members.values() ?? []];
  if (members.length === 0) {
    throw new RequestError(
      ResponseCode.SYSTEM_ERROR,
      `No Any Consumer online in the consumer group: [${group}]`,
    );
  }
  const asked = members.filter(({ clientId }) => onlyClientId === "" || clientId === onlyClientId);
  const table = new Map<string, JsonObject | LenientMap>();
  await Promise.all(asked.map(async (client) => {
    try {
      const offsets = await clientOffsets(parts, client, topic, group);
      if (offsets !== null) table.set(client.clientId, offsets);
    } catch (error) {
      if (!(error instanceof RemotingError) && !(error instanceof DecodeError)) throw error;
      log.warn("a consumer didn't tell its offsets", {
        group,
        clientId: client.clientId,
        reason: error.message,
      });
    }
  }));
  return Object.fromEntries(table);
}

/** Java: GetConsumerStatusBody. */
async function clientOffsets(
  { server }: AdminParts,
  { connection, serializeType }: Client,
  topic: string,
  group: string,
): Promise<LenientMap | JsonObject | null> {
  const row = GET_CONSUMER_STATUS_FROM_CLIENT;
  const extFields = encodeFields(row.request, { topic, group });
  const request = requestCommand(row.code, { extFields, serializeType });
  const answer = await server.invoke(connection, request, CONSUMER_STATUS_TIMEOUT_MS);
  if (answer.code !== ResponseCode.SUCCESS || answer.body.length === 0) return null;
  const body = parseLenientJsonBytes(answer.body);
  if (!isMap(body)) throw new DecodeError("consumerStatus", "not an object");
  const table = new Map(mapEntries(body)).get("messageQueueTable") ?? {};
  if (!isMap(table)) throw new DecodeError("consumerStatus.messageQueueTable", "not an object");
  return table;
}

function isMap(value: JsonValue): value is JsonObject | LenientMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
