// The workloads that every simulated history runs: plug further ones in here.
import type { WorkloadMaker } from "../workload.ts";
import { delayedMessages, timedMessages } from "./delayed.ts";
import { LocksWorkload } from "./locks.ts";
import { MessagesWorkload } from "./messages.ts";
import { OffsetsWorkload } from "./offsets.ts";
import { OrderedPopsWorkload } from "./ordered_pops.ts";
import { PopsWorkload } from "./pops.ts";
import { TablesWorkload } from "./tables.ts";
import { TransactionsWorkload } from "./transactions.ts";

export const STANDARD_WORKLOADS: readonly WorkloadMaker[] = [
  () => new MessagesWorkload(),
  delayedMessages,
  timedMessages,
  () => new OffsetsWorkload(),
  () => new PopsWorkload(),
  () => new OrderedPopsWorkload(),
  () => new TablesWorkload(),
  () => new TransactionsWorkload(),
  () => new LocksWorkload(),
];
