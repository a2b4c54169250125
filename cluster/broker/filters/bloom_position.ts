// Where a group's bits would lie in Apache's filter bit maps. Roquet writes no bit maps; the positions are kept in
// consumerFilter.json because Apache throws the file's filters away when they are missing (Java: BloomFilter).
import { Buffer } from "node:buffer";

export interface BloomPosition {
  bitNum: number;
  bitPos: number[];
}

/** Configuration keys by Apache's names. */
export interface BloomSettings {
  expectConsumerNumUseFilter: number;
  maxErrorRateOfBloomFilter: number;
}

export function bloomPositionOf(key: string, settings: BloomSettings): BloomPosition {
  const errorRate = settings.maxErrorRateOfBloomFilter / 100;
  const hashCount = Math.ceil(Math.log(errorRate) / Math.log(0.5));
  const bits = Math.ceil(
    settings.expectConsumerNumUseFilter * Math.log2(1 / errorRate) * Math.log2(Math.E),
  );
  const bitNum = 8 * Math.ceil(bits / 8);
  const hash = murmurHash(Buffer.from(key, "utf8"));
  const low = Number(BigInt.asIntN(32, hash));
  const high = Number(BigInt.asIntN(32, hash >> 32n));
  const bitPos = Array.from({ length: hashCount }, (_, index) => {
    const combined = (low + Math.imul(index + 1, high)) | 0;
    return (combined < 0 ? ~combined : combined) % bitNum;
  });
  return { bitNum, bitPos };
}

export function sameBloomPosition(left: BloomPosition | null, right: BloomPosition): boolean {
  return left !== null && left.bitNum === right.bitNum &&
    left.bitPos.length === right.bitPos.length &&
    left.bitPos.every((position, index) => position === right.bitPos[index]);
}

const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;
const BLOCK_BYTES = 16;

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function rotate(value: bigint, bits: bigint): bigint {
  return wrap(value << bits) | (value >> (64n - bits));
}

function mixFirst(block: bigint): bigint {
  return wrap(rotate(wrap(block * C1), 31n) * C2);
}

function mixSecond(block: bigint): bigint {
  return wrap(rotate(wrap(block * C2), 33n) * C1);
}

function finish(hash: bigint): bigint {
  let mixed = wrap((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn);
  mixed = wrap((mixed ^ (mixed >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return mixed ^ (mixed >> 33n);
}

/** The first 64 bits of MurmurHash3 x64 128 with seed 0, by Austin Appleby's public-domain description. */
function murmurHash(bytes: Buffer): bigint {
  let first = 0n;
  let second = 0n;
  const wholeEnd = bytes.length - bytes.length % BLOCK_BYTES;
  for (let at = 0; at < wholeEnd; at += BLOCK_BYTES) {
    first ^= mixFirst(bytes.readBigUInt64LE(at));
    first = wrap((rotate(first, 27n) + second) * 5n + 0x52dce729n);
    second ^= mixSecond(bytes.readBigUInt64LE(at + 8));
    second = wrap((rotate(second, 31n) + first) * 5n + 0x38495ab5n);
  }
  const rest = Buffer.alloc(BLOCK_BYTES);
  bytes.copy(rest, 0, wholeEnd);
  first ^= mixFirst(rest.readBigUInt64LE(0));
  second ^= mixSecond(rest.readBigUInt64LE(8));
  const length = BigInt(bytes.length);
  first = wrap((first ^ length) + (second ^ length));
  second = wrap((second ^ length) + first);
  return wrap(finish(first) + finish(second));
}
