// Standard input as publish reads it: chunk by chunk, no faster than they are used, until it ends or a signal says so.
// After a signal a pipe is still emptied, since what is in it is nowhere else any more.
import process from "node:process";
import type { Clock } from "../core/time/clock.ts";

export interface Input {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Whether a person types it: then a signal ends it at once. */
  readonly isTerminal: boolean;
}

/** After a signal: how long a pipe may be silent, and how long it is emptied at most. */
const SILENCE_MS_MAX = 1_000;
const EMPTYING_MS_MAX = 5_000;

export function standardInput(): Input {
  const { stdin } = process;
  return { chunks: stdin as AsyncIterable<Uint8Array>, isTerminal: stdin.isTTY === true };
}

/** How reading ended: with the input, by a signal while it was silent or while more was coming, or by the reader. */
export type InputEnd = "end" | "silent" | "cut" | "abandoned";

/** Reads an input so that a signal can end it. */
export class InterruptibleInput {
  end: InputEnd | null = null;
  private readonly iterator: AsyncIterator<Uint8Array>;
  private readonly interrupted = Promise.withResolvers<void>();
  private interruptedMs: number | null = null;

  constructor(private readonly input: Input, private readonly clock: Clock) {
    this.iterator = input.chunks[Symbol.asyncIterator]();
  }

  interrupt(): void {
    this.interruptedMs ??= this.clock.monotonicMs();
    this.interrupted.resolve();
  }

  /** Nothing more is wanted. */
  abandon(): void {
    this.end ??= "abandoned";
    this.interrupted.resolve();
  }

  /** Chunks until the end; then `end` says which one it was. */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.end === null) {
      const next = this.iterator.next();
      const result = await this.resultOf(next);
      if (result === null) return;
      if (result.done) this.end = "end";
      else yield result.value;
    }
  }

  /** Null: a signal ended it. */
  private async resultOf(
    next: Promise<IteratorResult<Uint8Array>>,
  ): Promise<IteratorResult<Uint8Array> | null> {
    const first = this.interruptedMs === null
      ? await Promise.race([next, this.interrupted.promise.then(() => null)])
      : null;
    if (first !== null) return first;
    if (this.interruptedMs === null || this.end !== null) return null;
    if (this.input.isTerminal) return this.endBy("silent");
    if (this.clock.monotonicMs() - this.interruptedMs > EMPTYING_MS_MAX) return this.endBy("cut");
    const enough = new AbortController();
    const silence = this.clock.sleep(SILENCE_MS_MAX, enough.signal).then(() => null, () => null);
    const result = await Promise.race([next, silence]);
    enough.abort();
    return result ?? this.endBy("silent");
  }

  private endBy(end: InputEnd): null {
    this.end = end;
    return null;
  }
}
