// How many transactions of each topic are open, as Apache keeps it in config/transactionMetrics. Figures for people: a
// crash may leave them behind what the half topic holds, as in Apache.
import type { Clock } from "../../../core/time/clock.ts";
import {
  type DataVersion,
  firstDataVersion,
  nextDataVersion,
  parseDataVersion,
} from "../data_version.ts";
import type { TableFile } from "../table_file.ts";

interface Count {
  count: number;
  timeStamp: number;
}

export class TransactionCounts {
  private readonly counts = new Map<string, Count>();
  private version: DataVersion;
  private dirty = false;

  constructor(private readonly file: TableFile, private readonly clock: Clock) {
    this.version = firstDataVersion(clock.nowMs());
    const text = file.load();
    if (text !== null) this.decode(text);
  }

  add(topic: string, change: number): void {
    const nowMs = this.clock.nowMs();
    const known = this.counts.get(topic);
    this.counts.set(topic, { count: (known?.count ?? 0) + change, timeStamp: nowMs });
    this.version = nextDataVersion(this.version, nowMs);
    this.dirty = true;
  }

  get(topic: string): number {
    return this.counts.get(topic)?.count ?? 0;
  }

  /** Topic → its open transactions. */
  all(): ReadonlyMap<string, Readonly<Count>> {
    return this.counts;
  }

  /** The file's text (Java: TransactionMetricsSerializeWrapper). */
  encode(): string {
    return JSON.stringify({
      dataVersion: this.version,
      transactionCount: Object.fromEntries(this.counts),
    });
  }

  /** Rejects with DiskError; then it is tried again next time. */
  async saveWhenDirty(): Promise<void> {
    if (!this.dirty) return;
    this.dirty = false;
    try {
      await this.file.saveInBackground(this.encode());
    } catch (error) {
      this.dirty = true;
      throw error;
    }
  }

  /** Figures that can't be read are begun anew: nothing rests on them. */
  private decode(text: string): void {
    let table: unknown;
    try {
      table = JSON.parse(text);
    } catch {
      return;
    }
    const { dataVersion, transactionCount } = table as Record<string, unknown>;
    this.version = parseDataVersion(dataVersion);
    for (const [topic, value] of Object.entries(transactionCount ?? {})) {
      const { count, timeStamp } = value as Record<string, unknown>;
      this.counts.set(topic, { count: Number(count) || 0, timeStamp: Number(timeStamp) || 0 });
    }
  }
}
