// Replies of request-reply: each is pushed to the producer that asked, over the connection that it opened, and stored
// beside that when storeReplyMessageEnable says so (Java: ReplyMessageProcessor). Waits for the producer's word before
// it answers; keeps no table of requests, since the producers do.
import { RequestError } from "../../../core/errors.ts";
import { formatHost } from "../../../core/message/host_address.ts";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import {
  encodeProperties,
  formatProperties,
  parseProperties,
} from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import { requestCommand } from "../../../core/remoting/answers.ts";
import { PUSH_REPLY_MESSAGE_TO_CLIENT } from "../../../core/remoting/codes/client_bound.ts";
import { SEND_REPLY_MESSAGE, SEND_REPLY_MESSAGE_V2 } from "../../../core/remoting/codes/send.ts";
import { encodeFields } from "../../../core/remoting/fields.ts";
import type {
  Connection,
  HandlerRegistry,
  HostAddress,
  PeerCaller,
} from "../../../core/remoting/handler.ts";
import { RemotingError } from "../../../core/remoting/remoting_error.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Logger } from "../../../core/log.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { isStored, type MessageStore } from "../../../store/message_store.ts";
import type { Producers } from "../clients/producers.ts";
import { PUSH_REPLY_TIMEOUT_MS } from "../limits.ts";
import type { StatsSink } from "../stats_sink.ts";
import type { MessageDrafts } from "./message_draft.ts";
import type { SendChecks } from "./send_checks.ts";
import { fromLetters, fromLongNames, type SendFields } from "./send_request.ts";

export interface ReplyHandlerOptions {
  store: MessageStore;
  checks: SendChecks;
  drafts: MessageDrafts;
  producers: Producers;
  /** Calls a client over its own connection. */
  server: PeerCaller;
  clock: Clock;
  log: Logger;
  stats: StatsSink;
  settings: {
    readonly regionId: string;
    readonly traceOn: boolean;
    readonly storeReplyMessageEnable: boolean;
  };
  storeHost: HostAddress;
}

interface ReplyAnswer {
  code?: number;
  remark?: string;
  fields: {
    msgId?: string;
    queueId?: number;
    queueOffset?: number;
    MSG_REGION: string;
    TRACE_ON: string;
  };
}

export class ReplyHandler {
  constructor(private readonly options: ReplyHandlerOptions) {}

  register(registry: HandlerRegistry): void {
    registry.handle(
      SEND_REPLY_MESSAGE,
      ({ fields, body }, connection) => this.reply(fromLongNames(fields), body, connection),
    );
    registry.handle(
      SEND_REPLY_MESSAGE_V2,
      ({ fields, body }, connection) => this.reply(fromLetters(fields), body, connection),
    );
  }

  private async reply(
    fields: SendFields,
    body: Uint8Array,
    connection: Connection,
  ): Promise<ReplyAnswer> {
    try {
      return await this.take(fields, body, connection);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return { code: error.code, remark: error.remark, fields: this.commonFields() };
    }
  }

  private async take(
    fields: SendFields,
    body: Uint8Array,
    connection: Connection,
  ): Promise<ReplyAnswer> {
    const { checks, clock, drafts, settings } = this.options;
    const config = checks.existingTopic(fields.topic, clock.nowMs()) ??
      await checks.makeTopic(fields, connection.remoteAddress);
    checks.checkQueue(fields, config, connection.remoteAddress);
    const properties = parseProperties(fields.properties);
    properties.set(PROPERTY.region, settings.regionId);
    properties.set(PROPERTY.traceSwitch, String(settings.traceOn));
    // What is stored doesn't have the time of the push.
    const stored = encodeProperties(properties);
    const problem = await this.push(fields, body, properties, connection);
    const queueId = drafts.chooseQueue(fields.queueId, config);
    const place = settings.storeReplyMessageEnable
      ? await this.store(fields, body, stored, properties, queueId, connection)
      : null;
    const answered = { ...this.commonFields(), ...place };
    if (problem !== null) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: problem, fields: answered };
    }
    return { fields: { msgId: "0", queueId, queueOffset: 0, ...answered } };
  }

  /** Null when the producer has taken the reply, else Apache's remark. */
  private async push(
    fields: SendFields,
    body: Uint8Array,
    properties: Map<string, string>,
    connection: Connection,
  ): Promise<string | null> {
    const { clock, log, producers, server, storeHost } = this.options;
    const clientId = properties.get(PROPERTY.replyToClient);
    if (clientId === undefined) {
      return `reply message properties[${PROPERTY.replyToClient}] is null`;
    }
    const client = producers.clientOf(clientId);
    if (client === undefined) {
      return `push reply message fail, channel of <${clientId}> not found.`;
    }
    const nowMs = clock.nowMs();
    const born = connection.remoteHost;
    const extFields = encodeFields(PUSH_REPLY_MESSAGE_TO_CLIENT.request, {
      ...fields,
      properties: formatProperties([...properties, [PROPERTY.pushReplyTime, String(nowMs)]]),
      bornTimestamp: fields.bornTimestampMs,
      bornHost: formatHost(born.address, born.port),
      storeHost: formatHost(storeHost.address, storeHost.port),
      storeTimestamp: nowMs,
    });
    const { serializeType } = client;
    const request = requestCommand(PUSH_REPLY_MESSAGE_TO_CLIENT.code, {
      extFields,
      body,
      serializeType,
    });
    try {
      const answer = await server.invoke(client.connection, request, PUSH_REPLY_TIMEOUT_MS);
      if (answer.code === ResponseCode.SUCCESS) return null;
      log.warn("a reply was refused by its client", { clientId, remark: answer.remark });
    } catch (error) {
      if (!(error instanceof RemotingError)) throw error;
      log.warn("a reply couldn't be pushed", { clientId, error });
    }
    // Apache has no blank before "fail" either.
    return `push reply message to ${clientId}fail.`;
  }

  /** Where the reply is stored; null when it isn't, which the log alone is told. */
  private async store(
    fields: SendFields,
    body: Uint8Array,
    stored: Uint8Array,
    properties: ReadonlyMap<string, string>,
    queueId: number,
    connection: Connection,
  ): Promise<{ msgId: string; queueId: number; queueOffset: number } | null> {
    const { log, stats, store, storeHost } = this.options;
    const { topic } = fields;
    const born = connection.remoteHost;
    const [result] = await store.put([{
      topic,
      queueId,
      flag: fields.flag,
      // Apache forgets it, so that a compressed reply can't be read from its store.
      sysFlag: fields.sysFlag,
      bornTimestampMs: fields.bornTimestampMs,
      bornAddress: born.address,
      bornPort: born.port,
      reconsumeTimes: fields.reconsumeTimes,
      preparedTransactionOffset: 0,
      body,
      properties: stored,
      tagsCode: tagsCode(properties.get(PROPERTY.tags) ?? ""),
      uniqueKey: properties.get(PROPERTY.uniqueKey) ?? "",
      keys: properties.get(PROPERTY.keys) ?? "",
      batchCount: 1,
    }]);
    const { status, detail, physicalOffset, queueOffset, size } = result!;
    if (!isStored(status)) {
      log.warn("a reply was pushed but not stored", { topic, status, detail });
      return null;
    }
    stats.topicPut(topic, queueId, 1, size);
    stats.brokerPut(topic, 1);
    const msgId = encodeOffsetMessageId(storeHost.address, storeHost.port, physicalOffset);
    return { msgId, queueId, queueOffset };
  }

  private commonFields(): { MSG_REGION: string; TRACE_ON: string } {
    const { regionId, traceOn } = this.options.settings;
    return { MSG_REGION: regionId, TRACE_ON: String(traceOn) };
  }
}
