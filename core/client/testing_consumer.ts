// What tests of consumers share: a fake cluster with a topic, a producer, quick consumers. Used by tests
// alone.
import type { BatchListener, MessageListener } from "./listener.ts";
import type { PushConsumerOptions } from "./options.ts";
import { Producer } from "./producer.ts";
import { PushConsumer } from "./push_consumer.ts";
import { FakeCluster } from "./testing_cluster.ts";

/** Everything quick, so that no test waits for a period. */
export const QUICK = { rebalanceMs: 20, offsetCommitMs: 20, heartbeatMs: 50, routePollMs: 50 };

export class ConsumerBed implements AsyncDisposable {
  readonly stack: AsyncDisposable[] = [];

  private constructor(readonly cluster: FakeCluster, readonly producer: Producer) {
    this.stack.push(cluster, producer);
  }

  /** A cluster with the topic T. */
  static async open(brokers = 1, queues = 4): Promise<ConsumerBed> {
    const cluster = await FakeCluster.open(brokers);
    cluster.topics.set("T", { queues });
    return new ConsumerBed(cluster, await Producer.open({ group: "p" }, cluster.environment));
  }

  /** A consumer of T in group "g", from the queues' start. */
  async consumer(
    listener?: MessageListener | BatchListener,
    options: Partial<PushConsumerOptions> = {},
  ): Promise<PushConsumer> {
    const consumer = await PushConsumer.open(
      { group: "g", subscriptions: { T: "*" }, consumeFrom: "first", ...QUICK, ...options },
      listener,
      this.cluster.environment,
    );
    this.stack.push(consumer);
    return consumer;
  }

  /** Messages "0", "1" … */
  async send(count: number, tags?: string): Promise<void> {
    await Promise.all(
      Array.from(
        { length: count },
        (_, index) => this.producer.send({ topic: "T", body: `${index}`, ...(tags && { tags }) }),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.stack.length > 0) await this.stack.pop()![Symbol.asyncDispose]();
  }
}

export function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`);
}
