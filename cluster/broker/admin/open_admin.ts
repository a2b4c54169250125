// Registers the admin commands. What topics, groups, offsets and clients say of themselves is registered by their own
// folders; here are listings, figures, resets, relays to clients, configuration and clean-up.
import type { AdminParts } from "./admin_parts.ts";
import { registerClientRelay } from "./client_relay.ts";
import { registerClientViews } from "./client_views.ts";
import { registerColdData } from "./cold_data.ts";
import { registerConfigCodes } from "./config_codes.ts";
import { registerConsumeStats } from "./consume_stats.ts";
import { registerGroupViews } from "./group_views.ts";
import { registerOffsetViews } from "./offset_views.ts";
import { registerReplicationViews } from "./replication_views.ts";
import { registerResetOffsets } from "./reset_offsets.ts";
import { registerRuntimeInfo } from "./runtime_info.ts";
import { registerTopicViews } from "./topic_views.ts";
import { registerUpkeep } from "./upkeep.ts";

export type AdminOptions = AdminParts;

export function openAdmin(options: AdminOptions): void {
  registerTopicViews(options);
  registerGroupViews(options);
  registerClientViews(options);
  registerConsumeStats(options);
  registerOffsetViews(options);
  registerResetOffsets(options);
  registerClientRelay(options);
  registerConfigCodes(options);
  registerColdData(options);
  registerRuntimeInfo(options);
  registerUpkeep(options);
  registerReplicationViews(options);
}
