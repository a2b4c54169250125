// The list of the inspector's commands. Each family declares its own rows.
import type { CommandRow } from "./command.ts";
import { clusterCommands } from "./clusters.ts";
import { topicCommands } from "./topics.ts";

export const commands: readonly CommandRow[] = [
  ...clusterCommands,
  ...topicCommands,
];
