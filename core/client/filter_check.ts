// Asks a broker whether it can filter by a SQL92 condition, so that a program hears of a wrong one when it starts, rather
// than never get a message (Java: MQClientInstance.checkClientInBroker). Changes nothing.
import { CHECK_CLIENT_CONFIG } from "../remoting/codes/groups.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { mustAsk } from "./remote_calls.ts";
import { subscribeQueues } from "./route.ts";
import { type Subscription, subscriptionData } from "./subscription.ts";

/**
 * One broker of each topic is asked, whose route is known. Rejects with ClientError "refused" for what it can't filter by; a
 * broker that can't be asked now says it with the pulls.
 */
export async function checkFilters(
  core: ClientCore,
  subscriptions: Iterable<Subscription>,
): Promise<void> {
  for (const subscription of subscriptions) {
    if (subscription.type === "TAG") continue;
    try {
      await checkFilter(core, subscription);
    } catch (error) {
      if (isRefusal(error)) throw error;
      core.log.warn("a subscription can't be checked now", { topic: subscription.topic, error });
    }
  }
}

async function checkFilter(core: ClientCore, subscription: Subscription): Promise<void> {
  const { topic } = subscription;
  const route = core.routes.get(topic);
  const brokerName = route && subscribeQueues(topic, route)[0]?.brokerName;
  const address = brokerName && core.routes.address(brokerName);
  if (!brokerName || !address) return;
  const { clientId, membership: { group }, options: { namespace } } = core;
  const body = { clientId, group, namespace, subscriptionData: subscriptionData(subscription) };
  await mustAsk(core.remoting, CHECK_CLIENT_CONFIG, {
    peer: brokerName,
    address,
    fields: {},
    body: new TextEncoder().encode(JSON.stringify(body)),
    timeoutMs: core.options.requestTimeoutMs,
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof ClientError && error.code === "refused" &&
    error.responseCode !== ResponseCode.REQUEST_CODE_NOT_SUPPORTED &&
    error.responseCode !== ResponseCode.SYSTEM_BUSY;
}
