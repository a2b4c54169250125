// Producer groups and their connected clients. Transactions ask it for somebody to check back with.
// Knows no messages (Java: ProducerManager).
import type { Connection } from "../../../core/remoting/handler.ts";
import { type Client, PRODUCER_EXPIRY_MS } from "./client.ts";

export class Producers {
  private readonly groups = new Map<string, Map<Connection, Client>>();
  private readonly byClientId = new Map<string, Client>();
  private turn = 0;

  /** Adds the client to a group, or notes its heartbeat. */
  register(group: string, client: Client): void {
    const members = this.groups.get(group) ?? new Map<Connection, Client>();
    const known = members.get(client.connection);
    if (known !== undefined) {
      known.lastUpdateMs = client.lastUpdateMs;
      return;
    }
    members.set(client.connection, client);
    this.groups.set(group, members);
    this.byClientId.set(client.clientId, client);
  }

  unregister(group: string, connection: Connection): void {
    const members = this.groups.get(group);
    const client = members?.get(connection);
    if (members === undefined || client === undefined) return;
    members.delete(connection);
    if (this.byClientId.get(client.clientId)?.connection === connection) {
      this.byClientId.delete(client.clientId);
    }
    if (members.size === 0) this.groups.delete(group);
  }

  /** Forgets a closed connection in every group. */
  connectionClosed(connection: Connection): void {
    for (const group of [...this.groups.keys()]) this.unregister(group, connection);
  }

  /** Drops clients without a recent heartbeat and closes their connections. */
  expire(nowMs: number): void {
    for (const [group, members] of [...this.groups]) {
      for (const client of [...members.values()]) {
        if (nowMs - client.lastUpdateMs <= PRODUCER_EXPIRY_MS) continue;
        this.unregister(group, client.connection);
        client.connection.close(`producer of ${group} without a heartbeat`);
      }
    }
  }

  /** Members of a group; undefined when it has none. */
  members(group: string): ReadonlyMap<Connection, Client> | undefined {
    return this.groups.get(group);
  }

  all(): ReadonlyMap<string, ReadonlyMap<Connection, Client>> {
    return this.groups;
  }

  /** A client by its id, for replies to its requests. */
  clientOf(clientId: string): Client | undefined {
    return this.byClientId.get(clientId);
  }

  /**
   * One member of a group, in turn; undefined when none is connected. One with more unsent bytes than `unsentBytesMax` is
   * given only when there is no better one.
   */
  anyOf(group: string, unsentBytesMax = Infinity): Client | undefined {
    const members = this.groups.get(group);
    if (members === undefined) return undefined;
    const open = [...members.values()].filter((client) => !client.connection.closed);
    const ready = open.filter(({ connection }) => connection.unsentBytes <= unsentBytesMax);
    const chosen = ready.length > 0 ? ready : open;
    return chosen.length === 0 ? undefined : chosen[this.turn++ % chosen.length];
  }
}
