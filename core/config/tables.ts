// The two configurations, each the union of the tables that may stand in its file, and their plain field types.
// Where Apache's classes share a name, the server's own class comes last and wins, as in Apache's listing.
import type { ValuesOf } from "./key.ts";
import { authKeys } from "./keys/auth.ts";
import { brokerMetricsKeys } from "./keys/broker_metrics.ts";
import { brokerNodeKeys } from "./keys/broker_node.ts";
import { brokerPoolKeys } from "./keys/broker_pools.ts";
import { brokerPopKeys } from "./keys/broker_pop.ts";
import { brokerServiceKeys } from "./keys/broker_service.ts";
import { controllerKeys, jraftKeys, nameServerKeys } from "./keys/namesrv.ts";
import { clientNetworkKeys, serverNetworkKeys } from "./keys/network.ts";
import { elsewhereKeys } from "./keys/elsewhere.ts";
import { storeKindKeys } from "./keys/store_kinds.ts";
import { storeLogKeys } from "./keys/store_log.ts";
import { storeQueueKeys } from "./keys/store_queues.ts";
import { storeUpkeepKeys } from "./keys/store_upkeep.ts";

export const brokerKeys = {
  ...elsewhereKeys,
  ...authKeys,
  ...clientNetworkKeys,
  ...serverNetworkKeys,
  ...storeKindKeys,
  ...storeUpkeepKeys,
  ...storeQueueKeys,
  ...storeLogKeys,
  ...brokerMetricsKeys,
  ...brokerPopKeys,
  ...brokerPoolKeys,
  ...brokerServiceKeys,
  ...brokerNodeKeys,
};

export const namesrvKeys = {
  ...jraftKeys,
  ...controllerKeys,
  ...clientNetworkKeys,
  ...serverNetworkKeys,
  ...nameServerKeys,
};

/** A broker's settings as plain fields. Live keys change in place, so keep the object and read it when needed. */
export type BrokerConfig = ValuesOf<typeof brokerKeys>;
/** A name server's settings as plain fields; live keys change in place. */
export type NamesrvConfig = ValuesOf<typeof namesrvKeys>;
