import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import fc from "fast-check";
import { javaHash } from "../../core/bytes/java_hash.ts";
import { TopicTexts } from "./topic_texts.ts";

test("topics that take turns, also on one place, are told apart by their bytes", () => {
  const texts = new TopicTexts();
  const topic = fc.oneof(
    fc.constantFrom("Orders", "AaAa", "BBBB", "AaBB", "BBAa", "%RETRY%Gäste", ""),
    fc.integer({ min: 0, max: 4000 }).map((number) => `Queues${number}`),
  );
  fc.assert(fc.property(fc.array(topic, { maxLength: 200 }), (names) => {
    for (const name of names) {
      const bytes = Buffer.from(`before${name}behind`);
      const { prefixHash, text } = texts.of(bytes, 6, bytes.length - 6);
      expect(text).toBe(name);
      expect(prefixHash).toBe(javaHash(`${name}#`));
    }
  }));
});

test("a topic that changes in a reused buffer is another topic", () => {
  const texts = new TopicTexts();
  const buffer = Buffer.from("TopicA");
  expect(texts.of(buffer, 0, 6).text).toBe("TopicA");
  buffer[5] = 0x42;
  expect(texts.of(buffer, 0, 6).text).toBe("TopicB");
});
