// Where subscribe --until ends: the queues' offsets at the wanted time, and whether the group has come that far. Asks
// brokers; consumes nothing.
import { type MessageQueue, queueKey } from "../core/client/message.ts";
import type { ReceivedMessage } from "../core/client/received_message.ts";
import { OperationError } from "../core/errors.ts";
import {
  GET_MAX_OFFSET,
  QUERY_CONSUMER_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
} from "../core/remoting/codes/offsets.ts";
import { ResponseCode } from "../core/remoting/response_codes.ts";
import { type Cluster, Refusal } from "./inspector/cluster.ts";
import { runtimeOf } from "./inspector/clusters.ts";
import { mapAtOnce } from "./inspector/parallel.ts";
import { addressOf } from "./inspector/routes.ts";

/** How often, and how long, a broker is asked whether its queues have come as far as its log. */
const CATCH_UP_POLL_MS = 10;
const CATCH_UP_MS_MAX = 30_000;

/** A queue, the broker that answers for it, and one past the last offset that is wanted. */
interface QueueEnd {
  queue: MessageQueue;
  address: string;
  offset: number;
}

export interface UntilOptions {
  cluster: Cluster;
  topic: string;
  group: string;
  /** What is there now, or what is stored up to this time in ms. */
  until: "end" | number;
}

export class Until {
  private ends: ReadonlyMap<string, QueueEnd> | null = null;

  constructor(private readonly options: UntilOptions) {}

  /** Looks where the queues end, once the time has come; call before consuming, and until it is true. */
  async find(): Promise<boolean> {
    if (this.ends !== null) return true;
    const { cluster, until } = this.options;
    // Messages of the last millisecond may still be being stored.
    if (until !== "end" && cluster.clock.nowMs() <= until + 1) return false;
    const queues = await this.queues();
    const addresses = new Set(queues.map(({ address }) => address));
    await mapAtOnce([...addresses], (address) => this.caughtUp(address));
    const ends = await mapAtOnce(queues, async ({ queue, address }) => {
      return { queue, address, offset: await this.endOf(queue, address) };
    });
    this.ends = new Map(ends.map((end) => [queueKey(end.queue), end]));
    return true;
  }

  /** Whether a message is still wanted. Retried ones come by another topic and are told by their time. */
  wants(message: ReceivedMessage): boolean {
    const end = this.ends?.get(queueKey(message.queue));
    if (end !== undefined) return message.queueOffset < end.offset;
    const { until } = this.options;
    return until === "end" || message.storeTimestampMs <= until;
  }

  /** Whether the group has committed all that is wanted. */
  async isReached(): Promise<boolean> {
    if (!await this.find()) return false;
    const reached = await mapAtOnce(
      [...this.ends!.values()],
      async ({ queue, address, offset }) => {
        const { topic, queueId, brokerName } = queue;
        const consumerGroup = this.options.group;
        const fields = { consumerGroup, topic, queueId, bname: brokerName };
        const answer = await this.options.cluster.askAny(QUERY_CONSUMER_OFFSET, address, fields);
        if (answer.code === ResponseCode.QUERY_NOT_FOUND) return false;
        if (answer.code !== ResponseCode.SUCCESS) throw new OperationError(`${answer.remark}`);
        return (answer.fields.offset ?? 0) >= offset;
      },
    );
    return !reached.includes(false);
  }

  private async queues(): Promise<{ queue: MessageQueue; address: string }[]> {
    const { cluster, topic } = this.options;
    const route = await cluster.route(topic);
    return route.queues.flatMap(({ brokerName, readQueueNums }) => {
      const broker = route.brokers.find((each) => each.brokerName === brokerName);
      const address = broker && addressOf(broker);
      if (address === undefined) return [];
      return Array.from({ length: readQueueNums }, (_, queueId) => {
        return { queue: { topic, brokerName, queueId }, address };
      });
    });
  }

  /**
   * Waits until a broker's queues have what its log has now: Apache's acknowledges a message before its queue shows it. A
   * broker that doesn't tell is taken as it is.
   */
  private async caughtUp(address: string): Promise<void> {
    const { clock } = this.options.cluster;
    const untilMs = clock.monotonicMs() + CATCH_UP_MS_MAX;
    let wanted: number | null = null;
    for (;;) {
      const place = await this.dispatchOf(address);
      if (place === null) return;
      wanted ??= place.end;
      // What isn't a number was never behind.
      if (!(place.end - place.behind < wanted)) return;
      if (clock.monotonicMs() > untilMs) {
        throw new OperationError(`${address}: its queues are ${place.behind} bytes behind its log`);
      }
      await clock.sleep(CATCH_UP_POLL_MS);
    }
  }

  /** Where a broker's log ends, and how far its queues are behind, in bytes; null when it may not be asked. */
  private async dispatchOf(address: string): Promise<{ end: number; behind: number } | null> {
    try {
      const figures = await runtimeOf(this.options.cluster, address);
      return {
        end: Number(figures.get("commitLogMaxOffset")),
        behind: Number(figures.get("dispatchBehindBytes")),
      };
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }

  private async endOf(queue: MessageQueue, address: string): Promise<number> {
    const { cluster, until } = this.options;
    const { topic, queueId, brokerName } = queue;
    const fields = { topic, queueId, bname: brokerName };
    const { fields: { offset } } = until === "end"
      ? await cluster.ask(GET_MAX_OFFSET, address, fields)
      : await cluster.ask(SEARCH_OFFSET_BY_TIMESTAMP, address, { ...fields, timestamp: until + 1 });
    if (offset === undefined) throw new OperationError(`${address}: the answer has no offset`);
    return offset;
  }
}
