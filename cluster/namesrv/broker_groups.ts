// Brokers by name with their nodes' addresses, and the clusters that they are in. Pure: no clock,
// no socket, no file. Knows nothing of topics or heartbeats.
import { type BrokerView, MASTER_ID, type MinBrokerIdChange } from "./route_model.ts";

export interface BrokerGroup {
  /** That of the first node that registered. */
  readonly cluster: string;
  readonly brokerName: string;
  readonly addresses: Map<number, string>;
  zoneName: string | null;
  enableActingMaster: boolean;
}

export class BrokerGroups {
  private readonly groups = new Map<string, BrokerGroup>();
  private readonly clusters = new Map<string, Set<string>>();

  get(brokerName: string): BrokerGroup | undefined {
    return this.groups.get(brokerName);
  }

  has(brokerName: string): boolean {
    return this.groups.has(brokerName);
  }

  all(): Iterable<BrokerGroup> {
    return this.groups.values();
  }

  /** Cluster names with the names of their brokers. */
  allClusters(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.clusters;
  }

  namesIn(cluster: string): ReadonlySet<string> {
    return this.clusters.get(cluster) ?? NO_NAMES;
  }

  /** The group, made if absent, as a member of the cluster. */
  ensure(cluster: string, brokerName: string): BrokerGroup {
    let names = this.clusters.get(cluster);
    if (names === undefined) this.clusters.set(cluster, names = new Set());
    names.add(brokerName);
    let group = this.groups.get(brokerName);
    if (group === undefined) {
      group = {
        cluster,
        brokerName,
        addresses: new Map(),
        zoneName: null,
        enableActingMaster: false,
      };
      this.groups.set(brokerName, group);
    }
    return group;
  }

  /** Removes a node by its address; a group without nodes goes too. True when the group is gone. */
  removeAddress(cluster: string, brokerName: string, address: string): boolean {
    const group = this.groups.get(brokerName);
    if (group === undefined) return false;
    removeAddress(group, address);
    if (group.addresses.size > 0) return false;
    this.groups.delete(brokerName);
    this.leaveCluster(cluster, brokerName);
    if (cluster !== group.cluster) this.leaveCluster(group.cluster, brokerName);
    return true;
  }

  /**
   * Every group and id under which an address is registered; more than one only by
   * misconfiguration.
   */
  holding(address: string): { group: BrokerGroup; brokerId: number }[] {
    const found: { group: BrokerGroup; brokerId: number }[] = [];
    for (const group of this.groups.values()) {
      for (const [brokerId, known] of group.addresses) {
        if (known === address) found.push({ group, brokerId });
      }
    }
    return found;
  }

  private leaveCluster(cluster: string, brokerName: string): void {
    const names = this.clusters.get(cluster);
    names?.delete(brokerName);
    if (names?.size === 0) this.clusters.delete(cluster);
  }
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** Removes an address under every id but `keptId`. */
export function removeAddress(group: BrokerGroup, address: string, keptId: number | null = null) {
  for (const [brokerId, known] of group.addresses) {
    if (known === address && brokerId !== keptId) group.addresses.delete(brokerId);
  }
}

/** Null when the group has no node. */
export function minBrokerId(group: BrokerGroup): number | null {
  let min: number | null = null;
  for (const brokerId of group.addresses.keys()) {
    if (min === null || brokerId < min) min = brokerId;
  }
  return min;
}

export function hasMaster(group: BrokerGroup): boolean {
  return minBrokerId(group) === MASTER_ID;
}

export function viewOf(group: BrokerGroup): BrokerView {
  return {
    cluster: group.cluster,
    brokerName: group.brokerName,
    addresses: [...group.addresses].sort(([one], [other]) => one - other),
    zoneName: group.zoneName,
    enableActingMaster: group.enableActingMaster,
  };
}

/**
 * The notice that the group's smallest id is another one now. After a node left all the others are
 * told; after one came, those that were there before (RouteInfoManager.chooseBrokerAddrsToNotify).
 */
export function minBrokerIdChange(
  group: BrokerGroup,
  offlineAddress: string | null,
  haAddress: string | null,
): MinBrokerIdChange | null {
  const min = minBrokerId(group);
  if (min === null) return null;
  const notifiedAddresses: string[] = [];
  for (const [brokerId, address] of group.addresses) {
    const told = offlineAddress !== null || group.addresses.size === 1 || brokerId !== min;
    if (told) notifiedAddresses.push(address);
  }
  return {
    brokerName: group.brokerName,
    minBrokerId: min,
    minBrokerAddress: group.addresses.get(min) ?? "",
    offlineAddress,
    haAddress,
    notifiedAddresses,
  };
}
