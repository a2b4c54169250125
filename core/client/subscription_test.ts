// Tag expressions: what they want, what brokers are told, what is refused.
import { expect, test } from "bun:test";
import { ClientError } from "./client_error.ts";
import { isWanted, parseSubscription, subscriptionData } from "./subscription.ts";

test("an expression wants its tags, whatever the blanks", () => {
  const subscription = parseSubscription("T", " a||b  || ", 1);
  expect([...subscription.tags]).toEqual(["a", "b"]);
  expect(isWanted(subscription, "b")).toBe(true);
  expect(isWanted(subscription, "c")).toBe(false);
  expect(isWanted(subscription, undefined)).toBe(false);
});

test("a star, or nothing, wants all", () => {
  for (const expression of ["*", " * ", ""]) {
    const subscription = parseSubscription("T", expression, 1);
    expect(subscription.expression).toBe("*");
    expect(isWanted(subscription, undefined)).toBe(true);
  }
});

test("brokers are told the tags with their hashes", () => {
  expect(subscriptionData(parseSubscription("T", "TagA || b", 17))).toEqual({
    classFilterMode: false,
    codeSet: [2598919, 98],
    expressionType: "TAG",
    subString: "TagA || b",
    subVersion: 17,
    tagsSet: ["TagA", "b"],
    topic: "T",
  });
});

test("an expression without a tag, or a wrong topic, is refused", () => {
  expect(() => parseSubscription("T", "||", 1)).toThrow(ClientError);
  expect(() => parseSubscription("no topic", "*", 1)).toThrow(ClientError);
});
