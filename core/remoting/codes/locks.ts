// Queue locks of orderly consumers.
import { row } from "../code_row.ts";
import { rpcFields } from "./common.ts";

export const LOCK_BATCH_MQ = row({
  code: 41,
  name: "LOCK_BATCH_MQ",
  doc:
    "Locks queues for a client for 60 s (body: LockBatchRequestBody; answer: LockBatchResponseBody).",
  servedBy: ["broker"],
  request: {
    ...rpcFields,
  },
  response: {},
});

export const UNLOCK_BATCH_MQ = row({
  code: 42,
  name: "UNLOCK_BATCH_MQ",
  doc: "Unlocks queues (body: UnlockBatchRequestBody).",
  servedBy: ["broker"],
  request: {
    ...rpcFields,
  },
  response: {},
});
