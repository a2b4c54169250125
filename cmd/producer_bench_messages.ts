// The messages that producer-bench sends: bodies, keys, tags and properties as Apache's benchmark makes them. Pure but
// for the clock and randomness that it is given.
import { Buffer } from "node:buffer";
import type { Message } from "../core/client/message.ts";
import { type Random, randomBelow } from "../core/random.ts";
import type { Clock } from "../core/time/clock.ts";

export interface MessageChoices {
  topic: string;
  messageSize: number;
  keyEnable: boolean;
  /** Least characters of names and values of properties; 0: none. */
  propertySize: number;
  tagCount: number;
  /** Null: not delayed. */
  delayLevel: number | null;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const PROPERTY_START_BELOW = 100;

/** A function that gives one message after the other. All share one body of random letters and digits. */
export function messageMaker(choices: MessageChoices, clock: Clock, random: Random): () => Message {
  const { topic, messageSize, keyEnable, propertySize, tagCount, delayLevel } = choices;
  const letters = Array.from(
    { length: messageSize },
    () => LETTERS[randomBelow(random, LETTERS.length)],
  );
  const body = Buffer.from(letters.join(""), "latin1");
  const delay = delayLevel === null ? {} : { delayLevel };
  if (!keyEnable && tagCount === 0 && propertySize === 0) {
    const message = { topic, body, ...delay };
    return () => message;
  }
  return () => {
    const nowMs = clock.nowMs();
    const message: Message = { topic, body, ...delay };
    if (keyEnable) message.keys = String(Math.floor(nowMs / 1000));
    if (tagCount > 0) message.tags = `tag${nowMs % tagCount}`;
    if (propertySize > 0) message.properties = propertiesOf(propertySize, random);
    return message;
  };
}

/** Pairs "prop0" → "hello42", "prop1" → "42", … until they are longer than the size in all. */
function propertiesOf(size: number, random: Random): Record<string, string> {
  const properties: Record<string, string> = {};
  let value = randomBelow(random, PROPERTY_START_BELOW);
  for (let length = 0, index = 0; length <= size; index += 2, value += 2) {
    const pairs = [[`prop${index}`, `hello${value}`], [`prop${index + 1}`, `${value}`]] as const;
    for (const [name, text] of pairs) {
      properties[name] = text;
      length += name.length + text.length;
    }
  }
  return properties;
}
