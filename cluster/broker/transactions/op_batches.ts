// Writes decisions to the op topic: the queue offsets of decided half messages, comma by comma, many in one record. One
// waits for company until its batch is full or old enough (Java: TransactionalOpBatchService, deletePrepareMessage).
import { Buffer } from "node:buffer";
import type { Logger } from "../../../core/log.ts";
import { encodeProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import { TRANSACTION_OP_TOPIC } from "../../../core/message/topic_names.ts";
import type { HostAddress } from "../../../core/remoting/handler.ts";
import type { Clock, Timer } from "../../../core/time/clock.ts";
import { isStored, type MessageStore, type MessageToStore } from "../../../store/message_store.ts";
import type { StatsSink } from "../stats_sink.ts";
import { OP_RETRY_MS } from "./limits.ts";

/** The tag of an op message: its halves are done with. */
export const OP_TAG = "d";
export const OP_SEPARATOR = ",";

export interface OpBatchParts {
  store: Pick<MessageStore, "put">;
  storeHost: HostAddress;
  clock: Clock;
  log: Logger;
  stats: StatsSink;
  /** Live configuration values by Apache's names. */
  settings: {
    readonly transactionOpMsgMaxSize: number;
    readonly transactionOpBatchInterval: number;
  };
  /** An op message is stored. */
  written: (queueId: number, opOffset: number, lastHalf: number) => void;
}

interface Waiting {
  halves: number[];
  bytes: number;
  lastWriteMs: number;
}

export class OpBatches implements AsyncDisposable {
  private readonly queues = new Map<number, Waiting>();
  private timer: Timer | null = null;
  private timerDueMs = Infinity;
  private writing: Promise<void> | null = null;
  private closed = false;

  constructor(private readonly parts: OpBatchParts) {}

  /** Decisions that are not in the log yet. */
  get waiting(): number {
    let count = 0;
    for (const { halves } of this.queues.values()) count += halves.length;
    return count;
  }

  add(queueId: number, halfOffset: number): void {
    const { clock, settings } = this.parts;
    const nowMs = clock.monotonicMs();
    let waiting = this.queues.get(queueId);
    if (waiting === undefined) {
      waiting = { halves: [], bytes: 0, lastWriteMs: nowMs };
      this.queues.set(queueId, waiting);
    }
    waiting.halves.push(halfOffset);
    waiting.bytes += digitsOf(halfOffset) + 1;
    const isFull = waiting.bytes > settings.transactionOpMsgMaxSize;
    const dueMs = isFull ? nowMs : waiting.lastWriteMs + settings.transactionOpBatchInterval;
    this.wakeAt(Math.max(nowMs, dueMs));
  }

  /** Writes all that waits. What can't be stored goes on waiting. */
  async flush(): Promise<void> {
    await this.writing;
    await this.write(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    this.closed = true;
    this.timer?.cancel();
  }

  private wakeAt(dueMs: number): void {
    if (this.closed || dueMs >= this.timerDueMs) return;
    this.timer?.cancel();
    this.timerDueMs = dueMs;
    const delayMs = Math.max(0, dueMs - this.parts.clock.monotonicMs());
    this.timer = this.parts.clock.after(delayMs, () => {
      this.timer = null;
      this.timerDueMs = Infinity;
      if (this.writing !== null) return;
      this.writing = this.write(false).finally(() => {
        this.writing = null;
        this.schedule();
      });
    });
  }

  private schedule(): void {
    const { transactionOpBatchInterval, transactionOpMsgMaxSize } = this.parts.settings;
    for (const { bytes, lastWriteMs } of this.queues.values()) {
      if (bytes === 0) continue;
      this.wakeAt(bytes > transactionOpMsgMaxSize ? 0 : lastWriteMs + transactionOpBatchInterval);
    }
  }

  /** Writes the batches that are due, or all. */
  private async write(all: boolean): Promise<void> {
    const { clock, settings } = this.parts;
    for (const [queueId, waiting] of this.queues) {
      const limit = settings.transactionOpMsgMaxSize;
      // The sum that the timer was set by: a difference may be rounded to less, and the timer set again for now.
      const isDue = () =>
        all || waiting.bytes > limit ||
        clock.monotonicMs() >= waiting.lastWriteMs + settings.transactionOpBatchInterval;
      while (waiting.halves.length > 0 && isDue()) {
        const isWritten = await this.writeOne(queueId, waiting);
        waiting.lastWriteMs = clock.monotonicMs();
        if (isWritten) continue;
        // Not before the interval again: the disk may be full.
        waiting.lastWriteMs += Math.max(0, OP_RETRY_MS - settings.transactionOpBatchInterval);
        break;
      }
    }
  }

  private async writeOne(queueId: number, waiting: Waiting): Promise<boolean> {
    const { store, stats, log, written } = this.parts;
    const { halves, text } = takeBatch(waiting, this.parts.settings.transactionOpMsgMaxSize);
    const [result] = await store.put([this.message(queueId, text)]);
    const { status, detail, queueOffset, size } = result!;
    if (!isStored(status)) {
      log.error("decisions of transactions were not written, they will be", { status, detail });
      waiting.halves.unshift(...halves);
      waiting.bytes += text.length;
      return false;
    }
    stats.topicPut(TRANSACTION_OP_TOPIC, queueId, 1, size);
    stats.brokerPut(TRANSACTION_OP_TOPIC, 1);
    written(queueId, queueOffset, halves.reduce((last, half) => Math.max(last, half), -1));
    return true;
  }

  private message(queueId: number, text: string): MessageToStore {
    const { storeHost, clock } = this.parts;
    return {
      topic: TRANSACTION_OP_TOPIC,
      queueId,
      flag: 0,
      sysFlag: 0,
      bornTimestampMs: clock.nowMs(),
      bornAddress: storeHost.address,
      bornPort: storeHost.port,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from(text, "latin1"),
      properties: encodeProperties([[PROPERTY.waitStoreOk, "true"], [PROPERTY.tags, OP_TAG]]),
      tagsCode: tagsCode(OP_TAG),
      uniqueKey: "",
      keys: "",
      batchCount: 1,
    };
  }
}

/** Takes what fits one op message: it ends with the half that reaches the size. */
function takeBatch(waiting: Waiting, bytesMax: number): { halves: number[]; text: string } {
  let text = "";
  let count = 0;
  while (count < waiting.halves.length && text.length < Math.max(1, bytesMax)) {
    text += waiting.halves[count++]! + OP_SEPARATOR;
  }
  waiting.bytes -= text.length;
  return { halves: waiting.halves.splice(0, count), text };
}

function digitsOf(value: number): number {
  return String(value).length;
}
