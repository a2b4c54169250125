// Tells the members of a consumer group that it changed, so that they share the queues anew. Fire and forget: members
// that miss it look every 20 seconds anyway (Java: DefaultConsumerIdsChangeListener, Broker2Client).
import { requestCommand } from "../../../core/remoting/answers.ts";
import { NOTIFY_CONSUMER_IDS_CHANGED } from "../../../core/remoting/codes/client_bound.ts";
import type { PeerCaller } from "../../../core/remoting/handler.ts";
import type { Client } from "./client.ts";

export class MemberNotices {
  constructor(
    private readonly peers: PeerCaller,
    private readonly settings: { notifyConsumerIdsChangedEnable: boolean },
  ) {}

  groupChanged(group: string, members: Iterable<Client>): void {
    if (!this.settings.notifyConsumerIdsChangedEnable) return;
    for (const { connection, serializeType } of members) {
      const extFields = new Map([["consumerGroup", group]]);
      const command = requestCommand(NOTIFY_CONSUMER_IDS_CHANGED.code, {
        extFields,
        serializeType,
      });
      this.peers.oneway(connection, command);
    }
  }
}
