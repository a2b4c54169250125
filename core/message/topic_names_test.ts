// Names of topics and groups: Apache's verdicts and remarks, its lists of system topics, retry and DLQ names.
import { describe, expect, test } from "bun:test";
import {
  dlqTopicOf,
  groupOfRetryTopic,
  groupProblem,
  hasIllegalCharacter,
  isDlqTopic,
  isLmq,
  isNotSendable,
  isPopRetryTopicV2,
  isPredefinedGroup,
  isRetryTopic,
  isSystemConsumerGroup,
  isSystemTopic,
  normalTopicOf,
  normalTopicOfV2,
  popRetryTopicV1,
  popRetryTopicV2,
  replyTopicOf,
  retryTopicOf,
  reviveTopicOf,
  systemTopics,
  topicProblem,
} from "./topic_names.ts";
import vectors from "./testdata/java_vectors.json" with { type: "json" };

describe("a name", () => {
  for (const { name, topic, group, system } of vectors.names) {
    test(`${JSON.stringify(name.slice(0, 30))} (${name.length}) is judged as by Apache`, () => {
      expect(topicProblem(name) ?? "").toBe(topic);
      expect(groupProblem(name) ?? "").toBe(group);
      expect(isSystemTopic(name)).toBe(system);
    });
  }

  test("with a path in it is illegal", () => {
    expect(["../x", "a/b", "a\\b", "a\0", "a\n"].map(hasIllegalCharacter)).not.toContain(false);
  });
});

describe("system names", () => {
  test("are Apache's", () => {
    expect([...systemTopics()].sort()).toEqual(vectors.systemTopics);
    expect(vectors.systemTopics.filter(isNotSendable)).toEqual(vectors.notSendable);
    expect(isSystemTopic("rmq_sys_wheel_timer")).toBe(true);
    expect(isPredefinedGroup("CID_RMQ_SYS_TRANS")).toBe(true);
    expect(isPredefinedGroup("CID_RMQ_SYS_OTHER")).toBe(false);
    expect(isSystemConsumerGroup("CID_RMQ_SYS_OTHER")).toBe(true);
  });
});

describe("names made of others", () => {
  test("are spelled as Apache spells them", () => {
    expect(retryTopicOf("g")).toBe("%RETRY%g");
    expect(dlqTopicOf("g")).toBe("%DLQ%g");
    expect(replyTopicOf("c")).toBe("c_REPLY_TOPIC");
    expect(reviveTopicOf("c")).toBe("rmq_sys_REVIVE_LOG_c");
    expect([popRetryTopicV1("t", "g"), popRetryTopicV2("t", "g")]).toEqual([
      ...["%RETRY%g_t", "%RETRY%g+t"],
    ]);
    expect([isRetryTopic("%RETRY%g"), isDlqTopic("%DLQ%g"), isLmq("%LMQ%x")]).not.toContain(false);
  });

  test("give back what they were made of", () => {
    expect(normalTopicOf(popRetryTopicV1("t_u", "g_h"), "g_h")).toBe("t_u");
    expect(normalTopicOf(popRetryTopicV2("t_u", "g_h"), "g_h")).toBe("t_u");
    expect(normalTopicOf("plain", "g")).toBe("plain");
    for (const { topic, v2, normalV2, group } of vectors.retryTopics) {
      expect(isPopRetryTopicV2(topic)).toBe(v2);
      expect(normalTopicOfV2(topic)).toBe(normalV2);
      expect(groupOfRetryTopic(topic)).toBe(group);
    }
  });
});
