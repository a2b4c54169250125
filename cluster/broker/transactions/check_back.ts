// Asks a producer of the group how a transaction ended: request 39, one-way, with the half message as its body, addressed
// to its real topic. Whichever producer of the group is connected answers, by an END_TRANSACTION
// (Java: AbstractTransactionalMessageCheckListener.sendCheckMessage).
import type { Logger } from "../../../core/log.ts";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { encodeProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { encodeRecord } from "../../../core/message/record.ts";
import { magicFor } from "../../../core/message/record_layout.ts";
import { STORE_HOST_V6 } from "../../../core/message/sys_flag.ts";
import { TRANSACTION_HALF_TOPIC } from "../../../core/message/topic_names.ts";
import { requestCommand } from "../../../core/remoting/answers.ts";
import { CHECK_TRANSACTION_STATE } from "../../../core/remoting/codes/client_bound.ts";
import { encodeFields } from "../../../core/remoting/fields.ts";
import type { HostAddress, PeerCaller } from "../../../core/remoting/handler.ts";
import type { Producers } from "../clients/producers.ts";
import type { HalfMessage } from "./half_message.ts";
import { ASKED_UNSENT_BYTES_MAX } from "./limits.ts";

export interface CheckBackParts {
  server: PeerCaller;
  producers: Producers;
  storeHost: HostAddress;
  log: Logger;
  settings: { readonly brokerName: string };
}

export class CheckBacks {
  constructor(private readonly parts: CheckBackParts) {}

  /** `half` as it is stored now: with its new offsets and its checks counted. */
  ask(half: HalfMessage): void {
    const { server, producers, storeHost, log, settings } = this.parts;
    const group = half.properties.get(PROPERTY.producerGroup) ?? "";
    const client = producers.anyOf(group, ASKED_UNSENT_BYTES_MAX);
    if (client === undefined) {
      log.warn("no producer to ask about a transaction", { group, topic: half.realTopic });
      return;
    }
    const uniqueKey = half.properties.get(PROPERTY.uniqueKey);
    const { address, port } = storeHost;
    const extFields = encodeFields(CHECK_TRANSACTION_STATE.request, {
      topic: TRANSACTION_HALF_TOPIC,
      commitLogOffset: half.physicalOffset,
      tranStateTableOffset: half.queueOffset,
      offsetMsgId: encodeOffsetMessageId(address, port, half.physicalOffset),
      ...(uniqueKey !== undefined && { msgId: uniqueKey, transactionId: uniqueKey }),
      bname: settings.brokerName,
    });
    const { connection, serializeType } = client;
    const body = checkBody(half, storeHost);
    server.oneway(
      connection,
      requestCommand(CHECK_TRANSACTION_STATE.code, { extFields, body, serializeType }),
    );
  }
}

/** The record that the producer sees: the message that it sent, at the half's place. */
export function checkBody(half: HalfMessage, storeHost: HostAddress): Uint8Array {
  const properties = new Map(half.properties);
  properties.set(PROPERTY.waitStoreOk, "false");
  const isStoreHostV6 = storeHost.address.length === 16;
  return encodeRecord({
    magic: magicFor(half.realTopic.length),
    bodyCrc: half.bodyCrc,
    queueId: half.realQueueId,
    flag: half.flag,
    queueOffset: half.queueOffset,
    physicalOffset: half.physicalOffset,
    sysFlag: (half.sysFlag & ~STORE_HOST_V6) | (isStoreHostV6 ? STORE_HOST_V6 : 0),
    bornTimestampMs: half.bornTimestampMs,
    bornAddress: half.bornAddress,
    bornPort: half.bornPort,
    storeTimestampMs: half.storeTimestampMs,
    storeAddress: storeHost.address,
    storePort: storeHost.port,
    reconsumeTimes: half.reconsumeTimes,
    preparedTransactionOffset: 0,
    body: half.body,
    topic: half.realTopic,
    properties: encodeProperties(properties),
  });
}
