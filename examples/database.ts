// SQLite as the platform has it: bun:sqlite, or node:sqlite under Deno and Node. What the examples
// use of it is the same in both.

interface Statement {
  run(...values: (string | number)[]): unknown;
  get(...values: (string | number)[]): unknown;
  all(...values: (string | number)[]): unknown[];
}

export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

/** An empty database in memory; a real service names a file. */
export async function openDatabase(): Promise<Database> {
  const isBun = "Bun" in globalThis;
  const sqlite = await import(isBun ? "bun:sqlite" : "node:sqlite");
  return isBun ? new sqlite.Database(":memory:") : new sqlite.DatabaseSync(":memory:");
}

/** Does all of it or nothing. */
export function inTransaction<T>(database: Database, work: () => T): T {
  database.exec("BEGIN");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
