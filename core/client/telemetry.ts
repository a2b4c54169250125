// OpenTelemetry spans for what a client sends and consumes, by the semantic conventions for
// messaging. Uses whatever copy of @opentelemetry/api the program gives it, by its shape alone, so
// that nobody else has to install it.
import { PROPERTY } from "../message/property_names.ts";
import { isDelayed } from "./message.ts";
import type { ClientHooks, ConsumeCall, ConsumeEnd, SendCall, SendEnd } from "./hooks.ts";

type AttributeValue = string | number | boolean | string[];
type Attributes = Record<string, AttributeValue>;

/** A span of @opentelemetry/api, as far as it is used here. */
export interface TelemetrySpan {
  setAttribute(name: string, value: AttributeValue): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  recordException(error: Error): void;
  end(): void;
}

/** What is used of the module @opentelemetry/api: pass the module itself. */
export interface TelemetryApi {
  trace: {
    getTracer(name: string): {
      startSpan(
        name: string,
        options: { kind: number; attributes: Attributes; links?: { context: never }[] },
        context: never,
      ): TelemetrySpan;
    };
    setSpan(context: never, span: never): unknown;
    getSpanContext(context: never): unknown;
  };
  context: {
    active(): unknown;
    with<T>(context: never, call: () => T): T;
  };
  propagation: {
    inject(context: never, carrier: Record<string, string>): void;
    extract(context: never, carrier: Record<string, string>): unknown;
  };
}

/** SpanKind and SpanStatusCode. */
const KIND_PRODUCER = 3;
const KIND_CONSUMER = 4;
const STATUS_ERROR = 2;
const TRACER = "roquet";

/**
 * Hooks that make a span of every send and of every message's consumption; the consumer's span is a
 * child of the producer's, whose context travels in the message's properties. The span of a batch is
 * linked to the spans of its messages' producers.
 *
 * ```
 * import * as api from "@opentelemetry/api";
 * const producer = await Producer.open({ hooks: [openTelemetry(api)] });
 * ```
 */
export function openTelemetry(api: TelemetryApi): ClientHooks {
  const tracer = api.trace.getTracer(TRACER);
  const contexts = new WeakMap<ConsumeCall, unknown>();
  return {
    send(call: SendCall) {
      const { messages } = call;
      const topic = messages[0]?.topic ?? "";
      const active = api.context.active() as never;
      const attributes = sendAttributes(call, topic);
      const options = { kind: KIND_PRODUCER, attributes };
      const span = tracer.startSpan(`send ${topic}`, options, active);
      const carrier: Record<string, string> = {};
      api.propagation.inject(api.trace.setSpan(active, span as never) as never, carrier);
      call.messages = messages.map((message) => ({
        ...message,
        properties: { ...message.properties, ...carrier },
      }));
      return (end: SendEnd) => endSend(span, end);
    },
    consume(call: ConsumeCall) {
      const { messages } = call;
      const active = api.context.active() as never;
      const sent = messages.map(({ properties }) =>
        api.propagation.extract(active, Object.fromEntries(properties)) as never
      );
      const topic = messages[0]!.topic;
      // A batch has as many producers as messages, and no one parent: it is linked to all of them.
      const isBatch = sent.length > 1;
      const links = isBatch ? linksTo(api, sent.filter((context) => context !== active)) : [];
      const parent = isBatch ? active : sent[0]!;
      const options = { kind: KIND_CONSUMER, attributes: consumeAttributes(call, topic), links };
      const span = tracer.startSpan(`process ${topic}`, options, parent);
      contexts.set(call, api.trace.setSpan(parent, span as never));
      return (end: ConsumeEnd) => endConsume(span, end);
    },
    within<T>(call: ConsumeCall, next: () => T): T {
      return api.context.with((contexts.get(call) ?? api.context.active()) as never, next);
    },
  };
}

/** Links to the spans of contexts; a context without one has no link. */
function linksTo(api: TelemetryApi, sent: readonly never[]): { context: never }[] {
  return sent.map((context) => api.trace.getSpanContext(context))
    .filter((context) => context !== undefined)
    .map((context) => ({ context: context as never }));
}

function sendAttributes(call: SendCall, topic: string): Attributes {
  const { clientId, group, kind, messages } = call;
  const [message] = messages;
  const attributes: Attributes = {
    ...common("send", kind === "send" ? "send" : `send ${kind}`, topic, clientId),
    "messaging.rocketmq.producer_group": group,
    "messaging.rocketmq.message.type": messageType(call),
  };
  if (messages.length > 1) attributes["messaging.batch.message_count"] = messages.length;
  if (message?.tags !== undefined) attributes["messaging.rocketmq.message.tag"] = message.tags;
  const { keys } = message ?? {};
  if (keys !== undefined) {
    attributes["messaging.rocketmq.message.keys"] = typeof keys === "string" ? [keys] : [...keys];
  }
  return attributes;
}

function consumeAttributes({ clientId, group, messages }: ConsumeCall, topic: string): Attributes {
  const message = messages[0]!;
  const { queue, messageId, tags, keys } = message;
  const attributes: Attributes = {
    ...common("process", "process", topic, clientId),
    "messaging.consumer.group.name": group,
    "messaging.destination.partition.id": String(queue.queueId),
    "messaging.message.body.size": message.storedBytes,
    "messaging.rocketmq.message.delivery_attempt": message.reconsumeTimes + 1,
  };
  if (messages.length > 1) attributes["messaging.batch.message_count"] = messages.length;
  else attributes["messaging.message.id"] = messageId;
  if (tags !== undefined) attributes["messaging.rocketmq.message.tag"] = tags;
  if (keys.length > 0) attributes["messaging.rocketmq.message.keys"] = keys;
  const correlationId = message.properties.get(PROPERTY.correlationId);
  if (correlationId !== undefined) {
    attributes["messaging.message.conversation_id"] = correlationId;
  }
  return attributes;
}

function common(type: string, name: string, topic: string, clientId: string): Attributes {
  return {
    "messaging.system": "rocketmq",
    "messaging.operation.type": type,
    "messaging.operation.name": name,
    "messaging.destination.name": topic,
    "messaging.client.id": clientId,
  };
}

function messageType({ kind, messages }: SendCall): string {
  const [message] = messages;
  if (kind === "transaction") return "transaction";
  if (message !== undefined && isDelayed(message)) return "delay";
  return message?.priority === undefined ? "normal" : "priority";
}

function endSend(span: TelemetrySpan, { results, error, brokerAddress }: SendEnd): void {
  const [result] = results;
  if (result !== undefined) {
    if (results.length === 1) span.setAttribute("messaging.message.id", result.messageId);
    const { queueId } = result.queue;
    span.setAttribute("messaging.destination.partition.id", String(queueId));
  }
  if (brokerAddress !== null) {
    const colon = brokerAddress.lastIndexOf(":");
    span.setAttribute("server.address", brokerAddress.slice(0, colon));
    span.setAttribute("server.port", Number(brokerAddress.slice(colon + 1)));
  }
  if (error !== undefined) fail(span, error);
  span.end();
}

function endConsume(span: TelemetrySpan, { status, error }: ConsumeEnd): void {
  if (status === "failed") fail(span, error);
  else if (status !== "success") fail(span, status);
  span.end();
}

function fail(span: TelemetrySpan, error: unknown): void {
  span.setAttribute("error.type", typeOf(error));
  if (error instanceof Error) span.recordException(error);
  span.setStatus({ code: STATUS_ERROR, message: String(error) });
}

function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
