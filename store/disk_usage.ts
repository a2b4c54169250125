// How full the store's file system is, asked no more often than it matters: the answer is a call to the system each.
import { type Disk, usedRatioOf } from "../core/disk/disk.ts";
import type { Clock } from "../core/time/clock.ts";

const AGE_MS_MAX = 10_000;

export class DiskUsage {
  private ratio = 0;
  private atMs = -Infinity;

  constructor(
    private readonly disk: Disk,
    private readonly path: string,
    private readonly clock: Clock,
  ) {}

  /** Used share, 0 to 1; at most ten seconds old. Throws DiskError. */
  get usedRatio(): number {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.atMs > AGE_MS_MAX) {
      this.atMs = nowMs;
      this.ratio = usedRatioOf(this.disk.usageSync(this.path));
    }
    return this.ratio;
  }
}
