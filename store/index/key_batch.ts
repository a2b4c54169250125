// Keys of a replay on their way to the index: put some hundred at a time, since the memory that random keys need comes
// together then, and not one after the other.
import type { KeyIndex } from "./key_index.ts";

const KEYS = 512;

export class KeyBatch {
  private readonly keyHashes = new Int32Array(KEYS);
  private readonly physicalOffsets = new Float64Array(KEYS);
  private readonly storeTimestamps = new Float64Array(KEYS);
  private count = 0;

  constructor(private readonly index: KeyIndex) {}

  /** As `KeyIndex.put`, not later than with the next `flush`. */
  put(keyHash: number, physicalOffset: number, storeTimestampMs: number): void {
    const at = this.count++;
    this.keyHashes[at] = keyHash;
    this.physicalOffsets[at] = physicalOffset;
    this.storeTimestamps[at] = storeTimestampMs;
    if (this.count === KEYS) this.flush();
  }

  flush(): void {
    const { count, index, keyHashes, physicalOffsets, storeTimestamps } = this;
    this.count = 0;
    index.expect(keyHashes, count);
    for (let at = 0; at < count; at++) {
      index.put(keyHashes[at]!, physicalOffsets[at]!, storeTimestamps[at]!);
    }
  }
}
