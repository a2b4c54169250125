// Producers on fake clusters with one topic of four queues, and the error of what must fail. For tests of producers.
import { ClientError } from "./client_error.ts";
import type { ProducerOptions } from "./options.ts";
import { Producer } from "./producer.ts";
import { FakeCluster } from "./testing_cluster.ts";

/** What a test opened; to be closed after each. */
export class OpenedProducers {
  private readonly opened: AsyncDisposable[] = [];

  async open(brokers = 1, options: ProducerOptions = {}) {
    const cluster = this.use(await FakeCluster.open(brokers));
    cluster.topics.set("T", { queues: 4 });
    const own = { group: "g", ...options };
    const producer = this.use(await Producer.open(own, cluster.environment));
    return { cluster, producer };
  }

  use<T extends AsyncDisposable>(opened: T): T {
    this.opened.push(opened);
    return opened;
  }

  /** The last first. */
  async close(): Promise<void> {
    while (this.opened.length > 0) await this.opened.pop()![Symbol.asyncDispose]();
  }
}

/** The ClientError that a promise rejects with; throws when it does otherwise. */
export async function errorOf(promise: Promise<unknown>): Promise<ClientError> {
  const error = await promise.then(() => null, (reason: unknown) => reason);
  if (!(error instanceof ClientError)) throw new Error(`not a ClientError: ${error}`);
  return error;
}
