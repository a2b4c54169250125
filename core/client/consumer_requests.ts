// What brokers ask of a consumer, mostly for an operator: members changed, offsets reset, how far it
// is, how it fares, and to consume one message now. Reads requests and writes answers; what they
// mean the consumer knows.
import { Buffer } from "node:buffer";
import { RequestError } from "../errors.ts";
import type { JsonObject } from "../json/json_value.ts";
import { writeJson } from "../json/json_writer.ts";
import {
  CONSUME_MESSAGE_DIRECTLY,
  GET_CONSUMER_RUNNING_INFO,
  GET_CONSUMER_STATUS_FROM_CLIENT,
  NOTIFY_CONSUMER_IDS_CHANGED,
  RESET_CONSUMER_CLIENT_OFFSET,
} from "../remoting/codes/client_bound.ts";
import type { HandlerRegistry } from "../remoting/handler.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import { parseOffsets, queueMap } from "./file_offset_store.ts";
import type { ListenerCall, ListenerOutcome } from "./listener.ts";
import type { QueueOffset } from "./offsets.ts";
import { decodeReceived, type ReceivedMessage } from "./received_message.ts";

/** What a listener made of one message (ConsumeMessageDirectlyResult). */
export interface DirectOutcome {
  result: "CR_SUCCESS" | "CR_LATER" | "CR_COMMIT" | "CR_ROLLBACK" | "CR_THROW_EXCEPTION";
  /** What the listener threw. */
  error: string | null;
  order: boolean;
  autoCommit: boolean;
}

export interface ConsumerRequests {
  group: string;
  membersChanged(): void;
  resetOffsets(topic: string, offsets: readonly QueueOffset[]): void;
  offsetsOf(topic: string): QueueOffset[];
  /** `withStacks`: also what its listeners are doing. */
  runningInfo(withStacks: boolean): JsonObject;
  /** Null: there is no listener. */
  consumeNow: ((message: ReceivedMessage) => Promise<DirectOutcome>) | null;
  nowMs(): number;
}

export function serveConsumerRequests(registry: HandlerRegistry, consumer: ConsumerRequests): void {
  registry.handle(NOTIFY_CONSUMER_IDS_CHANGED, () => {
    consumer.membersChanged();
    return undefined;
  });
  registry.handle(RESET_CONSUMER_CLIENT_OFFSET, ({ fields, body }) => {
    checkGroup(consumer, fields.group);
    consumer.resetOffsets(fields.topic, parseOffsets(body));
    return undefined;
  });
  registry.handle(GET_CONSUMER_STATUS_FROM_CLIENT, ({ fields }) => {
    checkGroup(consumer, fields.group);
    const offsets = queueMap(consumer.offsetsOf(fields.topic), ({ offset }) => offset);
    return { body: Buffer.from(writeJson({ consumerTable: {}, messageQueueTable: offsets })) };
  });
  registry.handle(GET_CONSUMER_RUNNING_INFO, ({ fields }) => {
    checkGroup(consumer, fields.consumerGroup);
    return { body: Buffer.from(writeJson(consumer.runningInfo(fields.jstackEnable))) };
  });
  registry.handle(CONSUME_MESSAGE_DIRECTLY, async ({ fields, body }) => {
    checkGroup(consumer, fields.consumerGroup);
    if (consumer.consumeNow === null) throw noListener(consumer.group);
    const message = onlyMessage(body, fields.brokerName ?? "");
    const startedMs = consumer.nowMs();
    const outcome = await consumer.consumeNow(message);
    return {
      body: Buffer.from(writeJson(directResult(outcome, consumer.nowMs() - startedMs))),
    };
  });
}

function onlyMessage(body: Uint8Array, brokerName: string): ReceivedMessage {
  const message = decodeReceived(body, { topic: "", brokerName, queueId: -1 })[0];
  if (message === undefined) {
    throw new RequestError(ResponseCode.SYSTEM_ERROR, "the request holds no message");
  }
  return message;
}

function directResult(outcome: DirectOutcome, spentMs: number): JsonObject {
  const { result, error, order, autoCommit } = outcome;
  return {
    autoCommit,
    consumeResult: result,
    order,
    ...(error !== null && { remark: error }),
    spentTimeMills: Math.round(spentMs),
  };
}

/** Calls the listener with one message for an operator; nothing comes of what it answers. */
export async function consumeNow(
  listener: ListenerCall,
  message: ReceivedMessage,
  { orderly, autoCommit }: { orderly: boolean; autoCommit: boolean },
): Promise<DirectOutcome> {
  const common = { order: orderly, autoCommit: orderly ? autoCommit : true };
  try {
    const outcome = await listener([message], { queue: message.queue });
    return { ...common, error: null, result: directResultOf(outcome) };
  } catch (error) {
    return { ...common, error: String(error), result: "CR_THROW_EXCEPTION" };
  }
}

function directResultOf(outcome: ListenerOutcome): DirectOutcome["result"] {
  if (outcome === undefined || outcome === "success") return "CR_SUCCESS";
  if (outcome === "commit") return "CR_COMMIT";
  return outcome === "rollback" ? "CR_ROLLBACK" : "CR_LATER";
}

function checkGroup(consumer: ConsumerRequests, group: string): void {
  if (group !== consumer.group) throw noListener(group);
}

function noListener(group: string): RequestError {
  return new RequestError(
    ResponseCode.SYSTEM_ERROR,
    `The Consumer Group <${group}> not exist in this consumer`,
  );
}
