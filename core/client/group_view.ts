// What a consumer sees of its group: a topic's queues, and the members that share them.
import type { BrokerCalls } from "./broker_calls.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import type { MessageQueue } from "./message.ts";
import { subscribeQueues } from "./route.ts";

export class GroupView {
  constructor(
    private readonly core: ClientCore,
    private readonly calls: BrokerCalls,
    private readonly group: string,
  ) {}

  /** Queues of a topic to read; null while nobody knows its route. */
  async queuesOf(topic: string): Promise<MessageQueue[] | null> {
    const { routes } = this.core;
    const route = routes.get(topic) ?? await routes.refresh(topic);
    return route === null ? null : subscribeQueues(topic, route);
  }

  /** The group's members as the first broker of the topic that answers knows them. */
  async members(topic: string): Promise<readonly string[]> {
    let failure: unknown = new ClientError("no_broker", `no broker has the topic ${topic}`);
    for (const { brokerName } of this.core.routes.get(topic)?.brokers ?? []) {
      try {
        const members = await this.calls.members(brokerName, this.group);
        // It may have been restarted since our last heartbeat.
        if (!members.includes(this.core.clientId)) await this.core.reintroduce(brokerName);
        return members;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}
