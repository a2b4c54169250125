// What a group subscribes to in one topic, and the tag filter that the pull path runs over queue entries.
// SQL expressions are carried but never evaluated here (Java: SubscriptionData, FilterAPI, ExpressionMessageFilter).
import { javaHash } from "../../../core/bytes/java_hash.ts";

export const SUBSCRIBE_ALL = "*";
export const EXPRESSION_TAG = "TAG";

export interface Subscription {
  topic: string;
  subString: string;
  expressionType: string;
  /** A time in ms that moves with each change on the client; a pull may ask for a version that the heartbeat hasn't brought yet. */
  subVersion: number;
  tags: readonly string[];
  /** Hashes of the tags. */
  codes: ReadonlySet<number>;
  classFilterMode: boolean;
}

/** A tag hash below this is the address of a consume-queue extension unit, not a hash (Java: ConsumeQueueExt). */
const EXTENSION_ADDRESS_MAX = -2147483649;

export function isTagType(expressionType: string | null | undefined): boolean {
  return expressionType === undefined || expressionType === null || expressionType === "" ||
    expressionType === EXPRESSION_TAG;
}

/**
 * The subscription of a pull that carries its own: "a || b" by tags, anything else kept as the expression of its type.
 * Null when it can't be parsed.
 */
export function parseSubscription(
  topic: string,
  expression: string | undefined,
  expressionType: string | undefined,
  nowMs: number,
): Subscription | null {
  const base = { topic, subVersion: nowMs, classFilterMode: false };
  if (!isTagType(expressionType)) {
    if (expression === undefined || expression === "") return null;
    return {
      ...base,
      subString: expression,
      expressionType: expressionType!,
      tags: [],
      codes: new Set(),
    };
  }
  const subString = expression === undefined || expression === "" ? SUBSCRIBE_ALL : expression;
  if (subString === SUBSCRIBE_ALL) {
    return { ...base, subString, expressionType: EXPRESSION_TAG, tags: [], codes: new Set() };
  }
  const tags = subString.split("||").map((tag) => tag.trim()).filter((tag) => tag !== "");
  if (/^\|*$/.test(subString)) return null;
  return {
    ...base,
    subString,
    expressionType: EXPRESSION_TAG,
    tags,
    codes: new Set(tags.map((tag) => javaHash(tag))),
  };
}

/** Whether a queue entry may be for the subscription; clients compare the tag's text again. */
export function matchesTags(subscription: Subscription, tagsCode: number): boolean {
  if (subscription.classFilterMode || subscription.subString === SUBSCRIBE_ALL) return true;
  if (subscription.expressionType !== EXPRESSION_TAG || tagsCode <= EXTENSION_ADDRESS_MAX) {
    return true;
  }
  return subscription.codes.has(tagsCode | 0);
}
