// Registers the look-ups of single messages and queue entries: codes 12, 33 and 321.
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Consumers } from "../clients/consumers.ts";
import { registerMessageQueries } from "./message_queries.ts";
import { registerQueueEntries } from "./queue_entries.ts";

/** Configuration keys by Apache's names. */
export interface QuerySettings {
  /** Messages of a query by unique key. */
  defaultQueryMaxNum: number;
  /** Messages of any query. */
  maxMsgsNumBatch: number;
}

export interface QueryOptions {
  server: HandlerRegistry;
  store: Pick<
    MessageStore,
    "minPhysicalOffset" | "queryIndex" | "read" | "queueBounds" | "openCursor"
  >;
  consumers: Pick<Consumers, "subscription">;
  settings: QuerySettings;
}

export function openQuery(options: QueryOptions): void {
  registerMessageQueries(options);
  registerQueueEntries(options);
}
