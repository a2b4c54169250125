// Routes of one zone only (ZoneRouteRPCHook). Pure.
import { type BrokerView, MASTER_ID, type TopicRoute } from "./route_model.ts";

/**
 * Leaves out brokers of other zones with their queues and filter servers, except those whose master
 * is gone: their messages are read from wherever they are.
 */
export function routeOfZone(route: TopicRoute, zoneName: string): TopicRoute {
  const wanted = zoneName.toLowerCase();
  const isKept = ({ addresses, zoneName }: BrokerView) =>
    zoneName?.toLowerCase() === wanted || !addresses.some(([id]) => id === MASTER_ID);
  const removed = route.brokers.filter((broker) => !isKept(broker));
  if (removed.length === 0) return route;
  const removedNames = new Set(removed.map(({ brokerName }) => brokerName));
  const filterServers = new Map(route.filterServers);
  for (const { addresses } of removed) {
    for (const [, address] of addresses) filterServers.delete(address);
  }
  return {
    ...route,
    brokers: route.brokers.filter(isKept),
    queues: route.queues.filter(({ brokerName }) => !removedNames.has(brokerName)),
    filterServers,
  };
}
