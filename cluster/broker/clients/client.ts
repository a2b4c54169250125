// One client instance as a heartbeat introduced it, bound to the connection that it came on.
import type { SerializeType } from "../../../core/remoting/command.ts";
import type { Connection } from "../../../core/remoting/handler.ts";

export interface Client {
  readonly connection: Connection;
  clientId: string;
  language: string;
  version: number;
  /** How requests to it are serialized: the way that it speaks itself. */
  serializeType: SerializeType;
  /** Its last heartbeat, on the wall clock (listings show it). */
  lastUpdateMs: number;
}

/** Without a heartbeat for this long a producer is dropped and its connection closed. */
export const PRODUCER_EXPIRY_MS = 120_000;
/** Between two looks for expired clients. */
export const CLIENT_SCAN_INTERVAL_MS = 10_000;
