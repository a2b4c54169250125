// The delay levels of messageDelayLevel: level 1 is the first, and its messages wait in queue 0 of SCHEDULE_TOPIC_XXXX.
// Pure: knows no queue and no clock (Java: ScheduleMessageService.parseDelayLevel).
import { UsageError } from "../../core/errors.ts";

const UNIT_MS: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const LEVEL = /^(\d{1,9})([smhd])$/;

export class DelayLevels {
  private constructor(private readonly delaysMs: readonly number[]) {}

  /** "1s 5s 10s …" as broker.conf spells it. Throws UsageError naming the level that is wrong. */
  static parse(text: string): DelayLevels {
    const delaysMs = text.trim().split(/ +/).map((level, index) => {
      const match = LEVEL.exec(level);
      if (match === null) {
        throw new UsageError(
          `messageDelayLevel: level ${index + 1} is '${level}', not a number with s, m, h or d`,
        );
      }
      return Number(match[1]) * UNIT_MS[match[2]!]!;
    });
    return new DelayLevels(delaysMs);
  }

  get max(): number {
    return this.delaysMs.length;
  }

  /** The level that a message asks for, cut to the highest there is. */
  clamp(level: number): number {
    return Math.min(level, this.max);
  }

  /** How long a level waits; undefined for a level that doesn't exist. */
  delayMs(level: number): number | undefined {
    return this.delaysMs[level - 1];
  }

  /** When a message of a level that was stored then is due. Java gives an unknown level one second. */
  dueMs(level: number, storedMs: number): number {
    return storedMs + (this.delayMs(level) ?? 1000);
  }

  static queueOf(level: number): number {
    return level - 1;
  }

  static levelOf(queueId: number): number {
    return queueId + 1;
  }
}
