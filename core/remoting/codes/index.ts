// The table of request codes: every row of every family, looked up by code. Each family declares its own rows.
import type { CodeRow } from "../code_row.ts";
import * as admin from "./admin.ts";
import * as auth from "./auth.ts";
import * as clientBound from "./client_bound.ts";
import * as coldData from "./cold_data.ts";
import * as container from "./container.ts";
import * as controller from "./controller.ts";
import * as dledger from "./dledger.ts";
import * as groups from "./groups.ts";
import * as legacy from "./legacy.ts";
import * as locks from "./locks.ts";
import * as namesrv from "./namesrv.ts";
import * as offsets from "./offsets.ts";
import * as pop from "./pop.ts";
import * as pull from "./pull.ts";
import * as query from "./query.ts";
import * as replication from "./replication.ts";
import * as rocksdb from "./rocksdb.ts";
import * as send from "./send.ts";
import * as staticTopics from "./static_topics.ts";
import * as timer from "./timer.ts";
import * as topics from "./topics.ts";
import * as transactions from "./transactions.ts";

/** Rows that belong together, in the order of docs/PROTOCOL.md. */
export interface CodeFamily {
  title: string;
  rows: readonly CodeRow[];
}

export const codeFamilies: readonly CodeFamily[] = [
  family("Sending", send),
  family("Pulling", pull),
  family("POP consuming", pop),
  family("Offsets", offsets),
  family("Clients and groups", groups),
  family("Topics", topics),
  family("Queue locks", locks),
  family("Looking at messages", query),
  family("Transactions", transactions),
  family("Timed messages", timer),
  family("Asked of clients", clientBound),
  family("Name server", namesrv),
  family("Operating a broker", admin),
  family("Masters and slaves", replication),
  family("Controller", controller),
  family("Static topics", staticTopics),
  family("Users and access rules", auth),
  family("Cold data", coldData),
  family("RocksDB", rocksdb),
  family("Broker container", container),
  family("DLedger", dledger),
  family("Leftovers", legacy),
];

function family(title: string, rows: Record<string, CodeRow>): CodeFamily {
  return { title, rows: Object.values(rows).sort((a, b) => a.code - b.code) };
}

/** All rows, by code. */
export const allRows: readonly CodeRow[] = codeFamilies
  .flatMap((family) => family.rows)
  .sort((a, b) => a.code - b.code);

const rowsByCode = new Map(allRows.map((row) => [row.code, row]));

export function rowByCode(code: number): CodeRow | undefined {
  return rowsByCode.get(code);
}

/** The constant's name for logs and listings; "REQUEST_CODE_<n>" for a code that 5.4.0 doesn't know. */
export function requestCodeName(code: number): string {
  return rowsByCode.get(code)?.name ?? `REQUEST_CODE_${code}`;
}
