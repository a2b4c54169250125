// Subscriptions by tags or SQL92: the expression, what heartbeats say of it, and the check of tags on
// the client that the broker's hash alone can't make. Pure.
import { javaHash } from "../bytes/java_hash.ts";
import { topicProblem } from "../message/topic_names.ts";
import { ClientError } from "./client_error.ts";

export const ALL_TAGS = "*";

/** "*", tags joined by "||", or a condition over properties, which the broker alone looks at. */
export type Expression = string | { sql: string };

export interface Subscription {
  readonly topic: string;
  readonly type: "TAG" | "SQL92";
  /** "*", tags joined by "||", or the condition. */
  readonly expression: string;
  /** Empty: all messages. */
  readonly tags: ReadonlySet<string>;
  /** Tells brokers which of two subscriptions is the later; ms. */
  readonly version: number;
}

/** Throws ClientError "invalid_options" for a name that is no topic or an expression without a tag. */
export function parseSubscription(
  topic: string,
  expression: Expression,
  version: number,
): Subscription {
  const problem = topicProblem(topic);
  if (problem !== null) throw new ClientError("invalid_options", problem);
  if (typeof expression === "object") {
    return { topic, type: "SQL92", expression: expression.sql, tags: new Set(), version };
  }
  const type = "TAG";
  const trimmed = expression.trim();
  if (trimmed === "" || trimmed === ALL_TAGS) {
    return { topic, type, expression: ALL_TAGS, tags: new Set(), version };
  }
  const tags = trimmed.split("||").map((tag) => tag.trim()).filter((tag) => tag !== "");
  if (tags.length === 0) {
    throw new ClientError("invalid_options", `'${expression}' names no tag`);
  }
  return { topic, type, expression: trimmed, tags: new Set(tags), version };
}

/** Whether a message with these tags is wanted; the broker lets through tags of an equal hash. */
export function isWanted(subscription: Subscription, tags: string | undefined): boolean {
  if (subscription.tags.size === 0) return true;
  return tags !== undefined && subscription.tags.has(tags);
}

/** As heartbeats carry it (SubscriptionData). */
export function subscriptionData(subscription: Subscription) {
  const { topic, type, expression, tags, version } = subscription;
  return {
    classFilterMode: false,
    codeSet: [...tags].map((tag) => javaHash(tag)),
    expressionType: type,
    subString: expression,
    subVersion: version,
    tagsSet: [...tags],
    topic,
  };
}
