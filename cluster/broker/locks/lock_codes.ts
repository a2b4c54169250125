// Serves the locking of queues for orderly consumers. Without replicas there is nobody else to ask, so the strict mode
// of Apache's answers the same.
import { writeJson } from "../../../core/json/json_writer.ts";
import { LOCK_BATCH_MQ, UNLOCK_BATCH_MQ } from "../../../core/remoting/codes/locks.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { JsonFields } from "../json_fields.ts";
import type { LockedQueue, QueueLocks } from "./queue_locks.ts";

export function registerLockCodes(registry: HandlerRegistry, locks: QueueLocks): void {
  registry.handle(LOCK_BATCH_MQ, async ({ body }) => {
    const { group, clientId, queues } = decodeLockRequest(body);
    const lockOKMQSet = locks.lock(group, clientId, queues).map((queue) => ({ ...queue }));
    await locks.saved();
    return { body: new TextEncoder().encode(writeJson({ lockOKMQSet })) };
  });
  registry.handle(UNLOCK_BATCH_MQ, ({ body }) => {
    const { group, clientId, queues } = decodeLockRequest(body);
    locks.unlock(group, clientId, queues);
    return {};
  });
}

interface LockRequest {
  group: string;
  clientId: string;
  queues: LockedQueue[];
}

/** Java: LockBatchRequestBody, UnlockBatchRequestBody. */
function decodeLockRequest(body: Uint8Array): LockRequest {
  const fields = JsonFields.ofBody(body, "lockBatch");
  return {
    group: fields.text("consumerGroup"),
    clientId: fields.text("clientId"),
    queues: fields.objects("mqSet").map((queue) => ({
      brokerName: queue.text("brokerName"),
      queueId: queue.number("queueId"),
      topic: queue.text("topic"),
    })),
  };
}
