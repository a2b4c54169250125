// How long the process's main thread has waited for a core, by the kernel's own account. Linux only.
import { Buffer } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";

/** Three numbers: ns on a core, ns ready to run without one, and how often. Of the main thread. */
const ACCOUNT = "/proc/self/schedstat";
const ACCOUNT_BYTES_MAX = 64;

/** What tells the time waited so far, in ms; undefined where the system doesn't say. Some 2 µs a call. */
export function openCoreWait(path = ACCOUNT): (() => number) | undefined {
  const bytes = Buffer.alloc(ACCOUNT_BYTES_MAX);
  try {
    const descriptor = openSync(path, "r");
    const read = () => {
      const length = readSync(descriptor, bytes, 0, ACCOUNT_BYTES_MAX, 0);
      return Number(bytes.toString("latin1", 0, length).split(" ")[1]) / 1e6;
    };
    if (Number.isFinite(read())) return read;
    closeSync(descriptor);
    return undefined;
  } catch {
    return undefined;
  }
}
