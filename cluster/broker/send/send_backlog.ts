// How many sends wait for the log, which under SYNC_FLUSH is for the device: more than sendThreadPoolQueueCapacity are
// refused, so that a device that stands still costs no memory without bound. Touches no message.
import { RequestError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/log.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { PendingSends } from "./pending_sends.ts";

export interface SendBacklogOptions {
  /** Those that went the hot way. */
  pending: Pick<PendingSends, "count">;
  log: Logger;
  /** Live. */
  settings: { readonly sendThreadPoolQueueCapacity: number };
}

export class SendBacklog {
  /** Sends refused since the start. */
  refusedTotal = 0;
  private general = 0;
  private isRefusing = false;

  constructor(private readonly options: SendBacklogOptions) {}

  /** Sends that wait now. */
  get count(): number {
    return this.options.pending.count + this.general;
  }

  get isFull(): boolean {
    return this.count >= this.options.settings.sendThreadPoolQueueCapacity;
  }

  /** Counts a send of the general way while it is under way. Throws RequestError when there are too many. */
  async during<T>(send: () => Promise<T>): Promise<T> {
    this.admit();
    this.general++;
    try {
      return await send();
    } finally {
      this.general--;
    }
  }

  /** The code is the one that makes Java's producers try another broker (RemotingCommand processing's OVERLOAD). */
  private admit(): void {
    if (!this.isFull) {
      this.isRefusing = false;
      return;
    }
    const detail = `${this.count} sends wait for the log, ` +
      `sendThreadPoolQueueCapacity is ${this.options.settings.sendThreadPoolQueueCapacity}`;
    this.refusedTotal++;
    if (!this.isRefusing) this.options.log.warn("sends are refused as busy", { detail });
    this.isRefusing = true;
    throw new RequestError(
      ResponseCode.SYSTEM_BUSY,
      `[OVERLOAD]system busy, start flow control for a while: ${detail}`,
    );
  }
}
