// Puts a broker's registration together: where its name servers are, what it tells them, and when.
import type { LiveConfig } from "../../../core/config/live_config.ts";
import type { BrokerConfig } from "../../../core/config/tables.ts";
import type { Logger } from "../../../core/log.ts";
import { RemotingClient } from "../../../core/remoting/client.ts";
import type { Transport } from "../../../core/remoting/transport.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import { Registration } from "./registration.ts";

export interface OpenRegistrationOptions {
  config: LiveConfig<BrokerConfig>;
  topics: TopicTable;
  /** The port that the broker really listens on. */
  listenPort: number;
  transport: Transport;
  clock: Clock;
  log: Logger;
}

/** The registration, not yet begun; what it needs is closed with the stack, after it. */
export function openRegistration(
  options: OpenRegistrationOptions,
  stack: AsyncDisposableStack,
): Registration {
  const { config, topics, listenPort, transport, clock } = options;
  const settings = config.values;
  const log = options.log.named("registration");
  const client = stack.use(new RemotingClient({ transport, clock, log }));
  const registration = new Registration({
    client,
    nameServers: addressesIn(settings.namesrvAddr),
    brokerAddress: `${settings.brokerIP1}:${listenPort}`,
    haAddress: `${settings.brokerIP2}:${settings.haListenPort}`,
    settings,
    topics,
    clock,
    log,
  });
  topics.onChange(() => registration.registerNow());
  stack.defer(config.onChange(["brokerPermission"], () => {
    topics.renewVersion();
    void registration.registerNow();
  }));
  return stack.use(registration);
}

/** "a:9876;b:9876" as a list. */
export function addressesIn(text: string | null): string[] {
  return (text ?? "").split(";").map((each) => each.trim()).filter((each) => each !== "");
}
