// Requests of ours on one connection that wait for their answers, matched by opaque.
// One timer for all of them, set to the earliest deadline: a call costs no timer of its own.
import type { Clock, Timer } from "../time/clock.ts";
import { readI32 } from "../bytes/big_endian.ts";
import { decodeFrame } from "./codec.ts";
import { FLAG_RESPONSE, type RemotingCommand, SERIALIZE_ROCKETMQ } from "./command.ts";
import type { Frame } from "./frame.ts";
import { RemotingError } from "./remoting_error.ts";

/** Where a binary header has its opaque; the flag follows. */
const OPAQUE_AT = 5;
const OPAQUE_END = 9;
/** Up to here every binary header goes. */
const HEADER_BYTES_MIN = 21;

/** Who waits for an answer: a promise's two ends, or an object of a hot path's own. */
export interface AnswerWaiter {
  /** Set by PendingAnswers, on its clock. */
  deadlineMs: number;
  timeoutMs: number;
  /** Either is called once, unless the waiter was forgotten before. */
  resolve: (answer: RemotingCommand) => void;
  reject: (error: RemotingError) => void;
  /**
   * Reads an answer with a binary header straight from its frame, instead of `resolve`; false to
   * have it decoded after all.
   */
  resolveFrame?(frame: Frame): boolean;
}

export class PendingAnswers {
  private readonly byOpaque = new Map<number, AnswerWaiter>();
  private timer: Timer | null = null;
  private timerDueMs = Infinity;

  constructor(private readonly clock: Clock, private readonly address: string) {}

  get size(): number {
    return this.byOpaque.size;
  }

  /** Resolves with the answer; rejects with RemotingError "timeout", "closed" or "aborted". */
  wait(opaque: number, timeoutMs: number, signal?: AbortSignal): Promise<RemotingCommand> {
    return new Promise((resolve, reject) => {
      this.expect(opaque, timeoutMs, { deadlineMs: 0, timeoutMs, resolve, reject });
      if (signal) this.abortWith(signal, opaque);
    });
  }

  /** The same without a promise: the waiter is called with the answer or with what went wrong. */
  expect(opaque: number, timeoutMs: number, waiter: AnswerWaiter): void {
    const deadlineMs = this.clock.monotonicMs() + timeoutMs;
    waiter.deadlineMs = deadlineMs;
    waiter.timeoutMs = timeoutMs;
    this.byOpaque.set(opaque, waiter);
    if (deadlineMs < this.timerDueMs) this.arm(deadlineMs);
  }

  private abortWith(signal: AbortSignal, opaque: number): void {
    const pending = this.byOpaque.get(opaque)!;
    const onAbort = () => {
      if (this.byOpaque.get(opaque) !== pending) return;
      this.byOpaque.delete(opaque);
      pending.reject(
        new RemotingError("aborted", this.address, "the call was aborted", {
          cause: signal.reason,
        }),
      );
    };
    const { resolve, reject } = pending;
    const forget = () => signal.removeEventListener("abort", onAbort);
    pending.resolve = (answer) => (forget(), resolve(answer));
    pending.reject = (error) => (forget(), reject(error));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  }

  /** Hands an answer to whoever waits for it; false when nobody does (any more). */
  settle(answer: RemotingCommand): boolean {
    const pending = this.byOpaque.get(answer.opaque);
    if (pending === undefined) return false;
    this.byOpaque.delete(answer.opaque);
    pending.resolve(answer);
    return true;
  }

  /**
   * Hands an answer that isn't decoded yet to a waiter that wants it so; false when there is none
   * such.
   */
  settleFrame(frame: Frame): boolean {
    const { buffer, headerStart, bodyStart } = frame;
    if (frame.serializeType !== SERIALIZE_ROCKETMQ || bodyStart - headerStart < HEADER_BYTES_MIN) {
      return false;
    }
    const opaque = readI32(buffer, headerStart + OPAQUE_AT);
    const waiter = this.byOpaque.get(opaque);
    if (waiter?.resolveFrame === undefined) return false;
    if ((readI32(buffer, headerStart + OPAQUE_END) & FLAG_RESPONSE) === 0) return false;
    this.byOpaque.delete(opaque);
    if (!waiter.resolveFrame(frame)) waiter.resolve(decodeFrame(frame));
    return true;
  }

  /** The connection is gone: nobody will get an answer. */
  closeAll(reason: string): void {
    this.timer?.cancel();
    const all = [...this.byOpaque.values()];
    this.byOpaque.clear();
    for (const pending of all) {
      pending.reject(new RemotingError("closed", this.address, `connection closed: ${reason}`));
    }
  }

  private arm(dueMs: number): void {
    this.timer?.cancel();
    this.timerDueMs = dueMs;
    const delayMs = Math.max(0, dueMs - this.clock.monotonicMs());
    this.timer = this.clock.after(delayMs, () => this.expire());
  }

  private expire(): void {
    this.timer = null;
    this.timerDueMs = Infinity;
    const nowMs = this.clock.monotonicMs();
    let nextMs = Infinity;
    for (const [opaque, pending] of this.byOpaque) {
      if (pending.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, pending.deadlineMs);
        continue;
      }
      this.byOpaque.delete(opaque);
      pending.reject(
        new RemotingError("timeout", this.address, `no answer within ${pending.timeoutMs} ms`),
      );
    }
    if (nextMs !== Infinity) this.arm(nextMs);
  }
}
