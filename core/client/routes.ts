// The routes that a client knows: asked for when first needed and every 30 s, kept when no name
// server answers. Tells listeners what changed.
import type { Logger } from "../log.ts";
import { runInBackground } from "../time/background.ts";
import type { Clock } from "../time/clock.ts";
import type { NameServers } from "./name_servers.ts";
import { MASTER_ID, type RouteBroker, sameRoute, type TopicRoute } from "./route.ts";

export type RouteListener = (topic: string, route: TopicRoute) => void;

export class Routes {
  private readonly byTopic = new Map<string, TopicRoute>();
  /** Topics that are polled although nobody knows them yet. */
  private readonly watched = new Set<string>();
  private readonly asking = new Map<string, Promise<TopicRoute | null>>();
  private readonly listeners: RouteListener[] = [];
  private brokersByName = new Map<string, RouteBroker>();

  constructor(private readonly nameServers: NameServers, private readonly log: Logger) {}

  /** The route as it is known; undefined when the topic was never found. */
  get(topic: string): TopicRoute | undefined {
    return this.byTopic.get(topic);
  }

  /** Brokers of all known routes. */
  get brokers(): Iterable<RouteBroker> {
    return this.brokersByName.values();
  }

  /** The address of a broker by its id; undefined when it has none in the routes. */
  address(brokerName: string, brokerId = MASTER_ID): string | undefined {
    return this.brokersByName.get(brokerName)?.addresses.get(brokerId);
  }

  /** The clusters whose brokers have the topic. */
  clustersOf(topic: string): Set<string> {
    return new Set(this.byTopic.get(topic)?.brokers.map(({ cluster }) => cluster));
  }

  broker(brokerName: string): RouteBroker | undefined {
    return this.brokersByName.get(brokerName);
  }

  onChange(listener: RouteListener): void {
    this.listeners.push(listener);
  }

  /** Polls the topic from now on. */
  watch(topic: string): void {
    this.watched.add(topic);
  }

  unwatch(topic: string): void {
    this.watched.delete(topic);
  }

  /**
   * Asks for the route now; callers at the same time share one question. Null when the name servers
   * don't know the topic; what was known of it is then kept, as Apache's client does. Throws
   * ClientError "no_name_server".
   */
  refresh(topic: string): Promise<TopicRoute | null> {
    let asking = this.asking.get(topic);
    if (asking === undefined) {
      asking = this.nameServers.route(topic)
        .then((route) => {
          if (route !== null) this.take(topic, route);
          return route;
        })
        .finally(() => this.asking.delete(topic));
      this.asking.set(topic, asking);
    }
    return asking;
  }

  /** A route that was made here (auto-create) or asked for elsewhere. */
  take(topic: string, route: TopicRoute): void {
    const known = this.byTopic.get(topic);
    if (known !== undefined && sameRoute(known, route)) return;
    this.byTopic.set(topic, route);
    this.collectBrokers();
    this.log.debug("route changed", { topic, brokers: route.brokers.length });
    for (const listener of this.listeners) listener(topic, route);
  }

  startPolling(clock: Clock, intervalMs: number): AsyncDisposable {
    return runInBackground(
      { name: "route poll", intervalMs, tick: () => this.poll() },
      clock,
      this.log,
    );
  }

  private async poll(): Promise<"idle"> {
    for (const topic of this.watched) {
      try {
        await this.refresh(topic);
      } catch (error) {
        this.log.warn("routes can't be refreshed; the known ones are used", { topic, error });
        break;
      }
    }
    return "idle";
  }

  private collectBrokers(): void {
    const brokers = new Map<string, RouteBroker>();
    for (const route of this.byTopic.values()) {
      for (const broker of route.brokers) brokers.set(broker.brokerName, broker);
    }
    this.brokersByName = brokers;
  }
}
