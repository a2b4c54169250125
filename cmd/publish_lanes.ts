// Sends lines together that come together. Those of one queue keep their order: a broker may store what is on its way at
// the same time in any order, so a queue has one request on its way, and lines that come meanwhile go with the next one.
// Those for any queue that come within one turn share a request.
import { Buffer } from "node:buffer";
import { ClientError } from "../core/client/client_error.ts";
import {
  type Message,
  type MessageQueue,
  queueKey,
  type SendStatus,
} from "../core/client/message.ts";

/** Sends messages of one topic together, in their order; null: to any queue. */
export type SendTogether = (
  queue: MessageQueue | null,
  messages: readonly Message[],
) => Promise<SendStatus>;

/** Well below what one request may have, so that a batch is never split. */
const BATCH_MESSAGES_MAX = 256;
const BATCH_BYTES_MAX = 1024 * 1024;
/** What a message's properties may add, roughly: they are limited to 64 KiB, and are short mostly. */
const PROPERTIES_BYTES = 512;
/** Queues are filled evenly by requests of this size. */
const FREE_MESSAGES_MAX = 64;
/** Larger ones are compressed, which a batch isn't. */
const FREE_BYTES_MAX = 4095;

/** A line on its way. */
export interface LaneLine {
  message: Message;
  /** Counted from 1. */
  number: number;
}

export interface LaneOptions {
  send: SendTogether;
  /** These are stored; in a queue, after those that came before. */
  stored: (lines: readonly LaneLine[], status: SendStatus) => void;
  failed: (lines: readonly LaneLine[], error: unknown) => void;
}

export class PublishLanes {
  private readonly lanes = new Map<string, LaneLine[]>();
  private free: LaneLine[] = [];

  constructor(private readonly options: LaneOptions) {}

  /** What became of it is told later. */
  put(queue: MessageQueue | null, line: LaneLine): void {
    if (queue === null) return this.putFree(line);
    const lane = this.lanes.get(queueKey(queue));
    if (lane !== undefined) return void lane.push(line);
    const begun = [line];
    this.lanes.set(queueKey(queue), begun);
    void this.run(queue, begun);
  }

  private putFree(line: LaneLine): void {
    const { body, delayLevel } = line.message;
    // A delayed message can't be part of a batch.
    if (delayLevel !== undefined || bodyLength(body) > FREE_BYTES_MAX) {
      return void this.sendAll(null, [line]);
    }
    if (this.free.push(line) === 1) queueMicrotask(() => this.flush());
    else if (this.free.length === FREE_MESSAGES_MAX) this.flush();
  }

  /** Sends now what waits for the end of the turn. */
  flush(): void {
    const lines = this.free;
    this.free = [];
    if (lines.length > 0) void this.sendAll(null, lines);
  }

  private async run(queue: MessageQueue, lane: LaneLine[]): Promise<void> {
    while (lane.length > 0) await this.sendAll(queue, lane.splice(0, batchLength(lane)));
    this.lanes.delete(queueKey(queue));
  }

  /** Settles all of them. */
  private async sendAll(queue: MessageQueue | null, lines: readonly LaneLine[]): Promise<void> {
    const { send, stored, failed } = this.options;
    let status: SendStatus;
    try {
      status = await send(queue, lines.map(({ message }) => message));
    } catch (error) {
      const isOnes = error instanceof ClientError && error.code === "invalid_message";
      if (!isOnes || lines.length === 1) return failed(lines, error);
      // Nothing was sent because of one of them: the others go, and it is known which one it was.
      for (const line of lines) await this.sendAll(queue, [line]);
      return;
    }
    stored(lines, status);
  }
}

function bodyLength(body: Uint8Array | string): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.length;
}

/** How many of the first lines may go together; at least one. */
function batchLength(lane: readonly LaneLine[]): number {
  let bytes = 0;
  for (const [index, { message }] of lane.entries()) {
    // A delayed message can't be part of a batch.
    if (index > 0 && (message.delayLevel ?? lane[0]!.message.delayLevel) !== undefined) {
      return index;
    }
    bytes += bodyLength(message.body) + PROPERTIES_BYTES;
    if (index > 0 && bytes > BATCH_BYTES_MAX) return index;
    if (index === BATCH_MESSAGES_MAX) return index;
  }
  return lane.length;
}
