// Figures of the whole broker that runtime info shows: rates of puts and gets, put latency, and the day's totals.
// Sampled by a background task; reads totals that others keep (Java: StoreStatsService, BrokerStats).
import type { StoreStats } from "../../../store/message_store.ts";
import type { BrokerStats } from "./broker_stats.ts";
import { PutLatency } from "./put_latency.ts";
import { RateSeries, summedRates } from "./rates.ts";

/** Totals without system topics: now, and as they were at the last midnights. */
export interface DayTotals {
  yesterdayMorning: number;
  todayMorning: number;
  now: number;
}

export class RuntimeFigures {
  readonly putLatency: PutLatency;
  private readonly puts = new RateSeries();
  private readonly found = new RateSeries();
  private readonly missed = new RateSeries();
  private readonly transferred = new RateSeries();
  private readonly mornings = { put: [0, 0], get: [0, 0] };
  private lastPutTotal = 0;
  /** The store forgets its longest put whenever it is asked; here it is kept for the next sample. */
  private putLatencyMsMax = 0;

  constructor(
    private readonly stats: BrokerStats,
    private readonly storeStats: () => StoreStats,
    /** When the broker started, on the wall clock. */
    readonly bootMs: number,
  ) {
    this.putLatency = new PutLatency(bootMs);
  }

  /** Once a second. */
  sample(nowMs: number): void {
    const { putTotal } = this.readStore();
    const totals = this.stats.totals();
    this.puts.sample(nowMs, putTotal);
    this.found.sample(nowMs, totals.getFoundRequests);
    this.missed.sample(nowMs, totals.getMissedRequests);
    this.transferred.sample(nowMs, totals.gotMessages);
    this.putLatency.sample(nowMs, putTotal - this.lastPutTotal, this.putLatencyMsMax);
    this.lastPutTotal = putTotal;
    this.putLatencyMsMax = 0;
  }

  /** The store's figures now. */
  readStore(): StoreStats {
    const stats = this.storeStats();
    this.putLatencyMsMax = Math.max(this.putLatencyMsMax, stats.putLatencyMsMaxRecent);
    return stats;
  }

  /** At midnight: today's morning becomes yesterday's. */
  recordMorning(): void {
    const { userPutMessages, userGetMessages } = this.stats.totals();
    this.mornings.put = [this.mornings.put[1]!, userPutMessages];
    this.mornings.get = [this.mornings.get[1]!, userGetMessages];
  }

  dayTotals(): { put: DayTotals; get: DayTotals } {
    const { userPutMessages, userGetMessages } = this.stats.totals();
    return {
      put: dayTotalsOf(this.mornings.put, userPutMessages),
      get: dayTotalsOf(this.mornings.get, userGetMessages),
    };
  }

  /** Each a text of three rates: over 10, 60 and 600 seconds. */
  rates(): Record<"put" | "getFound" | "getMiss" | "getTotal" | "getTransferred", string> {
    return {
      put: this.puts.text(),
      getFound: this.found.text(),
      getMiss: this.missed.text(),
      getTotal: summedRates(this.found, this.missed),
      getTransferred: this.transferred.text(),
    };
  }
}

function dayTotalsOf([yesterdayMorning, todayMorning]: number[], now: number): DayTotals {
  return { yesterdayMorning: yesterdayMorning!, todayMorning: todayMorning!, now };
}
