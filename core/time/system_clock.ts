// The machine's own clock. The only file that reads real time or starts real timers.
import type { Clock, Timer } from "./clock.ts";

class SystemTimer implements Timer {
  constructor(private handle: ReturnType<typeof setTimeout> | null) {}

  cancel(): void {
    if (this.handle !== null) clearTimeout(this.handle);
    this.handle = null;
  }
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(handle);
      reject(signal?.reason);
    };
    const handle = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The real clock; stateless, so one serves the whole process. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    (handle as { unref?: () => void }).unref?.();
    return new SystemTimer(handle);
  },
  endOfTurn(callback) {
    setImmediate(callback);
  },
  sleep,
};
