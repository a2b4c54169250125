// A topic's route as clients see it, put together from who has the topic and who is there. Pure.
import { type BrokerGroup, type BrokerGroups, viewOf } from "./broker_groups.ts";
import type { LiveBrokers } from "./live_brokers.ts";
import {
  type BrokerView,
  MASTER_ID,
  PERM_WRITE,
  type QueueSettings,
  type QueueView,
  type TopicQueueMapping,
  type TopicRoute,
} from "./route_model.ts";

/** The route in order of broker names; without a broker when none of the topic's is registered. */
export function routeOf(
  queues: ReadonlyMap<string, QueueSettings>,
  mappings: ReadonlyMap<string, TopicQueueMapping> | null,
  groups: BrokerGroups,
  live: LiveBrokers,
  supportActingMaster: boolean,
): TopicRoute {
  const sorted = [...queues].sort(([one], [other]) => one < other ? -1 : 1);
  const views: QueueView[] = [];
  const brokers: BrokerView[] = [];
  const filterServers = new Map<string, readonly string[]>();
  for (const [brokerName, settings] of sorted) {
    views.push({ brokerName, settings });
    const group = groups.get(brokerName);
    if (group === undefined) continue;
    const view = viewOf(group);
    brokers.push(
      supportActingMaster && needsActingMaster(group, settings) ? withActingMaster(view) : view,
    );
    for (const address of group.addresses.values()) {
      const servers = live.get(group.cluster, address)?.filterServers;
      if (servers) filterServers.set(address, servers);
    }
  }
  return {
    queues: views,
    brokers,
    filterServers,
    mappings: mappings === null ? [] : [...mappings.values()],
  };
}

/** The master is gone and the topic is read only by now. */
function needsActingMaster(group: BrokerGroup, { perm }: QueueSettings): boolean {
  return group.enableActingMaster && !group.addresses.has(MASTER_ID) && (perm & PERM_WRITE) === 0;
}

/** The smallest slave under the master's id. */
function withActingMaster(view: BrokerView): BrokerView {
  const [first, ...rest] = view.addresses;
  return first === undefined ? view : { ...view, addresses: [[MASTER_ID, first[1]], ...rest] };
}
