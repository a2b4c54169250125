// What the log itself tells about a transaction that memory no longer knows: its committed message, or that it was given
// up. Asked rarely: for ends that come very late, and once for what a killed broker left open. Changes nothing.
import { DecodeError } from "../../../core/errors.ts";
import { parseProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import { TRANSACTION_COMMIT, transactionState } from "../../../core/message/sys_flag.ts";
import {
  SCHEDULE_TOPIC,
  TIMER_TOPIC,
  TRANSACTION_CHECK_MAX_TOPIC,
} from "../../../core/message/topic_names.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { TIMER_PROPERTIES } from "../put_rules.ts";
import type { HalfMessage } from "./half_message.ts";
import { TRACES_MAX } from "./limits.ts";

export class Traces {
  constructor(
    private readonly store: Pick<MessageStore, "queryIndex" | "read">,
    /** Without an index nothing is found. */
    readonly enabled: boolean,
  ) {}

  /** Whether the transaction's message was handed to consumers, or to a delay. */
  async isCommitted(half: HalfMessage): Promise<boolean> {
    const topics = [half.realTopic];
    if (half.properties.has(PROPERTY.delayLevel)) topics.push(SCHEDULE_TOPIC);
    if (TIMER_PROPERTIES.some((name) => half.properties.has(name))) topics.push(TIMER_TOPIC);
    for (const topic of topics) {
      if (await this.find(half, topic, TRANSACTION_COMMIT)) return true;
    }
    return false;
  }

  async isGivenUp(half: HalfMessage): Promise<boolean> {
    return await this.find(half, TRANSACTION_CHECK_MAX_TOPIC, 0);
  }

  private async find(half: HalfMessage, topic: string, state: number): Promise<boolean> {
    const uniqueKey = half.properties.get(PROPERTY.uniqueKey);
    if (uniqueKey === undefined || !this.enabled) return false;
    const { store } = this;
    const { offsets } = await store.queryIndex(topic, uniqueKey, TRACES_MAX, 0, Infinity);
    for (const offset of offsets) {
      const view = await store.read(offset);
      if (view === null) continue;
      try {
        const record = decodeRecord(view.buffer, view.start, view.start + view.size);
        if (record.topic !== topic || record.bornTimestampMs !== half.bornTimestampMs) continue;
        if (state !== 0 && transactionState(record.sysFlag) !== state) continue;
        if (parseProperties(record.properties).get(PROPERTY.uniqueKey) === uniqueKey) return true;
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
    }
    return false;
  }
}
