// The transport of the runtime that this is: Bun's sockets where there are some, node:net
// elsewhere.
import type { Clock } from "../time/clock.ts";
import type { Transport } from "./transport.ts";
import { createBunTransport } from "./transport_bun.ts";
import { createNodeTransport } from "./transport_node.ts";

export function createSystemTransport(clock: Clock): Transport {
  return "Bun" in globalThis ? createBunTransport(clock) : createNodeTransport(clock);
}
