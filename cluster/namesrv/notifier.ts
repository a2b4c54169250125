// Tells brokers that another node of their group has the smallest id now, by dialling them as
// Apache does. Best effort: a broker that isn't reached finds out by its next registration.
import type { Logger } from "../../core/log.ts";
import { NOTIFY_MIN_BROKER_ID_CHANGE } from "../../core/remoting/codes/replication.ts";
import type { RemotingClient } from "../../core/remoting/client.ts";
import type { MinBrokerIdChange } from "./route_model.ts";

export class Notifier {
  constructor(private readonly client: RemotingClient, private readonly log: Logger) {}

  notify(change: MinBrokerIdChange): void {
    const { brokerName, minBrokerId, minBrokerAddress, offlineAddress, haAddress } = change;
    this.log.info("smallest broker id changed", { brokerName, minBrokerId, minBrokerAddress });
    const fields = {
      minBrokerId,
      minBrokerAddr: minBrokerAddress,
      ...(offlineAddress !== null && { offlineBrokerAddr: offlineAddress }),
      ...(haAddress !== null && { haBrokerAddr: haAddress }),
    };
    for (const address of change.notifiedAddresses) {
      this.client.callOneway(NOTIFY_MIN_BROKER_ID_CHANGE, address, fields).catch((error) =>
        this.log.warn("a broker wasn't told of the smallest id", { address, error })
      );
    }
  }
}
