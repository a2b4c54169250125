// Keeps the order of lines that go to one queue. A broker may store what is on its way at the same time in any order, so
// a queue has one request on its way; lines that come meanwhile go together with the next one.
import {
  bodyBytes,
  type Message,
  type MessageQueue,
  queueKey,
  type SendStatus,
} from "../core/client/message.ts";

/** Sends messages of one queue together, in their order. */
export type SendTogether = (
  queue: MessageQueue,
  messages: readonly Message[],
) => Promise<SendStatus>;

/** Well below what one request may have, so that a batch is never split. */
const BATCH_MESSAGES_MAX = 256;
const BATCH_BYTES_MAX = 1024 * 1024;
/** What a message's properties may add, roughly: they are limited to 64 KiB, and are short mostly. */
const PROPERTIES_BYTES = 512;

interface WaitingLine {
  message: Message;
  resolve: (status: SendStatus) => void;
  reject: (error: unknown) => void;
}

export class PublishLanes {
  private readonly lanes = new Map<string, WaitingLine[]>();

  constructor(private readonly send: SendTogether) {}

  /** Resolves when the message is stored, after those of its queue that came before. */
  put(queue: MessageQueue, message: Message): Promise<SendStatus> {
    return new Promise((resolve, reject) => {
      const waiting = { message, resolve, reject };
      const lane = this.lanes.get(queueKey(queue));
      if (lane !== undefined) return void lane.push(waiting);
      const begun = [waiting];
      this.lanes.set(queueKey(queue), begun);
      void this.run(queue, begun);
    });
  }

  private async run(queue: MessageQueue, lane: WaitingLine[]): Promise<void> {
    while (lane.length > 0) {
      const batch = lane.splice(0, batchLength(lane));
      try {
        const status = await this.send(queue, batch.map(({ message }) => message));
        for (const { resolve } of batch) resolve(status);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.lanes.delete(queueKey(queue));
  }
}

/** How many of the first lines may go together; at least one. */
function batchLength(lane: readonly WaitingLine[]): number {
  let bytes = 0;
  for (const [index, { message }] of lane.entries()) {
    // A delayed message can't be part of a batch.
    if (index > 0 && (message.delayLevel ?? lane[0]!.message.delayLevel) !== undefined) {
      return index;
    }
    bytes += bodyBytes(message.body).length + PROPERTIES_BYTES;
    if (index > 0 && bytes > BATCH_BYTES_MAX) return index;
    if (index === BATCH_MESSAGES_MAX) return index;
  }
  return lane.length;
}
