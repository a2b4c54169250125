// What is known of one queue of half messages: up to where they are done with, and which of the later ones are decided.
// One byte a message, so that millions that wait for the next round cost megabytes. Pure.
import { assert } from "../../../core/errors.ts";
import { STATES_BYTES_MIN } from "./limits.ts";

/** Nothing was decided, as far as is known. */
export const UNDECIDED = 0;
export const COMMITTED = 1;
export const ROLLED_BACK = 2;
/** An op message says that it is decided, but not how. */
export const DECIDED = 3;
/** Lies before the offset: decided, put back behind, or given up. */
export const PASSED = 4;
export type Decision = typeof COMMITTED | typeof ROLLED_BACK | typeof DECIDED;
export type HalfState = typeof UNDECIDED | Decision | typeof PASSED;

interface OpMessage {
  queueOffset: number;
  /** The last half message that it decides. */
  lastHalf: number;
}

export class HalfQueue {
  private states = new Uint8Array(STATES_BYTES_MIN);
  /** Decided ones end here, as an index of `states`. */
  private length = 0;
  private readonly ops: OpMessage[] = [];
  private decidedCount = 0;

  constructor(
    readonly queueId: number,
    private passedOffset: number,
    private nextOpOffset: number,
  ) {}

  /** Half messages before it are done with. */
  get offset(): number {
    return this.passedOffset;
  }

  /** Op messages before it are done with: every half that they decide has been passed. */
  get opOffset(): number {
    return this.ops[0]?.queueOffset ?? this.nextOpOffset;
  }

  stateOf(halfOffset: number): HalfState {
    if (halfOffset < this.passedOffset) return PASSED;
    const index = halfOffset - this.passedOffset;
    return index < this.length ? this.states[index]! as HalfState : UNDECIDED;
  }

  /** Notes a decision; one that was passed, or decided before, stays as it is. */
  decide(halfOffset: number, decision: Decision): void {
    if (this.stateOf(halfOffset) !== UNDECIDED) return;
    const index = halfOffset - this.passedOffset;
    this.reserve(index + 1);
    this.states[index] = decision;
    this.length = Math.max(this.length, index + 1);
    this.decidedCount++;
  }

  /** The first message from an offset on that isn't known to be decided; `end` when all are. */
  nextUndecided(from: number, end: number): number {
    let index = from - this.passedOffset;
    const last = Math.min(this.length, end - this.passedOffset);
    while (index < last && this.states[index] !== UNDECIDED) index++;
    return Math.min(end, this.passedOffset + index);
  }

  /** Decided messages that are not passed yet. */
  get decided(): number {
    return this.decidedCount;
  }

  /** All before the offset are done with. */
  advance(halfOffset: number): void {
    assert(halfOffset >= this.passedOffset, "a half queue only goes forward");
    const count = Math.min(halfOffset - this.passedOffset, this.length);
    for (let index = 0; index < count; index++) {
      if (this.states[index] !== UNDECIDED) this.decidedCount--;
    }
    this.states.copyWithin(0, count, this.length);
    this.states.fill(UNDECIDED, this.length - count, this.length);
    this.length -= count;
    this.passedOffset = halfOffset;
    this.forgetOps();
  }

  /** An op message is in its queue; `lastHalf` is the last one that it decides. */
  addOp(queueOffset: number, lastHalf: number): void {
    this.ops.push({ queueOffset, lastHalf });
    this.nextOpOffset = queueOffset + 1;
    this.forgetOps();
  }

  private forgetOps(): void {
    let done = 0;
    while (done < this.ops.length && this.ops[done]!.lastHalf < this.passedOffset) done++;
    if (done > 0) this.ops.splice(0, done);
  }

  private reserve(length: number): void {
    if (length <= this.states.length) return;
    let size = this.states.length;
    while (size < length) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.states.subarray(0, this.length));
    this.states = grown;
  }
}
