// Broker nodes that are heard of: when, on which connection, with which version of their table.
// Pure: times are passed in, connections are numbers.
import type { DataVersion } from "./route_model.ts";

export interface LiveBroker {
  readonly cluster: string;
  readonly brokerName: string;
  readonly address: string;
  readonly connectionId: number;
  readonly haAddress: string;
  readonly timeoutMs: number;
  readonly version: DataVersion;
  heardMs: number;
  filterServers: readonly string[] | null;
  /** Of the last registration's body, and what made it count; see RouteTable.isUnchanged. */
  readonly settled: SettledTable | null;
}

/** A body that was taken in, and the state in which the same body would change nothing. */
export interface SettledTable {
  readonly fingerprint: string;
  /** False for a slave whose topics don't count. */
  readonly applied: boolean;
  /** Topics that it didn't list were taken away (deleteTopicWithBrokerRegistration). */
  readonly exact: boolean;
  readonly revision: number;
}

export class LiveBrokers {
  private readonly nodes = new Map<string, LiveBroker>();
  private readonly byConnection = new Map<number, Set<LiveBroker>>();

  get(cluster: string, address: string): LiveBroker | undefined {
    return this.nodes.get(keyOf(cluster, address));
  }

  put(node: LiveBroker): void {
    this.remove(node.cluster, node.address);
    this.nodes.set(keyOf(node.cluster, node.address), node);
    const others = this.byConnection.get(node.connectionId);
    if (others === undefined) this.byConnection.set(node.connectionId, new Set([node]));
    else others.add(node);
  }

  remove(cluster: string, address: string): void {
    const key = keyOf(cluster, address);
    const node = this.nodes.get(key);
    if (node === undefined) return;
    this.nodes.delete(key);
    const others = this.byConnection.get(node.connectionId);
    others?.delete(node);
    if (others?.size === 0) this.byConnection.delete(node.connectionId);
  }

  /** Nodes that were silent for longer than they said they would be. */
  expired(nowMs: number): LiveBroker[] {
    const found: LiveBroker[] = [];
    for (const node of this.nodes.values()) {
      if (node.heardMs + node.timeoutMs < nowMs) found.push(node);
    }
    return found;
  }

  /** A broker container registers several nodes on one connection. */
  on(connectionId: number): LiveBroker[] {
    return [...this.byConnection.get(connectionId) ?? []];
  }
}

/** A newline can't be in an address or a cluster's name that anyone could use. */
function keyOf(cluster: string, address: string): string {
  return `${cluster}\n${address}`;
}
