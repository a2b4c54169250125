// How long puts took, as runtime info shows it: the longest since the start, and last minute's distribution. The store
// tells a second's puts and the longest of them, so a second's puts all count as that long: never shown too small.

/** Upper bounds in ms of the distribution's buckets and their names (Java: StoreStatsService). */
const BUCKETS: readonly [below: number, name: string][] = [
  [1, "[<=0ms]"],
  [10, "[0~10ms]"],
  [50, "[10~50ms]"],
  [100, "[50~100ms]"],
  [200, "[100~200ms]"],
  [500, "[200~500ms]"],
  [1000, "[500ms~1s]"],
  [2000, "[1~2s]"],
  [3000, "[2~3s]"],
  [4000, "[3~4s]"],
  [5000, "[4~5s]"],
  [10_000, "[5~10s]"],
  [Infinity, "[10s~]"],
];
const MINUTE_MS = 60_000;

interface SecondOfPuts {
  count: number;
  latencyMs: number;
}

export class PutLatency {
  /** The longest put since the start, in whole ms. */
  entireMsMax = 0;
  private minuteStartMs: number;
  private current: SecondOfPuts[] = [];
  private last: SecondOfPuts[] | null = null;

  constructor(nowMs: number) {
    this.minuteStartMs = nowMs;
  }

  sample(nowMs: number, putCount: number, latencyMsMax: number): void {
    const latencyMs = Math.floor(latencyMsMax);
    this.entireMsMax = Math.max(this.entireMsMax, latencyMs);
    if (putCount > 0) this.current.push({ count: putCount, latencyMs });
    if (nowMs - this.minuteStartMs < MINUTE_MS) return;
    this.last = this.current.sort((left, right) => left.latencyMs - right.latencyMs);
    this.current = [];
    this.minuteStartMs = nowMs;
  }

  /** "[<=0ms]:12 [0~10ms]:0 …" of the last whole minute; null before the first. */
  distribution(): string | null {
    const { last } = this;
    if (last === null) return null;
    let from = 0;
    return BUCKETS.map(([below, name]) => {
      const count = last.filter(({ latencyMs }) => latencyMs >= from && latencyMs < below)
        .reduce((sum, second) => sum + second.count, 0);
      from = below;
      return `${name}:${count} `;
    }).join("");
  }

  /** The latency in ms that this share of last minute's puts didn't exceed; 0 before the first minute. */
  quantileMs(share: number): number {
    const last = this.last ?? [];
    const total = last.reduce((sum, { count }) => sum + count, 0);
    let passed = 0;
    for (const { count, latencyMs } of last) {
      passed += count;
      if (passed >= total * share) return latencyMs;
    }
    return 0;
  }
}
