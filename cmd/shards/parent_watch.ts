// A shard's tie to its parent: standard input is a pipe that the parent never writes to, so its end means that the parent
// is gone, however it ended. The shard then stops as on SIGTERM.
import process from "node:process";
import type { SignalSource } from "../server_process.ts";

/** Set for children whose standard input is such a pipe. */
export const PARENT_PIPE_VARIABLE = "ROQUET_PARENT_PIPE";

/** `signals`, and the parent's end when this process is a shard. */
export function withParent(signals: SignalSource): SignalSource {
  if (process.env[PARENT_PIPE_VARIABLE] !== "1") return signals;
  return {
    ...signals,
    listen(callback) {
      const listening = signals.listen(callback);
      const onEnd = () => callback("the end of the parent");
      process.stdin.once("end", onEnd).resume();
      return {
        [Symbol.dispose]() {
          process.stdin.off("end", onEnd).pause();
          listening[Symbol.dispose]();
        },
      };
    },
  };
}
