// Topics as records spell them, found by their bytes: one text and one key prefix each, though records of many topics
// take turns. Bounded; never reads more than the bytes it is given.
import type { Buffer } from "node:buffer";
import { javaHash, javaHashUtf8 } from "../../core/bytes/java_hash.ts";
import { sameBytes } from "../../core/bytes/same_bytes.ts";

/** Topics that are remembered; a power of two. */
const TOPICS_MAX = 1024;
/** Places that a topic may have, one behind the other; when others have all of them, it drives out the first. */
const PLACES = 4;

export interface TopicText {
  /** The same string each time, so that maps needn't hash it again. */
  readonly text: string;
  /** Java's hash of "topic#", with which the hashes of its keys begin. */
  readonly prefixHash: number;
}

interface KnownTopic extends TopicText {
  readonly bytes: Uint8Array;
}

export class TopicTexts {
  private readonly known: (KnownTopic | undefined)[] = Array.from({ length: TOPICS_MAX });

  /** The topic that stands in `buffer[start…end)`. */
  of(buffer: Buffer, start: number, end: number): TopicText {
    const first = javaHashUtf8(buffer, start, end) & (TOPICS_MAX - 1);
    let place = first;
    for (let tried = 0; tried < PLACES; tried++) {
      const known = this.known[place];
      if (known === undefined) return this.remember(place, buffer, start, end);
      if (sameBytes(known.bytes, buffer, start, end)) return known;
      place = (place + 1) & (TOPICS_MAX - 1);
    }
    return this.remember(first, buffer, start, end);
  }

  private remember(place: number, buffer: Buffer, start: number, end: number): TopicText {
    const text = buffer.toString("utf8", start, end);
    const bytes = new Uint8Array(buffer.subarray(start, end));
    const topic = { text, bytes, prefixHash: javaHash("#", javaHash(text)) };
    this.known[place] = topic;
    return topic;
  }
}
