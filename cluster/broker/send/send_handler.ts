// The general way of a send: any code, any property, any topic, decoded and checked in full. The hot path hands over
// whatever is out of the ordinary. Answers as SendMessageProcessor does; refusals carry region and trace switch too.
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { RequestError } from "../../../core/errors.ts";
import {
  SEND_BATCH_MESSAGE,
  SEND_MESSAGE,
  SEND_MESSAGE_V2,
} from "../../../core/remoting/codes/send.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import type { Connection, HandlerRegistry, HostAddress } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Clock } from "../../../core/time/clock.ts";
import {
  isStored,
  type MessageStore,
  type MessageToStore,
  type PutResult,
} from "../../../store/message_store.ts";
import { PUT_HALF, PUT_TIMED, type PutRules } from "../put_rules.ts";
import type { StatsSink } from "../stats_sink.ts";
import { recallHandleOf } from "../timer/recall_handle_of.ts";
import type { TopicConfig } from "../topics/topic_config.ts";
import { draftBatch } from "./batch_draft.ts";
import type { MessageDrafts } from "./message_draft.ts";
import { putRefusal } from "./put_refusals.ts";
import type { SendBacklog } from "./send_backlog.ts";
import type { SendChecks, SendSettings } from "./send_checks.ts";
import { fromLetters, fromLongNames, type SendFields } from "./send_request.ts";

export interface SendHandlerOptions {
  backlog: SendBacklog;
  store: MessageStore;
  checks: SendChecks;
  drafts: MessageDrafts;
  rules: PutRules;
  clock: Clock;
  stats: StatsSink;
  /** A transaction of the topic was begun: its half message is stored. */
  prepared: (topic: string) => void;
  settings: SendSettings & {
    readonly brokerName: string;
    readonly regionId: string;
    readonly traceOn: boolean;
  };
  storeHost: HostAddress;
}

interface SendAnswerFields {
  msgId?: string;
  queueId?: number;
  queueOffset?: number;
  transactionId?: string;
  batchUniqId?: string;
  recallHandle?: string | undefined;
  TRACE_ON: string;
  MSG_REGION: string;
}

interface SendAnswer {
  code?: number;
  remark?: string;
  fields: SendAnswerFields;
}

export class SendHandler {
  constructor(private readonly options: SendHandlerOptions) {}

  register(registry: HandlerRegistry): void {
    registry.handle(
      SEND_MESSAGE,
      ({ fields, body, command }, connection) =>
        this.send(fromLongNames(fields), body, command, connection),
    );
    registry.handle(
      SEND_MESSAGE_V2,
      ({ fields, body, command }, connection) =>
        this.send(fromLetters(fields), body, command, connection),
    );
    registry.handle(
      SEND_BATCH_MESSAGE,
      ({ fields, body, command }, connection) =>
        this.send(fromLetters(fields), body, command, connection),
    );
  }

  private async send(
    fields: SendFields,
    body: Uint8Array,
    command: RemotingCommand,
    connection: Connection,
  ): Promise<SendAnswer> {
    try {
      return await this.options.backlog.during(() =>
        fields.isBatch
          ? this.sendBatch(fields, body, connection)
          : this.sendOne(fields, body, command, connection)
      );
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return { code: error.code, remark: error.remark, fields: this.commonFields() };
    }
  }

  private async sendOne(
    fields: SendFields,
    body: Uint8Array,
    command: RemotingCommand,
    connection: Connection,
  ): Promise<SendAnswer> {
    const { checks, clock, drafts, rules, store } = this.options;
    // Nothing is awaited for a topic that exists: messages of one connection are stored in their order.
    const config = this.topicOf(fields, connection) ?? await this.makeTopic(fields, connection);
    const draft = drafts.draft(fields, command.version, body, connection.remoteHost, config);
    const { message } = draft;
    checks.checkSizes(body.length, message.properties.length);
    if (config.attributes["cleanup.policy"] === "COMPACTION" && message.keys.trim() === "") {
      throw new RequestError(ResponseCode.MESSAGE_ILLEGAL, "Required message key is missing");
    }
    const { queueId, topic } = message;
    const verdict = rules.apply(message, draft.properties, clock.nowMs());
    const [result] = await store.put([message]);
    if (verdict === PUT_HALF && result!.status === "ok") this.options.prepared(topic);
    return this.answer([result!], message, {
      queueId,
      transactionId: draft.properties.get(PROPERTY.uniqueKey) ?? "",
      ...(verdict === PUT_TIMED && {
        recallHandle: recallHandleOf(message, draft.properties, this.options.settings.brokerName),
      }),
    });
  }

  private async sendBatch(
    fields: SendFields,
    body: Uint8Array,
    connection: Connection,
  ): Promise<SendAnswer> {
    const { checks, drafts, settings, store } = this.options;
    const config = this.topicOf(fields, connection) ?? await this.makeTopic(fields, connection);
    checks.checkSizes(body.length, 0);
    const queueId = drafts.chooseQueue(fields.queueId, config);
    const batch = draftBatch({
      fields,
      body,
      bornHost: connection.remoteHost,
      config,
      queueId,
      properties: drafts.propertiesOf(fields.properties),
      maxMessageSize: settings.maxMessageSize,
    });
    const results = await store.put(batch.messages);
    return this.answer(results, batch.messages[0]!, {
      queueId,
      ...(batch.uniqueKey !== "" && { transactionId: batch.uniqueKey }),
      ...(batch.isInner && { batchUniqId: batch.uniqueKey }),
    });
  }

  private topicOf(fields: SendFields, connection: Connection): TopicConfig | undefined {
    const { checks, clock } = this.options;
    const config = checks.existingTopic(fields.topic, clock.nowMs());
    if (config !== undefined) checks.checkQueue(fields, config, connection.remoteAddress);
    return config;
  }

  private async makeTopic(fields: SendFields, connection: Connection): Promise<TopicConfig> {
    const { checks } = this.options;
    const config = await checks.makeTopic(fields, connection.remoteAddress);
    checks.checkQueue(fields, config, connection.remoteAddress);
    return config;
  }

  private answer(
    results: readonly PutResult[],
    message: MessageToStore,
    fields: Partial<SendAnswerFields>,
  ): SendAnswer {
    const { settings, stats, storeHost } = this.options;
    const first = results[0]!;
    if (!isStored(first.status)) {
      throw putRefusal(first.status, first.detail, settings);
    }
    let bytes = 0;
    for (const { size } of results) bytes += size;
    stats.topicPut(message.topic, message.queueId, results.length, bytes);
    stats.brokerPut(message.topic, results.length);
    const msgId = results.map(({ physicalOffset }) =>
      encodeOffsetMessageId(storeHost.address, storeHost.port, physicalOffset)
    ).join(",");
    return {
      code: first.status === "ok" ? ResponseCode.SUCCESS : ResponseCode.FLUSH_DISK_TIMEOUT,
      fields: { ...this.commonFields(), ...fields, msgId, queueOffset: first.queueOffset },
    };
  }

  private commonFields(): SendAnswerFields {
    const { regionId, traceOn } = this.options.settings;
    return { MSG_REGION: regionId, TRACE_ON: String(traceOn) };
  }
}
