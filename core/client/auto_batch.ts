// Automatic batches: messages of one kind that are sent within a few ms travel together
// (ProduceAccumulator). Each sender gets its own result. Decides who travels with whom; sends by a
// callback.
import type { Clock, Timer } from "../time/clock.ts";
import {
  bodyBytes,
  isDelayed,
  type Message,
  type MessageQueue,
  type SendResult,
} from "./message.ts";
import { isRetryTopic } from "../message/topic_names.ts";

export interface AutoBatchOptions {
  /** A batch leaves when its bodies have so many bytes. */
  batchBytes: number;
  /** Or when its first message has waited for so long, in ms. */
  waitMs: number;
  /** Bytes of all messages that wait; further ones go by themselves. */
  waitingBytesMax: number;
}

interface Waiting {
  message: Message;
  resolve(result: SendResult): void;
  reject(error: unknown): void;
}

interface Gathering {
  queue: MessageQueue | null;
  waiting: Waiting[];
  bytes: number;
  timer: Timer;
}

/** Sends messages together; gives a result for each request that they made, in order. */
export type SendTogether = (
  messages: readonly Message[],
  queue: MessageQueue | null,
) => Promise<SendResult[]>;

export class AutoBatch {
  private readonly gatherings = new Map<string, Gathering>();
  private waitingBytes = 0;

  constructor(
    private readonly clock: Clock,
    private readonly options: AutoBatchOptions,
    private readonly sendTogether: SendTogether,
  ) {}

  /** How many wait for their batch to leave. */
  get pending(): number {
    let count = 0;
    for (const { waiting } of this.gatherings.values()) count += waiting.length;
    return count;
  }

  /** False for what can't be part of a batch, or finds no room: send it by itself. */
  takes(message: Message): boolean {
    if (isDelayed(message) || message.priority !== undefined || isRetryTopic(message.topic)) {
      return false;
    }
    const bytes = bodyBytes(message.body).length;
    return bytes > 0 && this.waitingBytes + bytes <= this.options.waitingBytesMax;
  }

  add(message: Message, queue: MessageQueue | null): Promise<SendResult> {
    const { topic, tags, waitStoreOk } = message;
    const key = JSON.stringify([
      topic,
      queue && [queue.brokerName, queue.queueId],
      waitStoreOk ?? true,
      tags ?? null,
    ]);
    let gathering = this.gatherings.get(key);
    if (gathering === undefined) {
      const timer = this.clock.after(this.options.waitMs, () => this.leave(key));
      gathering = { queue, waiting: [], bytes: 0, timer };
      this.gatherings.set(key, gathering);
    }
    const { waiting } = gathering;
    const bytes = bodyBytes(message.body).length;
    gathering.bytes += bytes;
    this.waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      waiting.push({ message, resolve, reject });
      if (gathering.bytes >= this.options.batchBytes) this.leave(key);
    });
  }

  /** Nothing waits any longer. */
  flush(): void {
    for (const key of [...this.gatherings.keys()]) this.leave(key);
  }

  private leave(key: string): void {
    const gathering = this.gatherings.get(key);
    if (gathering === undefined) return;
    this.gatherings.delete(key);
    gathering.timer.cancel();
    this.waitingBytes -= gathering.bytes;
    void this.send(gathering);
  }

  private async send({ waiting, queue }: Gathering): Promise<void> {
    try {
      const results = await this.sendTogether(waiting.map(({ message }) => message), queue);
      const single = results.flatMap(resultsOfMessages);
      for (const [index, { resolve }] of waiting.entries()) resolve(single[index]!);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}

/** The result of a batch as one result for each of its messages. */
export function resultsOfMessages(result: SendResult): SendResult[] {
  const ids = result.messageId.split(",");
  // A topic whose queues hold batches whole has one offset id for all of them.
  const offsetIds = result.offsetMessageId.split(",");
  return ids.map((messageId, index) => ({
    ...result,
    messageId,
    offsetMessageId: offsetIds[index] ?? offsetIds[0]!,
    queueOffset: result.queueOffset + index,
  }));
}
