// Where a consumer's offsets are kept: by the brokers, or, for broadcasting, in a file of its own.
import type { BrokerCalls } from "./broker_calls.ts";
import { BrokerOffsetStore } from "./broker_offset_store.ts";
import type { ClientCore } from "./client_core.ts";
import { FileOffsetStore } from "./file_offset_store.ts";
import type { OffsetStore } from "./offsets.ts";
import type { ConsumeFrom } from "./start_offset.ts";

export interface OffsetStoreOptions {
  group: string;
  model: "clustering" | "broadcasting";
  consumeFrom: ConsumeFrom;
  /** The folder of all clients' files. Default: ~/.rocketmq_offsets. */
  offsetFolder?: string | undefined;
}

export function openOffsetStore(
  core: ClientCore,
  calls: BrokerCalls,
  { group, model, consumeFrom, offsetFolder }: OffsetStoreOptions,
): OffsetStore {
  if (model === "clustering") {
    // A group that begins at a time does so in young queues too; one that begins at the end keeps
    // what Apache's brokers do for it: a new topic's first messages aren't skipped.
    return new BrokerOffsetStore(calls, group, consumeFrom instanceof Date);
  }
  const { disk, homeDirectory } = core.environment;
  return new FileOffsetStore({
    disk,
    log: core.log,
    folder: offsetFolder ?? `${homeDirectory}/.rocketmq_offsets`,
    clientId: core.clientId,
    group,
  });
}
