// Hears from the store how each staged send ended, and answers it. Counts per topic once a burst.
import {
  EMPTY_BYTES,
  FLAG_RESPONSE,
  LANGUAGE,
  ROCKETMQ_VERSION,
} from "../../../core/remoting/command.ts";
import type { SerializeType } from "../../../core/remoting/command.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { encodeRecallHandle, recallTimeMs } from "../../../core/message/recall_handle.ts";
import type { HostAddress } from "../../../core/remoting/handler.ts";
import type { Appender } from "../../../store/commit_log/appender.ts";
import type { AppendOwner } from "../../../store/commit_log/staged_records.ts";
import type { PutStatus } from "../../../store/message_store.ts";
import type { StatsSink } from "../stats_sink.ts";
import { type PendingSends, UNIQUE_KEY_BYTES_MAX } from "./pending_sends.ts";
import { putRefusal } from "./put_refusals.ts";
import type { SendAnswerWriter } from "./send_answers.ts";
import { HALF, TIMED } from "./send_kinds.ts";
import type { TopicPlan } from "./topic_plans.ts";

export interface SendOutcomesOptions {
  pending: PendingSends;
  answers: SendAnswerWriter;
  appender: Appender;
  stats: StatsSink;
  /** A transaction of the topic was begun: its half message is stored. */
  prepared: (topic: string) => void;
  storeHost: HostAddress;
  settings: {
    readonly brokerName: string;
    readonly maxMessageSize: number;
    readonly regionId: string;
    readonly traceOn: boolean;
  };
}

export class SendOutcomes implements AppendOwner {
  /** The run of stored messages of one topic that the statistics don't know yet. */
  private countedPlan: TopicPlan | null = null;
  private countedQueueId = 0;
  private countedMessages = 0;
  private countedBytes = 0;

  constructor(private readonly options: SendOutcomesOptions) {}

  onStored(slot: number, status: PutStatus, physicalOffset: number, queueOffset: number): void {
    const { answers, pending } = this.options;
    const connection = pending.connections[slot]!;
    const oneway = pending.isOneway[slot] === 1;
    if (status === "ok" || status === "flush_disk_timeout") this.count(slot);
    if (status === "ok" && pending.kindOf(slot) === HALF) {
      this.options.prepared(pending.realPlans[slot]!.topic);
    }
    if (!oneway && !connection.closed) {
      if (status === "ok") answers.write(slot, connection, physicalOffset, queueOffset);
      else if (status === "flush_disk_timeout") {
        this.answerTimeout(slot, connection, physicalOffset, queueOffset);
      } else this.refuse(slot, connection, status);
    }
    pending.release(slot);
  }

  /** Hands the counts of this burst to the statistics. */
  endBurst(): void {
    this.flushCount();
  }

  private count(slot: number): void {
    const { pending } = this.options;
    const plan = pending.plans[slot]!;
    if (plan !== this.countedPlan) {
      this.flushCount();
      this.countedPlan = plan;
    }
    this.countedQueueId = pending.storedQueueIds[slot]!;
    this.countedMessages++;
    this.countedBytes += pending.sizes[slot]!;
  }

  private flushCount(): void {
    const { countedBytes, countedMessages, countedPlan } = this;
    if (countedMessages === 0 || countedPlan === null) return;
    const { stats } = this.options;
    stats.topicPut(countedPlan.topic, this.countedQueueId, countedMessages, countedBytes);
    stats.brokerPut(countedPlan.topic, countedMessages);
    this.countedMessages = 0;
    this.countedBytes = 0;
  }

  private answerTimeout(
    slot: number,
    connection: Connection,
    physicalOffset: number,
    queueOffset: number,
  ): void {
    const { pending, storeHost } = this.options;
    const keyStart = slot * UNIQUE_KEY_BYTES_MAX;
    const keyEnd = keyStart + pending.uniqueKeyLengths[slot]!;
    const uniqueKey = pending.uniqueKeys.toString("latin1", keyStart, keyEnd);
    const timedFields: [string, string][] = pending.kindOf(slot) === TIMED
      ? [["recallHandle", this.handleOf(slot, pending.realPlans[slot]!.topic, uniqueKey)]]
      : [];
    this.send(slot, connection, ResponseCode.FLUSH_DISK_TIMEOUT, null, [
      ["queueId", String(pending.queueIds[slot])],
      ["queueOffset", String(queueOffset)],
      ["msgId", encodeOffsetMessageId(storeHost.address, storeHost.port, physicalOffset)],
      ["transactionId", uniqueKey],
      ...timedFields,
    ]);
  }

  private handleOf(slot: number, topic: string, uniqueKey: string): string {
    const { pending, settings } = this.options;
    const deliverMs = String(recallTimeMs(pending.outMs[slot]!));
    return encodeRecallHandle({ topic, brokerName: settings.brokerName, deliverMs, uniqueKey });
  }

  private refuse(slot: number, connection: Connection, status: PutStatus): void {
    const { appender, settings } = this.options;
    const refusal = putRefusal(status, appender.failureDetail, settings);
    this.send(slot, connection, refusal.code, refusal.remark, []);
  }

  private send(
    slot: number,
    connection: Connection,
    code: number,
    remark: string | null,
    fields: [string, string][],
  ): void {
    const { pending, settings } = this.options;
    connection.send({
      code,
      language: LANGUAGE,
      version: ROCKETMQ_VERSION,
      opaque: pending.opaques[slot]!,
      flag: FLAG_RESPONSE,
      remark,
      extFields: new Map([
        ["MSG_REGION", settings.regionId],
        ["TRACE_ON", String(settings.traceOn)],
        ...fields,
      ]),
      body: EMPTY_BYTES,
      serializeType: pending.serializeTypes[slot] as SerializeType,
    });
  }
}
