// How far each delay level has been delivered, as config/delayOffset.json keeps it: Apache's format, whose map has bare
// integer keys. Knows the text only; where it is kept and who moves the offsets is others' business.
import { parseLenientJson } from "../../core/json/lenient_reader.ts";
import { type JsonObject, LenientMap, mapEntries } from "../../core/json/json_value.ts";

/** Deliveries between two moves of the data version (Java: delayOffsetUpdateVersionStep). */
export const DELAY_OFFSET_VERSION_STEP = 200;

export class DelayOffsets {
  private readonly offsets = new Map<number, number>();
  private counter = 0;
  private stateVersion = 0;
  private timestamp: number;
  private moves = 0;
  private dirty = false;

  constructor(nowMs: number, private readonly versionStep = DELAY_OFFSET_VERSION_STEP) {
    this.timestamp = nowMs;
  }

  /** The offset of a level's next message; 0 before the first delivery. */
  get(level: number): number {
    return this.offsets.get(level) ?? 0;
  }

  has(level: number): boolean {
    return this.offsets.has(level);
  }

  /** Moves a level on after `count` deliveries. */
  set(level: number, offset: number, count: number, nowMs: number): void {
    this.offsets.set(level, offset);
    this.dirty = true;
    for (let move = 0; move < count; move++) {
      this.moves++;
      if (this.moves % this.versionStep !== 0) continue;
      this.counter++;
      this.timestamp = nowMs;
    }
  }

  /** True once after changes: the caller is going to save. */
  takeDirty(): boolean {
    const dirty = this.dirty;
    this.dirty = false;
    return dirty;
  }

  /** What was going to be saved isn't. */
  markDirty(): void {
    this.dirty = true;
  }

  /** Level and offset of every level that has one, in the order of levels. */
  all(): [level: number, offset: number][] {
    return [...this.offsets].sort(([left], [right]) => left - right);
  }

  encode(): string {
    const { counter, stateVersion, timestamp } = this;
    const version = JSON.stringify({ counter, stateVersion, timestamp });
    const levels = this.all().map(([level, offset]) => `\n\t\t${level}:${offset}`);
    const table = levels.length === 0 ? "{}" : `{${levels.join(",")}\n\t}`;
    return `{\n\t"dataVersion":${version},\n\t"offsetTable":${table}\n}`;
  }

  /** Takes over what a file says. Throws DecodeError. */
  decode(text: string): void {
    const root = parseLenientJson(text) as JsonObject;
    const table = root["offsetTable"];
    if (typeof table === "object" && table !== null && !Array.isArray(table)) {
      for (const [level, offset] of mapEntries(table as LenientMap)) {
        this.offsets.set(Number(level), Number(offset));
      }
    }
    const version = (root["dataVersion"] ?? {}) as Record<string, unknown>;
    this.counter = Number(version["counter"] ?? 0);
    this.stateVersion = Number(version["stateVersion"] ?? 0);
    this.timestamp = Number(version["timestamp"] ?? this.timestamp);
  }
}
