// What is put on every request of a client: who asks, signed, and the namespace that it means.
// Hooks of core/remoting; they keep no state.
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { ClientHook } from "../remoting/client.ts";

/** Who a client is to brokers that check (SessionCredentials). */
export interface Credentials {
  accessKey: string;
  secretKey: string;
  /** Of temporary credentials. */
  securityToken?: string;
}

const ACCESS_KEY = "AccessKey";
const SECURITY_TOKEN = "SecurityToken";
const SIGNATURE = "Signature";
const IS_NAMESPACED = "nsd";
const NAMESPACE = "ns";

/** Signs requests as Apache's AclClientRPCHook does: HMAC-SHA1 over all fields and the body. */
export function signingHook({ accessKey, secretKey, securityToken }: Credentials): ClientHook {
  return {
    beforeRequest(_address, { extFields, body }) {
      extFields.set(ACCESS_KEY, accessKey);
      if (securityToken !== undefined) extFields.set(SECURITY_TOKEN, securityToken);
      extFields.delete(SIGNATURE);
      extFields.set(SIGNATURE, signatureOf(extFields, body, secretKey));
    },
  };
}

/** Base64 of the HMAC over the fields' values in the order of their names, then the body. */
export function signatureOf(
  fields: ReadonlyMap<string, string>,
  body: Uint8Array,
  secretKey: string,
): string {
  const names = [...fields.keys()].sort();
  const hmac = createHmac("sha1", Buffer.from(secretKey, "utf8"));
  for (const name of names) hmac.update(fields.get(name)!, "utf8");
  return hmac.update(body).digest("base64");
}

/** Says which namespace topics and groups are of, beside their names (NamespaceRpcHook). */
export function namespaceHook(namespace: string): ClientHook {
  return {
    beforeRequest(_address, { extFields }) {
      extFields.set(IS_NAMESPACED, "true");
      extFields.set(NAMESPACE, namespace);
    },
  };
}
