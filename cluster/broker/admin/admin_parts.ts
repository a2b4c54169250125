// What admin handlers are made of, and the limits that only they have.
import type { LiveConfig } from "../../../core/config/live_config.ts";
import type { BrokerConfig } from "../../../core/config/tables.ts";
import type { Disk } from "../../../core/disk/disk.ts";
import { FRAME_BYTES_MAX } from "../../../core/limits.ts";
import type { Logger } from "../../../core/log.ts";
import type { HandlerRegistry, PeerCaller } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { RetentionControl } from "../../../store/retention/retention.ts";
import type { DelayOffsets } from "../../../store/schedule/delay_offsets.ts";
import type { Consumers } from "../clients/consumers.ts";
import type { Producers } from "../clients/producers.ts";
import type { GroupTable } from "../groups/group_table.ts";
import type { OffsetTable } from "../offsets/offset_table.ts";
import type { Statistics } from "../stats/open_stats.ts";
import type { OpenedTimer } from "../timer/open_timer.ts";
import type { TopicTable } from "../topics/topic_table.ts";

export interface AdminParts {
  /** Registers handlers, and carries the broker's own requests to its clients. */
  server: HandlerRegistry & PeerCaller;
  store: MessageStore & RetentionControl;
  topics: TopicTable;
  groups: GroupTable;
  producers: Producers;
  consumers: Consumers;
  offsets: OffsetTable;
  delayOffsets: DelayOffsets;
  /** Null while timerWheelEnable is false. */
  timer: OpenedTimer | null;
  statistics: Statistics;
  config: LiveConfig<BrokerConfig>;
  disk: Pick<Disk, "usageSync">;
  clock: Clock;
  log: Logger;
  /** Sends that wait, and how many were refused because too many did. */
  sends: { readonly count: number; readonly refusedTotal: number };
  /** brokerIP1 and the port that it listens on, "127.0.0.1:10911". */
  brokerAddress: string;
}

/** How long a client may take to answer what an operator asks of it through the broker. */
export const RELAY_TIMEOUT_MS = 10_000;
/** The same for a group's members asked for their offsets. */
export const CONSUMER_STATUS_TIMEOUT_MS = 5_000;
/** Topics that one request for consume statistics may list. */
export const TOPIC_LIST_LENGTH_MAX = 10_000;
/** Room for an answer's header below the largest frame. */
const HEADER_RESERVE_BYTES = 64 * 1024;
export const BODY_BYTES_MAX = FRAME_BYTES_MAX - HEADER_RESERVE_BYTES;

/** What RemotingCommand.createResponseCommand leaves in answers whose remark nobody sets. */
export const REMARK_NOT_SET = "not set any response code";
