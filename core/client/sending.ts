// Puts the parts of sending together for whoever sends: producers, and clients that write traces.
import { COMPRESS_BODY_BYTES_MIN, COMPRESSION_LEVEL } from "../message/compression.ts";
import type { ClientCore } from "./client_core.ts";
import { detectBrokers } from "./broker_detector.ts";
import { FaultTracker } from "./fault_tracker.ts";
import { observed } from "./hooks.ts";
import {
  AUTO_CREATE_QUEUES,
  MESSAGE_BYTES_MAX,
  SEND_RETRIES,
  SENDS_IN_FLIGHT_MAX,
  SENDS_WAITING_MAX,
  TRACE_SEND_TIMEOUT_MS,
} from "./limits.ts";
import type { ListenerCall } from "./listener.ts";
import { MessageTrace } from "./message_trace.ts";
import type { CheckedProducerOptions } from "./options.ts";
import { MessagePreparer } from "./prepare.ts";
import { Publisher } from "./publisher.ts";
import { Sender } from "./sender.ts";

export interface Sending {
  publisher: Publisher;
  /** Null when nothing is traced. */
  trace: MessageTrace | null;
  /** Begins what runs beside the sends. */
  start(stack: AsyncDisposableStack): void;
}

export function producerSending(core: ClientCore, options: CheckedProducerOptions): Sending {
  const { clock } = core.environment;
  const { avoidSlowBrokers, detectIntervalMs } = options;
  const detects = avoidSlowBrokers && options.detectBrokers;
  const faults = avoidSlowBrokers ? new FaultTracker(clock, detects) : null;
  const sender = new Sender(core, {
    ...options,
    retriesMax: options.sendRetries,
    retriesWhenNotStoredAsAsked: options.retryWhenNotStoredAsAsked,
  }, faults);
  const trace = traceOf(core, "PRODUCE");
  const hooks = trace === null ? options.hooks : [...options.hooks, trace];
  const preparer = new MessagePreparer(options, core.environment);
  return {
    publisher: new Publisher(core, sender, preparer, { ...options, hooks }),
    trace,
    start(stack) {
      if (!detects || faults === null) return;
      const topicOf = (brokerName: string) => sender.topicOf(brokerName);
      stack.use(detectBrokers({ core, faults, intervalMs: detectIntervalMs, topicOf }));
    },
  };
}

/** A sender without any ways of its own. */
export function plainSender(core: ClientCore, group: string): Sender {
  return new Sender(core, {
    group,
    retriesMax: SEND_RETRIES,
    retriesWhenNotStoredAsAsked: false,
    sendsInFlightMax: SENDS_IN_FLIGHT_MAX,
    sendsWaitingMax: SENDS_WAITING_MAX,
    autoCreateQueues: AUTO_CREATE_QUEUES,
    vipChannel: false,
    unitMode: core.options.unitMode,
  }, null);
}

/** Writes a client's traces over its own connections; null when it has none to write. */
export function traceOf(core: ClientCore, kind: "PRODUCE" | "CONSUME"): MessageTrace | null {
  const { trace } = core.options;
  if (trace === false) return null;
  // Named as Apache's, which has one more client for it.
  const sender = plainSender(core, `_INNER_TRACE_PRODUCER-${core.membership.group}-${kind}-1`);
  const preparer = new MessagePreparer({
    maxMessageBytes: MESSAGE_BYTES_MAX,
    compressFromBytes: COMPRESS_BODY_BYTES_MIN,
    compression: "zlib",
    compressionLevel: COMPRESSION_LEVEL,
  }, core.environment);
  const publisher = new Publisher(core, sender, preparer, {
    sendTimeoutMs: TRACE_SEND_TIMEOUT_MS,
    sendsToTheEnd: true,
  });
  return new MessageTrace(core, publisher, trace);
}

/** A listener with the program's hooks and the traces around it; itself when there are none. */
export function observedBy(
  core: ClientCore,
  trace: MessageTrace | null,
  listener: ListenerCall,
): ListenerCall {
  const { hooks } = core.options;
  return observed(listener, {
    client: () => core.hookClient(),
    hooks: trace === null ? hooks : [...hooks, trace],
    clock: core.environment.clock,
    log: core.log,
  });
}
