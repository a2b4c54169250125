// The usual ways to choose a message's queue (MessageQueueSelector's implementations). Pure.
import { absHash, javaHash } from "../bytes/java_hash.ts";
import { type Random, randomBelow, systemRandom } from "../random.ts";
import type { QueueSelector } from "./options.ts";

/**
 * Messages of one key go to one queue, so that they keep their order while the number of queues
 * stays: the key's Java hash, as Apache's SelectMessageQueueByHash chooses for a String.
 *
 * @example
 * ```ts
 * import { byKey } from "roquet";
 *
 * await producer.send({ topic: "Orders", body: "paid" }, { select: byKey("order-1") });
 * ```
 */
export function byKey(key: string): QueueSelector {
  return (queues) => queues[absHash(javaHash(key) % queues.length)]!;
}

export function atRandom(random: Random = systemRandom): QueueSelector {
  return (queues) => queues[randomBelow(random, queues.length)]!;
}

/** Only queues of brokers whose name begins with a machine room's: "room@broker-a". */
export function inMachineRoom(rooms: readonly string[], then: QueueSelector): QueueSelector {
  return (queues) => {
    const near = queues.filter(({ brokerName }) => rooms.includes(brokerName.split("@")[0]!));
    return then(near.length > 0 ? near : queues);
  };
}
