// Counts what the appender did. Only counts: what the figures mean to operators is decided where they are shown.

/** What was appended, for statistics. */
export class AppendMeter {
  records = 0;
  bytes = 0;
  failed = 0;
  private latencyMsMax = 0;

  noteWrite(records: number, bytes: number, tookMs: number): void {
    this.records += records;
    this.bytes += bytes;
    if (tookMs > this.latencyMsMax) this.latencyMsMax = tookMs;
  }

  /** The longest write since the last call. */
  takeLatencyMsMax(): number {
    const latencyMsMax = this.latencyMsMax;
    this.latencyMsMax = 0;
    return latencyMsMax;
  }
}
