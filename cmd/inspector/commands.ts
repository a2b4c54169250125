// The list of the inspector's commands. Each family declares its own rows.
import { publishCommand } from "../publish.ts";
import { subscribeCommand } from "../subscribe.ts";
import { brokerCommands } from "./brokers.ts";
import { clusterCommands } from "./clusters.ts";
import type { CommandRow } from "./command.ts";
import { consumerStatusCommands } from "./consumer_status.ts";
import { consumerCommands } from "./consumers.ts";
import { groupCommands } from "./groups.ts";
import { traceCommands } from "./message_traces.ts";
import { messageCommands } from "./messages.ts";
import { exportCommands } from "./metadata_export.ts";
import { nameServerCommands } from "./name_servers.ts";
import { offsetCommands } from "./offsets.ts";
import { printCommands } from "./print_messages.ts";
import { producerCommands } from "./producers.ts";
import { queueCommands } from "./queue_entries.ts";
import { sendCommands } from "./send_messages.ts";
import { sendTimeCommands } from "./send_times.ts";
import { storeCommands } from "./stores.ts";
import { statsCommands } from "./stats.ts";
import { topicChangeCommands } from "./topic_changes.ts";
import { topicCommands } from "./topics.ts";
import { transactionCommands } from "./transactions.ts";

/** Commands that belong together, in the order of docs/CLI.md. */
export interface CommandFamily {
  title: string;
  rows: readonly CommandRow[];
}

export const commandFamilies: readonly CommandFamily[] = [
  { title: "Clusters and brokers", rows: [...clusterCommands, ...brokerCommands] },
  { title: "Topics", rows: [...topicCommands, ...topicChangeCommands, ...queueCommands] },
  {
    title: "Groups, consumers and producers",
    rows: [...groupCommands, ...consumerCommands, ...consumerStatusCommands, ...producerCommands],
  },
  { title: "Offsets", rows: offsetCommands },
  {
    title: "Messages",
    rows: [
      ...messageCommands,
      ...traceCommands,
      ...printCommands,
      ...sendCommands,
      ...sendTimeCommands,
      ...transactionCommands,
    ],
  },
  { title: "Pipes", rows: [publishCommand(), subscribeCommand()] },
  { title: "Name servers", rows: nameServerCommands },
  { title: "Stores, offline", rows: storeCommands },
  { title: "Statistics and export", rows: [...statsCommands, ...exportCommands] },
];

export const commands: readonly CommandRow[] = commandFamilies.flatMap(({ rows }) => rows);
