// A fake broker's lock table: who of a group holds which queue. For tests of the client alone.
import { Buffer } from "node:buffer";
import { LOCK_BATCH_MQ, UNLOCK_BATCH_MQ } from "../remoting/codes/locks.ts";
import type { HandlerRegistry } from "../remoting/handler.ts";
import { type MessageQueue, queueKey } from "./message.ts";

interface LockBody {
  clientId: string;
  mqSet: MessageQueue[];
}

export class FakeLocks {
  /** Client id by queue. */
  readonly holders = new Map<string, string>();
  /** Requests for locks that came. */
  asked = 0;

  constructor(registry: HandlerRegistry) {
    registry.handle(LOCK_BATCH_MQ, ({ body }) => {
      this.asked++;
      const { clientId, mqSet } = parse(body);
      const lockOKMQSet = mqSet.filter((queue) => {
        const key = queueKey(queue);
        if (!this.holders.has(key)) this.holders.set(key, clientId);
        return this.holders.get(key) === clientId;
      });
      return { body: Buffer.from(JSON.stringify({ lockOKMQSet })) };
    });
    registry.handle(UNLOCK_BATCH_MQ, ({ body }) => {
      const { clientId, mqSet } = parse(body);
      for (const key of mqSet.map(queueKey)) {
        if (this.holders.get(key) === clientId) this.holders.delete(key);
      }
      return {};
    });
  }
}

function parse(body: Uint8Array): LockBody {
  return JSON.parse(Buffer.from(body).toString()) as LockBody;
}
