// Asks brokers that couldn't be reached whether they can be again (startDetectorEnable), so that no
// message has to find out. Asks only; what it means is fault_tracker.ts's.
import { GET_MAX_OFFSET } from "../remoting/codes/offsets.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import { runInBackground } from "../time/background.ts";
import type { ClientCore } from "./client_core.ts";
import type { FaultTracker } from "./fault_tracker.ts";
import { DETECT_TIMEOUT_MS } from "./limits.ts";
import { ask } from "./remote_calls.ts";

export interface BrokerDetectorOptions {
  core: ClientCore;
  faults: FaultTracker;
  intervalMs: number;
  /** A topic that the broker has, to ask about; undefined when none is known. */
  topicOf(brokerName: string): string | undefined;
}

export function detectBrokers(options: BrokerDetectorOptions): AsyncDisposable {
  const { core, intervalMs } = options;
  const tick = () => detectOnce(options).then(() => "idle" as const);
  return runInBackground(
    { name: "broker detection", intervalMs, tick },
    core.environment.clock,
    core.log,
  );
}

/** One round over all brokers that are out of reach. */
async function detectOnce({ core, faults, topicOf }: BrokerDetectorOptions): Promise<void> {
  await Promise.all(
    faults.unreachable().map(async (brokerName) => {
      const address = core.routes.address(brokerName);
      const topic = topicOf(brokerName);
      if (address === undefined || topic === undefined) return faults.forget(brokerName);
      try {
        const { code } = await ask(core.remoting, GET_MAX_OFFSET, {
          peer: brokerName,
          address,
          fields: { topic, queueId: 0, bname: brokerName },
          timeoutMs: DETECT_TIMEOUT_MS,
        });
        if (code === ResponseCode.SUCCESS) faults.reached(brokerName);
      } catch (error) {
        core.log.debug("a broker is still out of reach", { brokerName, error });
      }
    }),
  );
}
