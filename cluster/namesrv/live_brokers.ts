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
  readonly revision: number;
}

export class LiveBrokers {
  private readonly nodes = new Map<string, LiveBroker>();

  get(cluster: string, address: string): LiveBroker | undefined {
    return this.nodes.get(keyOf(cluster, address));
  }

  put(node: LiveBroker): void {
    this.nodes.set(keyOf(node.cluster, node.address), node);
  }

  remove(cluster: string, address: string): boolean {
    return this.nodes.delete(keyOf(cluster, address));
  }

  /** Nodes that were silent for longer than they said they would be. */
  expired(nowMs: number): LiveBroker[] {
    return this.where((node) => node.heardMs + node.timeoutMs < nowMs);
  }

  on(connectionId: number): LiveBroker[] {
    return this.where((node) => node.connectionId === connectionId);
  }

  private where(wanted: (node: LiveBroker) => boolean): LiveBroker[] {
    const found: LiveBroker[] = [];
    for (const node of this.nodes.values()) if (wanted(node)) found.push(node);
    return found;
  }
}

/** A newline can't be in an address or a cluster's name that anyone could use. */
function keyOf(cluster: string, address: string): string {
  return `${cluster}\n${address}`;
}
