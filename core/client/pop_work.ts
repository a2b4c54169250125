// Handlers at work on popped messages: as many at a time as asked for, their messages kept invisible while they run. One
// loop a broker pops no more than there is room for. Knows no wire.
import type { Logger } from "../log.ts";
import type { Clock, Timer } from "../time/clock.ts";
import { ClientError } from "./client_error.ts";
import { POP_BATCH_SIZE_MAX, POP_ERROR_WAIT_MS, POP_RENEW_SHARE } from "./limits.ts";
import type { PoppedMessage } from "./popped_message.ts";

export interface PopWorkOptions {
  concurrency: number;
  retryMs: number;
  invisibleMs: number;
  messagesMax: number;
  signal: AbortSignal;
  clock: Clock;
  log: Logger;
}

export interface PopSource {
  brokers(): Promise<readonly string[]>;
  pop(brokerName: string, messagesMax: number, signal: AbortSignal): Promise<PoppedMessage[]>;
  ack(message: PoppedMessage): Promise<void>;
  changeInvisibleTime(message: PoppedMessage, ms: number): Promise<void>;
}

export class PopWork {
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<void>>();
  /** Loops that wait for a handler to end. */
  private waiting: (() => void)[] = [];
  private reserved = 0;
  private done: Promise<void> | null = null;

  constructor(
    private readonly options: PopWorkOptions,
    private readonly handler: (message: PoppedMessage, signal: AbortSignal) => void | Promise<void>,
    private readonly source: PopSource,
  ) {}

  /** Resolves when stopped or aborted and all handlers have ended. Rejects when a broker refuses for good. */
  run(): Promise<void> {
    this.done ??= this.work();
    return this.done;
  }

  /** Pops no more; resolves when the handlers that run have ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wakeAll();
    await this.done?.catch(() => {});
  }

  private async work(): Promise<void> {
    const signal = AbortSignal.any([this.stopping.signal, this.options.signal]);
    signal.addEventListener("abort", () => this.wakeAll(), { once: true });
    try {
      const brokers = await this.source.brokers();
      await Promise.all(brokers.map((brokerName) => this.popLoop(brokerName, signal)));
    } finally {
      this.stopping.abort();
      this.wakeAll();
      await Promise.all(this.running);
    }
  }

  private async popLoop(brokerName: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const room = this.reserve();
      if (room === 0) {
        await new Promise<void>((resolve) => this.waiting.push(resolve));
        continue;
      }
      const messages = await this.popPatiently(brokerName, room, signal);
      this.reserved -= room;
      for (const message of messages) this.begin(message, signal);
      if (messages.length < room) this.wakeAll();
    }
  }

  /** Room for messages that are about to be popped. */
  private reserve(): number {
    const { concurrency, messagesMax } = this.options;
    const free = concurrency - this.running.size - this.reserved;
    const room = Math.max(0, Math.min(free, messagesMax, POP_BATCH_SIZE_MAX));
    this.reserved += room;
    return room;
  }

  private async popPatiently(
    brokerName: string,
    room: number,
    signal: AbortSignal,
  ): Promise<PoppedMessage[]> {
    try {
      return await this.source.pop(brokerName, room, signal);
    } catch (error) {
      if (signal.aborted) return [];
      if (!(error instanceof ClientError) || !error.retriable) {
        this.stopping.abort();
        throw error;
      }
      this.options.log.warn("a pop failed", { brokerName, error });
      await this.options.clock.sleep(POP_ERROR_WAIT_MS, signal).catch(() => {});
      return [];
    }
  }

  private begin(message: PoppedMessage, signal: AbortSignal): void {
    const running = this.handle(message, signal).finally(() => {
      this.running.delete(running);
      this.wakeAll();
    });
    this.running.add(running);
  }

  private async handle(message: PoppedMessage, signal: AbortSignal): Promise<void> {
    const renewal = this.keepInvisible(message);
    try {
      await this.handler(message, signal);
    } catch (error) {
      await renewal.stop();
      this.options.log.warn("a handler failed", { message: message.messageId, error });
      await this.attempt(
        "put off",
        () => this.source.changeInvisibleTime(message, this.options.retryMs),
      );
      return;
    }
    await renewal.stop();
    await this.attempt("acknowledged", () => this.source.ack(message));
  }

  /** A failure means that the message comes again, which is what an unsettled message does anyway. */
  private async attempt(what: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.options.log.warn(`a message was not ${what}`, { error });
    }
  }

  /** Asks for more time before it is up, again and again. */
  private keepInvisible(message: PoppedMessage): { stop: () => Promise<void> } {
    const { clock, invisibleMs } = this.options;
    let timer: Timer | null = null;
    let renewing: Promise<void> = Promise.resolve();
    const schedule = () => {
      timer = clock.after(invisibleMs * POP_RENEW_SHARE, () => {
        timer = null;
        renewing = this.attempt(
          "kept",
          () => this.source.changeInvisibleTime(message, invisibleMs),
        ).then(() => {
          if (!isStopped) schedule();
        });
      });
    };
    let isStopped = false;
    schedule();
    return {
      stop: async () => {
        isStopped = true;
        timer?.cancel();
        await renewing;
      },
    };
  }

  private wakeAll(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const wake of waiting) wake();
  }
}
