// Resets a group's offsets: by the broker alone, or by telling the group's clients (Java: AdminBrokerProcessor,
// Broker2Client). Nothing changes unless all queues can be reset.
import { RequestError } from "../../../core/errors.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import { requestCommand } from "../../../core/remoting/answers.ts";
import { RESET_CONSUMER_CLIENT_OFFSET } from "../../../core/remoting/codes/client_bound.ts";
import { INVOKE_BROKER_TO_RESET_OFFSET } from "../../../core/remoting/codes/offsets.ts";
import { encodeFields } from "../../../core/remoting/fields.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { AdminParts } from "./admin_parts.ts";
import { jsonAnswer, queueJson, queueMap } from "./json_answer.ts";

type ResetFields = RequestFieldsOf<typeof INVOKE_BROKER_TO_RESET_OFFSET>;
type NewOffsets = Map<number, number>;

/** Time that stands for the end of a queue. */
const LATEST = -1;
const NO_OFFSET = -1;
/** The language of clients that read offsets from a list. */
const CPP = "CPP";

export function registerResetOffsets(parts: AdminParts): void {
  const { server, config, log } = parts;
  server.handle(INVOKE_BROKER_TO_RESET_OFFSET, async ({ fields, command }, { remoteAddress }) => {
    const { topic, group } = fields;
    const onServer = config.values.useServerSideResetOffset;
    const offsets = onServer
      ? await resetHere(parts, fields)
      : await resetByClients(parts, fields, command.language === CPP);
    log.info("offsets reset", { topic, group, by: remoteAddress, onServer, queues: offsets.size });
    const brokerName = config.values.brokerName;
    return jsonAnswer({ offsetTable: offsetMap(topic, brokerName, offsets) });
  });
}

/** The broker corrects the group's next pulls, and ignores its commits until then. */
async function resetHere(parts: AdminParts, fields: ResetFields): Promise<NewOffsets> {
  const { topics, groups, offsets } = parts;
  const { topic, group, queueId, timestamp } = fields;
  const config = topics.get(topic);
  if (config === undefined) {
    throw new RequestError(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} does not exist`);
  }
  if (!groups.has(group)) {
    throw new RequestError(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `Group ${group} does not exist`,
    );
  }
  const targets: NewOffsets = new Map();
  if (queueId >= 0) {
    targets.set(queueId, await targetOf(parts, fields));
  } else {
    for (let id = 0; id < config.readQueueNums; id++) {
      targets.set(id, await offsetAt(parts, topic, id, timestamp));
    }
  }
  if (targets.size === 0) {
    throw new RequestError(ResponseCode.SYSTEM_ERROR, "No queues to reset.");
  }
  for (const [id, offset] of targets) offsets.reset(topic, group, id, offset);
  return targets;
}

/** The one queue's new offset: given, or by time. */
async function targetOf(parts: AdminParts, fields: ResetFields): Promise<number> {
  const { topic, queueId, offset = NO_OFFSET, timestamp } = fields;
  if (offset === NO_OFFSET) return await offsetAt(parts, topic, queueId, timestamp);
  const { minOffset, maxOffset } = boundsOf(parts, topic, queueId);
  if (offset >= minOffset && offset <= maxOffset + 1) return offset;
  throw new RequestError(
    ResponseCode.SYSTEM_ERROR,
    `Target offset ${offset} not in consume queue range [${minOffset}-${maxOffset}]`,
  );
}

async function offsetAt(
  parts: AdminParts,
  topic: string,
  queueId: number,
  timestampMs: number,
): Promise<number> {
  if (timestampMs < 0) return boundsOf(parts, topic, queueId).maxOffset;
  return Math.max(0, await parts.store.offsetByTimestamp(topic, queueId, timestampMs, "lower"));
}

function boundsOf({ store }: AdminParts, topic: string, queueId: number) {
  return store.queueBounds(topic, queueId) ?? { minOffset: 0, maxOffset: 0 };
}

/** Tells every member its new offsets; they commit them when they have stopped what they do. */
async function resetByClients(
  parts: AdminParts,
  fields: ResetFields,
  asList: boolean,
): Promise<NewOffsets> {
  const { server, consumers } = parts;
  const { topic, group, timestamp } = fields;
  const targets = await clientTargets(parts, fields);
  const members = consumers.group(group)?.members;
  if (members === undefined || members.size === 0) {
    throw new RequestError(
      ResponseCode.CONSUMER_NOT_ONLINE,
      `Consumer not online, so can not reset offset, Group: ${group} Topic: ${topic} ` +
        `Timestamp: ${timestamp}`,
    );
  }
  const { body } = asList
    ? jsonAnswer({ offsetTable: offsetList(topic, parts.config.values.brokerName, targets) })
    : jsonAnswer({ offsetTable: offsetMap(topic, parts.config.values.brokerName, targets) });
  const extFields = encodeFields(RESET_CONSUMER_CLIENT_OFFSET.request, { topic, group, timestamp });
  for (const { connection, serializeType } of members.values()) {
    const code = RESET_CONSUMER_CLIENT_OFFSET.code;
    server.oneway(connection, requestCommand(code, { extFields, body, serializeType }));
  }
  return targets;
}

async function clientTargets(parts: AdminParts, fields: ResetFields): Promise<NewOffsets> {
  const { topics, offsets } = parts;
  const { topic, group, timestamp, isForce } = fields;
  const config = topics.get(topic);
  if (config === undefined) {
    throw new RequestError(
      ResponseCode.TOPIC_NOT_EXIST,
      `[reset-offset] reset offset failed, no topic in this broker. topic=${topic}`,
    );
  }
  const targets: NewOffsets = new Map();
  for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
    const current = offsets.query(topic, group, queueId);
    if (current < 0) {
      // The spelling is Java's; scripts look for it.
      const remark = `THe consumer group <${group}> not exist`;
      throw new RequestError(ResponseCode.SYSTEM_ERROR, remark);
    }
    const atTime = timestamp === LATEST
      ? boundsOf(parts, topic, queueId).maxOffset
      : await offsetAt(parts, topic, queueId, Math.max(0, timestamp));
    targets.set(queueId, isForce || atTime < current ? atTime : current);
  }
  return targets;
}

function offsetMap(topic: string, brokerName: string, offsets: NewOffsets) {
  return queueMap(brokerName, [...offsets].map(([id, offset]) => [topic, id, offset] as const));
}

/** Java: ResetOffsetBodyForC. */
function offsetList(topic: string, brokerName: string, offsets: NewOffsets) {
  return [...offsets].map(([queueId, offset]) => ({
    ...queueJson(topic, brokerName, queueId),
    offset,
  }));
}
