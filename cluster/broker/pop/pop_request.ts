// One pop as it came, kept while it is held, and what one run of it has gathered so far.
import { Buffer } from "node:buffer";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import type { POP_MESSAGE } from "../../../core/remoting/codes/pop.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import type { Subscription } from "../clients/subscription.ts";
import type { RecordFilter } from "../filters/record_filter.ts";
import type { Waiter } from "./held_pops.ts";

export type PopFields = RequestFieldsOf<typeof POP_MESSAGE>;

export class PopRequest implements Waiter {
  subscription: Subscription | null = null;
  filter: RecordFilter | null = null;

  constructor(
    readonly fields: PopFields,
    readonly command: RemotingCommand,
    readonly connection: Connection,
    /** When the peer asked, by its own clock. */
    readonly bornMs: number,
    /** On the monotonic clock. */
    public arrivedMs: number,
  ) {}

  get topic(): string {
    return this.fields.topic;
  }

  get group(): string {
    return this.fields.consumerGroup;
  }

  get queueId(): number {
    return this.fields.queueId;
  }

  get deadlineMs(): number {
    return this.bornMs + this.fields.pollTime;
  }
}

/** What a run has found so far. */
export class PopRun {
  readonly bodies: Buffer[] = [];
  /** Checkpoints on their way to the disk: nothing is answered before they are there. */
  readonly stored: Promise<boolean>[] = [];
  messageCount = 0;
  /** Messages that are left in the queues looked at. */
  restCount = 0;
  startOffsets = "";
  messageOffsets = "";
  orderCounts = "";
  /** A queue was passed over since another pop was reading it, or has more to look at: worth another run. */
  shouldRunAgain = false;

  constructor(readonly popTimeMs: number, readonly reviveQueueId: number) {}

  /** What the peer is told, but for the code. */
  answer({ invisibleTime, order }: PopFields) {
    const { bodies, messageCount } = this;
    return {
      remark: messageCount === 0 ? "NO_MESSAGE_IN_QUEUE" : "FOUND",
      fields: {
        popTime: this.popTimeMs,
        invisibleTime,
        reviveQid: this.reviveQueueId,
        restNum: this.restCount,
        startOffsetInfo: this.startOffsets,
        msgOffsetInfo: this.messageOffsets,
        ...(order && { orderCountInfo: this.orderCounts }),
      },
      body: bodies.length === 1 ? bodies[0]! : Buffer.concat(bodies),
    };
  }
}
