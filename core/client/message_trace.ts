// Message traces of a client: what it sent and consumed, written into the trace topic in Apache's
// form, a hundred events at a time (AsyncTraceDispatcher). A trace that can't be written is lost with
// a line in the log; what it is about goes on.
import { Buffer } from "node:buffer";
import { UniqueKeyGenerator } from "../message/message_id.ts";
import { KEY_SEPARATOR, PROPERTY } from "../message/property_names.ts";
import { parseAddress } from "../message/host_address.ts";
import { randomBelow } from "../random.ts";
import type { Timer } from "../time/clock.ts";
import type { ClientCore } from "./client_core.ts";
import type { ClientHooks, ConsumeCall, SendCall, SendEnd, TransactionEnd } from "./hooks.ts";
import {
  TRACE_BODY_BYTES_MAX,
  TRACE_FLUSH_MS,
  TRACE_RECORDS_MAX,
  TRACE_SEND_TIMEOUT_MS,
  TRACES_WAITING_MAX,
} from "./limits.ts";
import { bodyBytes, isDelayed, type Message } from "./message.ts";
import { withoutNamespace } from "./namespace.ts";
import type { Publisher } from "./publisher.ts";
import { type ConsumeEndTrace, encodeTrace, type TraceRecord } from "./trace_records.ts";

const DEFAULT_REGION = "DefaultRegion";
const TYPE = { normal: 0, half: 1, transactionEnd: 2, delayed: 3 };
const RETURNED = { success: 0, exception: 2, failed: 4 };
const STATES = { commit: "COMMIT_MESSAGE", rollback: "ROLLBACK_MESSAGE", unknown: "UNKNOW" };

interface Waiting {
  /** Events of messages of one topic share a trace message. */
  topic: string;
  text: string;
  keys: string[];
}

export class MessageTrace implements ClientHooks, AsyncDisposable {
  private waiting: Waiting[] = [];
  private timer: Timer | null = null;
  private sending: Promise<unknown> = Promise.resolve();
  private lost = 0;
  private readonly requestIds: UniqueKeyGenerator;

  constructor(
    private readonly core: ClientCore,
    /** One without hooks: traces aren't traced. */
    private readonly publisher: Publisher,
    private readonly traceTopic: string,
  ) {
    const { clock, localAddress, processId, random } = core.environment;
    this.requestIds = new UniqueKeyGenerator({
      clock,
      address: parseAddress(localAddress) ?? new Uint8Array(4),
      processId,
      instanceHash: randomBelow(random, 2 ** 32),
    });
  }

  send(call: SendCall): ((end: SendEnd) => void) | void {
    if (call.messages.every(({ topic }) => topic === this.traceTopic)) return;
    return (end) => this.published(call, end);
  }

  consume(call: ConsumeCall) {
    const messages = call.messages.filter((each) =>
      each.properties.get(PROPERTY.traceSwitch) !== "false"
    );
    if (messages.length === 0) return;
    const { clock } = this.core.environment;
    const requestId = this.requestIds.next();
    const group = this.shortName(call.group);
    for (const message of messages) {
      this.add(this.shortName(message.topic), {
        kind: "SubBefore",
        timestampMs: clock.nowMs(),
        region: message.properties.get(PROPERTY.region) ?? DEFAULT_REGION,
        group,
        requestId,
        messageId: message.messageId,
        retryTimes: message.reconsumeTimes,
        keys: message.properties.get(PROPERTY.keys) ?? null,
      });
    }
    return ({ status, elapsedMs }: { status: string; elapsedMs: number }) => {
      const ended: Omit<ConsumeEndTrace, "messageId" | "keys"> = {
        kind: "SubAfter",
        requestId,
        costMs: Math.round(elapsedMs / call.messages.length),
        success: status === "success",
        returnType: status === "success"
          ? RETURNED.success
          : status === "failed"
          ? RETURNED.exception
          : RETURNED.failed,
        timestampMs: clock.nowMs(),
        group,
      };
      for (const message of messages) {
        const keys = message.properties.get(PROPERTY.keys) ?? null;
        const { messageId } = message;
        this.add(this.shortName(message.topic), { ...ended, messageId, keys });
      }
    };
  }

  transactionEnd(end: TransactionEnd): void {
    const { topic, tags, keys, messageId, transactionId, state, fromCheck, brokerAddress } = end;
    this.add(this.shortName(topic), {
      kind: "EndTransaction",
      timestampMs: this.core.environment.clock.nowMs(),
      region: DEFAULT_REGION,
      group: this.shortName(end.group),
      topic: this.shortName(topic),
      messageId,
      tags: tags ?? null,
      keys: keysText(keys),
      storeHost: brokerAddress ?? "",
      messageType: TYPE.transactionEnd,
      transactionId,
      state: STATES[state],
      fromCheck,
    });
  }

  /** A timed message was taken back, or could not be. */
  recalled(topic: string, messageId: string, success: boolean): void {
    this.add(this.shortName(topic), {
      kind: "Recall",
      timestampMs: this.core.environment.clock.nowMs(),
      region: DEFAULT_REGION,
      group: this.shortName(this.core.membership.group),
      topic: this.shortName(topic),
      messageId,
      success,
    });
  }

  /** Writes what waits; resolves when it is written, or lost. */
  async flush(): Promise<void> {
    this.timer?.cancel();
    this.timer = null;
    const { waiting } = this;
    this.waiting = [];
    if (waiting.length > 0) {
      const sends = [...grouped(waiting)].map((group) => this.write(group));
      this.sending = Promise.all([this.sending, ...sends]);
    }
    await this.sending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
  }

  private published(call: SendCall, end: SendEnd): void {
    // As Apache's: what got no answer isn't traced, nor what the broker wants no traces of.
    const message = call.messages[0]!;
    const bytes = call.messages.reduce((sum, { body }) => sum + bodyBytes(body).length, 0);
    for (const result of end.results) {
      if (!result.traceOn) continue;
      const topic = this.shortName(message.topic);
      this.add(topic, {
        kind: "Pub",
        timestampMs: end.startedAtMs,
        region: result.regionId ?? DEFAULT_REGION,
        group: this.shortName(call.group),
        topic,
        messageId: result.messageId,
        tags: message.tags ?? null,
        keys: keysText(message.keys),
        storeHost: end.brokerAddress ?? "",
        bodyBytes: bytes,
        costMs: Math.round(end.elapsedMs),
        messageType: typeOf(call, message),
        offsetMessageId: result.offsetMessageId,
        success: result.status === "ok",
      });
    }
  }

  private add(topic: string, record: TraceRecord): void {
    if (this.waiting.length >= TRACES_WAITING_MAX) {
      this.lost++;
      return;
    }
    const keys = "keys" in record && record.keys ? record.keys.split(KEY_SEPARATOR) : [];
    this.waiting.push({ topic, text: encodeTrace(record), keys: [record.messageId, ...keys] });
    if (this.waiting.length >= TRACE_RECORDS_MAX) void this.flush();
    else this.timer ??= this.core.environment.clock.after(TRACE_FLUSH_MS, () => void this.flush());
  }

  private async write({ text, keys }: { text: string; keys: Set<string> }): Promise<void> {
    const message = { topic: this.traceTopic, body: text, keys: [...keys] };
    try {
      await this.publisher.send(message, { timeoutMs: TRACE_SEND_TIMEOUT_MS });
    } catch (error) {
      this.lost++;
      this.core.log.warn("a trace is lost", { bytes: text.length, lost: this.lost, error });
    }
  }

  private shortName(name: string): string {
    return withoutNamespace(this.core.options.namespace, name);
  }
}

/** Events of one topic each, in bodies of at most TRACE_BODY_BYTES_MAX. */
function* grouped(waiting: readonly Waiting[]): Generator<{ text: string; keys: Set<string> }> {
  const byTopic = new Map<string, { text: string; keys: Set<string> }>();
  for (const { topic, text, keys } of waiting) {
    const group = byTopic.get(topic) ?? { text: "", keys: new Set<string>() };
    byTopic.set(topic, group);
    group.text += text;
    for (const key of keys) group.keys.add(key);
    if (Buffer.byteLength(group.text) < TRACE_BODY_BYTES_MAX) continue;
    yield group;
    byTopic.delete(topic);
  }
  yield* byTopic.values();
}

function keysText(keys: Message["keys"]): string | null {
  if (keys === undefined) return null;
  return typeof keys === "string" ? keys : keys.join(KEY_SEPARATOR);
}

function typeOf({ kind }: SendCall, message: Message): number {
  if (kind === "transaction") return TYPE.half;
  return isDelayed(message) ? TYPE.delayed : TYPE.normal;
}
