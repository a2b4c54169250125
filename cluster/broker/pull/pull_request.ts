// One pull as it came, kept while it is held: its fields, its connection and what its answer must repeat.
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import type { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import type { Connection } from "../../../core/remoting/handler.ts";

/** Bits of a pull's sysFlag (Java: PullSysFlag). */
export const PULL_COMMITS = 1;
export const PULL_SUSPENDS = 2;
export const PULL_SUBSCRIBES = 4;

/** Who a proxy pulls for (Java: RequestSource). */
export const SOURCE_PROXY_FOR_BROADCAST = 1;
export const SOURCE_PROXY_FOR_STREAM = 2;

export type PullFields = RequestFieldsOf<typeof PULL_MESSAGE>;

export interface PullRequest {
  readonly fields: PullFields;
  readonly command: RemotingCommand;
  readonly connection: Connection;
  /** When it came, or was taken up again after it was held, on the monotonic clock. */
  arrivedMs: number;
  /** Its group's key in the offset table, built once. */
  readonly offsetKey: string;
  /** False once it was held: then it isn't held again, and commits nothing. */
  maySuspend: boolean;
}
