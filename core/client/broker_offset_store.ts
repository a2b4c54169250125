// Offsets of a clustering group, kept by the brokers.
import type { BrokerCalls } from "./broker_calls.ts";
import type { MessageQueue } from "./message.ts";
import type { OffsetStore, QueueOffset, WriteOutcome } from "./offsets.ts";

export class BrokerOffsetStore implements OffsetStore {
  constructor(private readonly calls: BrokerCalls, private readonly group: string) {}

  read(queue: MessageQueue): Promise<number | null> {
    return this.calls.committedOffset(this.group, queue);
  }

  async write(offsets: readonly QueueOffset[]): Promise<WriteOutcome> {
    const results = await Promise.allSettled(
      offsets.map(({ queue, offset }) => this.calls.commitOffset(this.group, queue, offset)),
    );
    const failed = results.find((result) => result.status === "rejected");
    return {
      taken: offsets.filter((_, index) => results[index]!.status === "fulfilled"),
      failure: failed === undefined ? null : failed.reason,
    };
  }
}
