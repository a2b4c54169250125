// Tells brokers who a producer is on the connections that they know nothing of yet, so that they can push to it: replies,
// and questions about its transactions. Without it they would hear with the next heartbeat.
import type { RemotingConnection } from "../remoting/connection.ts";
import type { ClientCore } from "./client_core.ts";

export class Introductions {
  /** The connections on which a heartbeat said who we are, by broker address. */
  private readonly introduced = new Map<string, RemotingConnection>();

  constructor(private readonly core: ClientCore) {}

  /** Resolves when every broker of the known routes has heard; one that doesn't answer is logged. */
  async introduce(): Promise<void> {
    const { core, introduced } = this;
    const strangers = core.heartbeatTargets().filter(([, address]) => {
      const connection = core.remoting.openConnection(address);
      return connection === null || introduced.get(address) !== connection;
    });
    if (strangers.length === 0) return;
    await Promise.all(strangers.map(async ([brokerName, address]) => {
      try {
        await core.beatTo(brokerName, address);
        const connection = core.remoting.openConnection(address);
        if (connection !== null) introduced.set(address, connection);
      } catch (error) {
        core.log.warn("heartbeat failed; the broker can't reach us yet", { brokerName, error });
      }
    }));
  }
}
