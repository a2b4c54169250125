// AuthConfig: users and policies (ACL 2.0). Switching either on is refused until they are enforced. Declarations only.
import {
  bool,
  ignored,
  int,
  type KeyFlags,
  keysOf,
  type Kind,
  optionalText,
  refused,
} from "../key.ts";
import { AUTH } from "./reasons.ts";

const auth = <T>(kind: Kind<T>, meaning: string, flags: KeyFlags = {}) =>
  ignored(kind, AUTH, meaning, flags);

const off = (meaning: string) =>
  refused(bool(false), {
    when: (on) => on,
    because: "users and policies aren't implemented yet, requests would go unchecked",
    instead: "set it to false and protect the port by the network",
  }, meaning);

export const authKeys = keysOf("AuthConfig", {
  authenticationEnabled: off("Requires clients to sign their requests."),
  authorizationEnabled: off("Checks each request against policies."),
  migrateAuthFromV1Enabled: off("Takes users and policies over from plain_acl.yml."),
  configName: auth(optionalText(), "Set by the broker itself."),
  clusterName: auth(optionalText(), "Set by the broker itself."),
  authConfigPath: auth(optionalText(), "Set by the broker itself."),
  authenticationProvider: auth(optionalText(), "Java class that authenticates."),
  authenticationMetadataProvider: auth(optionalText(), "Java class that keeps users."),
  authenticationStrategy: auth(optionalText(), "Java class that decides when to authenticate."),
  authenticationWhitelist: auth(optionalText(), "Request codes that need no signature."),
  initAuthenticationUser: auth(optionalText(), "First user and password, as JSON.", {
    secret: true,
  }),
  innerClientAuthenticationCredentials: auth(
    optionalText(),
    "Key and secret that nodes sign with, as JSON.",
    { secret: true },
  ),
  authorizationProvider: auth(optionalText(), "Java class that authorizes."),
  authorizationMetadataProvider: auth(optionalText(), "Java class that keeps policies."),
  authorizationStrategy: auth(optionalText(), "Java class that decides when to authorize."),
  authorizationWhitelist: auth(optionalText(), "Request codes that need no policy."),
  userCacheMaxNum: auth(int(1000), "Users in memory."),
  userCacheExpiredSecond: auth(int(600, "s"), "How long they stay."),
  userCacheRefreshSecond: auth(int(60, "s"), "How often they are read again."),
  aclCacheMaxNum: auth(int(1000), "Policies in memory."),
  aclCacheExpiredSecond: auth(int(600, "s"), "How long they stay."),
  aclCacheRefreshSecond: auth(int(60, "s"), "How often they are read again."),
  statefulAuthenticationCacheMaxNum: auth(int(10_000), "Authenticated connections in memory."),
  statefulAuthenticationCacheExpiredSecond: auth(int(60, "s"), "How long they stay."),
  statefulAuthorizationCacheMaxNum: auth(int(10_000), "Authorized connections in memory."),
  statefulAuthorizationCacheExpiredSecond: auth(int(60, "s"), "How long they stay."),
});
