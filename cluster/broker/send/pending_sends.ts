// Sends that are staged or await their flush, as a struct of arrays: what an answer needs when the store reports.
// Slots are reused; nothing is allocated for a message. Knows neither frames nor the store.
import type { Buffer } from "node:buffer";
import { Buffer as NodeBuffer } from "node:buffer";
import type { SerializeType } from "../../../core/remoting/command.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import { type MovedKind, PLAIN, type SendKind } from "./send_kinds.ts";
import type { TopicPlan } from "./topic_plans.ts";

/** Longest unique key that a slot keeps; sends with longer ones go the general way. */
export const UNIQUE_KEY_BYTES_MAX = 64;
const SLOTS_INITIAL = 1024;

export class PendingSends {
  connections: (Connection | null)[] = [];
  /** Of the topics that they are stored in. */
  plans: (TopicPlan | null)[] = [];
  /** Of those that wait first: the topics that they are going to. */
  realPlans: (TopicPlan | null)[] = [];
  /** Of timed messages: their slots. */
  outMs = new Float64Array(SLOTS_INITIAL);
  opaques = new Int32Array(SLOTS_INITIAL);
  /** Of the topics that they were sent to … */
  queueIds = new Int32Array(SLOTS_INITIAL);
  /** … and of those that they are stored in. */
  storedQueueIds = new Int32Array(SLOTS_INITIAL);
  private kinds = new Uint8Array(SLOTS_INITIAL);
  sizes = new Int32Array(SLOTS_INITIAL);
  serializeTypes = new Uint8Array(SLOTS_INITIAL);
  isOneway = new Uint8Array(SLOTS_INITIAL);
  uniqueKeyLengths = new Uint8Array(SLOTS_INITIAL);
  uniqueKeys: Buffer = NodeBuffer.alloc(SLOTS_INITIAL * UNIQUE_KEY_BYTES_MAX);
  private free: Int32Array = new Int32Array(SLOTS_INITIAL);
  private freeCount = 0;

  constructor() {
    this.addFree(0, SLOTS_INITIAL);
  }

  /** How many slots are taken. */
  get count(): number {
    return this.opaques.length - this.freeCount;
  }

  /** Takes a slot and gives its number, the token under which the store reports. */
  take(
    connection: Connection,
    plan: TopicPlan,
    opaque: number,
    queueId: number,
    size: number,
    serializeType: SerializeType,
    oneway: boolean,
  ): number {
    if (this.freeCount === 0) this.grow();
    const slot = this.free[--this.freeCount]!;
    this.connections[slot] = connection;
    this.plans[slot] = plan;
    this.opaques[slot] = opaque;
    this.queueIds[slot] = queueId;
    this.storedQueueIds[slot] = queueId;
    this.kinds[slot] = PLAIN;
    this.sizes[slot] = size;
    this.serializeTypes[slot] = serializeType;
    this.isOneway[slot] = oneway ? 1 : 0;
    return slot;
  }

  kindOf(slot: number): SendKind {
    return this.kinds[slot] as SendKind;
  }

  /** The message in the slot waits in a queue of another topic first; `outMs` is a timed one's slot. */
  setMoved(
    slot: number,
    kind: MovedKind,
    realPlan: TopicPlan,
    storedQueueId: number,
    outMs: number,
  ): void {
    this.kinds[slot] = kind;
    this.realPlans[slot] = realPlan;
    this.storedQueueIds[slot] = storedQueueId;
    this.outMs[slot] = outMs;
  }

  /** Copies the slot's unique key from where the record was staged. */
  setUniqueKey(slot: number, source: Buffer, start: number, end: number): void {
    this.uniqueKeyLengths[slot] = end - start;
    source.copy(this.uniqueKeys, slot * UNIQUE_KEY_BYTES_MAX, start, end);
  }

  release(slot: number): void {
    this.connections[slot] = null;
    this.plans[slot] = null;
    this.realPlans[slot] = null;
    this.free[this.freeCount++] = slot;
  }

  private addFree(first: number, end: number): void {
    for (let slot = end - 1; slot >= first; slot--) {
      this.connections[slot] = null;
      this.plans[slot] = null;
      this.realPlans[slot] = null;
      this.free[this.freeCount++] = slot;
    }
  }

  private grow(): void {
    const before = this.opaques.length;
    const after = before * 2;
    const larger = <T extends Float64Array | Int32Array | Uint8Array>(
      array: T,
      make: new (length: number) => T,
    ) => {
      const copy = new make(after);
      copy.set(array);
      return copy;
    };
    this.outMs = larger(this.outMs, Float64Array);
    this.opaques = larger(this.opaques, Int32Array);
    this.queueIds = larger(this.queueIds, Int32Array);
    this.storedQueueIds = larger(this.storedQueueIds, Int32Array);
    this.kinds = larger(this.kinds, Uint8Array);
    this.sizes = larger(this.sizes, Int32Array);
    this.free = larger(this.free, Int32Array);
    this.serializeTypes = larger(this.serializeTypes, Uint8Array);
    this.isOneway = larger(this.isOneway, Uint8Array);
    this.uniqueKeyLengths = larger(this.uniqueKeyLengths, Uint8Array);
    const keys = NodeBuffer.alloc(after * UNIQUE_KEY_BYTES_MAX);
    keys.set(this.uniqueKeys);
    this.uniqueKeys = keys;
    this.addFree(before, after);
  }
}
