// Where a consumer's offsets are kept: by the brokers, or, for broadcasting, in a file of its own.
import type { BrokerCalls } from "./broker_calls.ts";
import { BrokerOffsetStore } from "./broker_offset_store.ts";
import type { ClientCore } from "./client_core.ts";
import { FileOffsetStore } from "./file_offset_store.ts";
import type { OffsetStore } from "./offsets.ts";

export interface OffsetStoreOptions {
  group: string;
  model: "clustering" | "broadcasting";
  /** The folder of all clients' files. Default: ~/.rocketmq_offsets. */
  offsetFolder?: string | undefined;
}

export function openOffsetStore(
  core: ClientCore,
  calls: BrokerCalls,
  { group, model, offsetFolder }: OffsetStoreOptions,
): OffsetStore {
  if (model === "clustering") return new BrokerOffsetStore(calls, group);
  const { disk, homeDirectory } = core.environment;
  return new FileOffsetStore({
    disk,
    log: core.log,
    folder: offsetFolder ?? `${homeDirectory}/.rocketmq_offsets`,
    clientId: core.clientId,
    group,
  });
}
