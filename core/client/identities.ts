// Which groups the clients of this process are in, so that two under one client id are an error
// instead of a group that loses half of its queues. The one state that clients share.
import { ClientError } from "./client_error.ts";

const claimed = new Set<string>();

/** Takes the identity until the returned function is called. Throws ClientError "duplicate_group". */
export function claimIdentity(
  clientId: string,
  kind: "producer" | "consumer",
  group: string,
): () => void {
  const identity = `${kind} ${group} ${clientId}`;
  if (claimed.has(identity)) {
    throw new ClientError(
      "duplicate_group",
      `a ${kind} of group ${group} runs as ${clientId} already: ` +
        "give each its own instanceName, or none",
    );
  }
  claimed.add(identity);
  return () => claimed.delete(identity);
}
