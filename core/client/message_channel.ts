// Makes an async iterator of a listener: the consumer offers messages, a loop takes them, and taking
// the next one says that the one before is consumed. Holds no more than it is offered.
import { ABANDONED, type ListenerOutcome } from "./listener.ts";
import type { ReceivedMessage } from "./received_message.ts";

interface Offer {
  message: ReceivedMessage;
  settle: (outcome: ListenerOutcome) => void;
}

export class MessageChannel implements AsyncIterable<ReceivedMessage> {
  private offers: Offer[] = [];
  private readonly takers: ((offer: Offer | null) => void)[] = [];
  private readonly taken = new Map<ReceivedMessage, Offer>();
  private closed = false;

  /** The listener's side: resolves when a loop is done with the message. */
  readonly offer = (message: ReceivedMessage): Promise<ListenerOutcome> => {
    if (this.closed) return Promise.resolve(ABANDONED);
    return new Promise((settle) => {
      const offer = { message, settle };
      const taker = this.takers.shift();
      if (taker === undefined) this.offers.push(offer);
      else taker(offer);
    });
  };

  /** Settles a taken message at once; false when it was settled before. */
  settle(message: ReceivedMessage, outcome: ListenerOutcome): boolean {
    const offer = this.taken.get(message);
    if (offer === undefined) return false;
    this.taken.delete(message);
    offer.settle(outcome);
    return true;
  }

  /** Loops end; what nobody took stays unconsumed. */
  close(): void {
    this.closed = true;
    for (const { settle } of this.offers.splice(0)) settle(ABANDONED);
    for (const taker of this.takers.splice(0)) taker(null);
  }

  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage> {
    let current: ReceivedMessage | null = null;
    return {
      next: async () => {
        if (current !== null) this.settle(current, "success");
        const offer = await this.take();
        current = offer?.message ?? null;
        if (offer === null) return { done: true, value: undefined };
        this.taken.set(offer.message, offer);
        return { done: false, value: offer.message };
      },
      return: () => {
        if (current !== null) this.settle(current, "later");
        current = null;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  private take(): Promise<Offer | null> {
    const offer = this.offers.shift();
    if (offer !== undefined) return Promise.resolve(offer);
    if (this.closed) return Promise.resolve(null);
    return new Promise((resolve) => this.takers.push(resolve));
  }
}
