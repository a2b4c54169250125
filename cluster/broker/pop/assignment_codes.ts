// Serves the assignment of queues by the broker and the mode in which groups consume (Java: QueryAssignmentProcessor).
// Routes come from the name servers, since a topic's queues lie on other brokers too.
import { RequestError } from "../../../core/errors.ts";
import type { MessageQueue } from "../../../core/client/message.ts";
import type { Routes } from "../../../core/client/routes.ts";
import { subscribeQueues } from "../../../core/client/route.ts";
import { writeJson } from "../../../core/json/json_writer.ts";
import type { Logger } from "../../../core/log.ts";
import { isLmq, isRetryTopic } from "../../../core/message/topic_names.ts";
import {
  GET_ALL_MESSAGE_REQUEST_MODE,
  QUERY_ASSIGNMENT,
  SET_MESSAGE_REQUEST_MODE,
} from "../../../core/remoting/codes/pop.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Consumers } from "../clients/consumers.ts";
import type { GroupTable } from "../groups/group_table.ts";
import { JsonFields } from "../json_fields.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import { assignQueues } from "./assignment.ts";
import { type RequestMode, requestModeOf, type RequestModes } from "./request_modes.ts";

/** Configuration keys by Apache's names. */
export interface AssignmentSettings {
  brokerName: string;
  serverLoadBalancerEnable: boolean;
  defaultMessageRequestMode: string;
  defaultPopShareQueueNum: number;
}

export interface AssignmentParts {
  topics: TopicTable;
  groups: GroupTable;
  consumers: Consumers;
  requestModes: RequestModes;
  /** Null when the broker has no name server: then its own queues are all there are. */
  routes: Routes | null;
  settings: AssignmentSettings;
  log: Logger;
}

export function registerAssignmentCodes(registry: HandlerRegistry, parts: AssignmentParts): void {
  registry.handle(QUERY_ASSIGNMENT, async ({ body }) => {
    const fields = JsonFields.ofBody(body, "assignment");
    const topic = fields.text("topic");
    const mode = modeOf(parts, topic, fields.text("consumerGroup"));
    const queues = await assignmentOf(parts, fields, mode);
    const messageQueueAssignments = queues?.map(({ topic, brokerName, queueId }) => ({
      messageQueue: { brokerName, queueId, topic },
      mode: mode.mode,
    }));
    return { body: encoded(writeJson({ messageQueueAssignments })) };
  });
  registry.handle(SET_MESSAGE_REQUEST_MODE, async ({ body }) => {
    const mode = requestModeOf(JsonFields.ofBody(body, "requestMode"));
    checkMode(parts, mode);
    await parts.requestModes.set(mode);
    return {};
  });
  registry.handle(
    GET_ALL_MESSAGE_REQUEST_MODE,
    () => ({ body: encoded(JSON.stringify(parts.requestModes.toJson())) }),
  );
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function checkMode({ topics, groups }: AssignmentParts, { topic, consumerGroup }: RequestMode) {
  if (isRetryTopic(topic)) {
    throw new RequestError(ResponseCode.NO_PERMISSION, "retry topic is not allowed to set mode");
  }
  if (!topics.has(topic)) {
    throw new RequestError(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
  }
  if (groups.find(consumerGroup) === undefined) {
    throw new RequestError(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      "subscription group does not exist",
    );
  }
}

/** Retry topics of groups are pulled unless somebody said otherwise, which nobody can. */
function modeOf(
  { requestModes, settings }: AssignmentParts,
  topic: string,
  consumerGroup: string,
): RequestMode {
  const known = requestModes.get(topic, consumerGroup);
  if (known !== undefined) return known;
  const isPop = settings.defaultMessageRequestMode === "POP" && !isRetryTopic(topic);
  return {
    topic,
    consumerGroup,
    mode: isPop ? "POP" : "PULL",
    popShareQueueNum: isPop ? settings.defaultPopShareQueueNum : 0,
  };
}

/** Null: the member keeps what it has. */
async function assignmentOf(
  parts: AssignmentParts,
  fields: JsonFields,
  mode: RequestMode,
): Promise<readonly MessageQueue[] | null> {
  const topic = fields.text("topic");
  const group = fields.text("consumerGroup");
  const queues = await queuesOf(parts, topic);
  const isShared = fields.text("messageModel") === "BROADCASTING";
  if (queues === null || isShared || !parts.settings.serverLoadBalancerEnable) return queues;
  const members = parts.consumers.group(group)?.members;
  if (members === undefined) return null;
  const clientIds = [...members.values()].map(({ clientId }) => clientId);
  const member = {
    group,
    clientId: fields.text("clientId"),
    strategyName: fields.text("strategyName"),
  };
  return assignQueues(member, queues, clientIds, mode.mode, mode.popShareQueueNum);
}

/** All queues of a topic, on whichever broker; null when nobody knows it. */
async function queuesOf(
  { routes, settings, topics, log }: AssignmentParts,
  topic: string,
): Promise<MessageQueue[] | null> {
  const { brokerName } = settings;
  if (isLmq(topic)) return [{ topic, brokerName, queueId: 0 }];
  if (routes === null) {
    const count = topics.get(topic)?.readQueueNums;
    if (count === undefined) return null;
    return Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId }));
  }
  let route = routes.get(topic) ?? null;
  if (route === null) {
    try {
      route = await routes.refresh(topic);
    } catch (error) {
      log.warn("no route for an assignment", { topic, error });
    }
    if (route !== null) routes.watch(topic);
  }
  return route === null ? null : subscribeQueues(topic, route);
}
