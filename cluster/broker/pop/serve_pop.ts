// Puts POP into the broker: what it serves, what it asks name servers for, and how its records wait for their time.
import { NameServers } from "../../../core/client/name_servers.ts";
import { Routes } from "../../../core/client/routes.ts";
import type { LiveConfig } from "../../../core/config/live_config.ts";
import type { BrokerConfig } from "../../../core/config/tables.ts";
import { RemotingClient } from "../../../core/remoting/client.ts";
import type { Transport } from "../../../core/remoting/transport.ts";
import { runInBackground } from "../../../core/time/background.ts";
import type { PutRules } from "../put_rules.ts";
import type { OpenedTimer } from "../timer/open_timer.ts";
import { addressesIn } from "../registration/open_registration.ts";
import { type AssignmentParts, registerAssignmentCodes } from "./assignment_codes.ts";
import { type OpenedPop, openPop, type OpenPopParts } from "./open_pop.ts";
import type { TimedPuts } from "./revive_log.ts";

export interface ServePopParts
  extends
    Omit<OpenPopParts, "timedPuts" | "isTimerBehind" | "settings">,
    Omit<AssignmentParts, "routes" | "settings"> {
  config: LiveConfig<BrokerConfig>;
  transport: Transport;
  rules: PutRules;
  /** Null while timerWheelEnable is false: then nothing is popped. */
  timer: OpenedTimer | null;
}

/** How long a name server may take to answer an assignment's question. */
const ROUTE_MS_MAX = 3_000;
/** The timer delivers a slot a second; less isn't behind. */
const TIMER_BEHIND_MS = 2_000;

export function servePop(parts: ServePopParts, stack: AsyncDisposableStack): OpenedPop {
  const settings = parts.config.values;
  const { rules, store, clock, log, orders, timer } = parts;
  const timedPuts: TimedPuts = {
    slotOf: (deliverMs) => rules.ownSlot(deliverMs, clock.nowMs()),
    put: (message) => store.put([message]),
  };
  const isTimerBehind = () =>
    timer !== null &&
    (timer.service.behindMs > TIMER_BEHIND_MS || timer.service.intake.behind > 0);
  const opened = openPop({ ...parts, settings, timedPuts, isTimerBehind }, stack);
  registerAssignmentCodes(parts.server, { ...parts, settings, routes: openRoutes(parts, stack) });
  stack.use(runInBackground(
    {
      name: "saving orderly pops",
      intervalMs: settings.flushConsumerOffsetInterval,
      tick: () => orders.saveWhenChanged().then(() => "idle" as const),
    },
    clock,
    log,
  ));
  return opened;
}

/** The routes of the topics whose queues are assigned here; null without name servers. */
function openRoutes(parts: ServePopParts, stack: AsyncDisposableStack): Routes | null {
  const { config, clock, random, transport } = parts;
  const log = parts.log.named("assignment");
  const addresses = addressesIn(config.values.namesrvAddr);
  if (addresses.length === 0) return null;
  const client = stack.use(new RemotingClient({ transport, clock, log }));
  const routes = new Routes(new NameServers(client, addresses, ROUTE_MS_MAX, random), log);
  stack.use(routes.startPolling(clock, config.values.loadBalancePollNameServerInterval));
  return routes;
}
