// Waits until a name server knows a broker: on a busy machine a first registration may come late or be tried again.
import { silentLogger } from "../../core/log.ts";
import { GET_BROKER_CLUSTER_INFO } from "../../core/remoting/codes/namesrv.ts";
import { RemotingClient } from "../../core/remoting/client.ts";
import { createSystemTransport } from "../../core/remoting/system_transport.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { waitFor } from "./processes.ts";

const REGISTERED_MS_MAX = 60_000;

export async function waitUntilRegistered(
  namesrvAddress: string,
  brokerAddress: string,
): Promise<void> {
  await using client = new RemotingClient({
    transport: createSystemTransport(systemClock),
    clock: systemClock,
    log: silentLogger,
  });
  await waitFor(`${brokerAddress} at ${namesrvAddress}`, REGISTERED_MS_MAX, async () => {
    const answer = await client.call(GET_BROKER_CLUSTER_INFO, namesrvAddress, {});
    return new TextDecoder().decode(answer.body).includes(`"${brokerAddress}"`);
  });
}
