// Transactional messages: the end of a transaction, and the check when none came (39 goes to the producer).
import { optional, required, row, tolerated } from "../code_row.ts";
import { rpcFields } from "./common.ts";

export const END_TRANSACTION = row({
  code: 37,
  name: "END_TRANSACTION",
  doc: "Ends a transaction; one-way.",
  servedBy: ["broker"],
  request: {
    topic: optional("string", "Topic."),
    producerGroup: required("string", "Producer group."),
    tranStateTableOffset: required("long", "Queue offset of the half message."),
    commitLogOffset: required("long", "Physical offset of the half message."),
    commitOrRollback: required("int", "8 commits, 12 rolls back, 0 is unknown."),
    fromTransactionCheck: optional("boolean", "Answers a check rather than a send.", false),
    msgId: tolerated("string", "Message id.", ""),
    transactionId: optional("string", "UNIQ_KEY of the transaction."),
    ...rpcFields,
  },
  response: {},
});

export const RESUME_CHECK_HALF_MESSAGE = row({
  code: 323,
  name: "RESUME_CHECK_HALF_MESSAGE",
  doc: "Makes half messages that were given up be checked again.",
  servedBy: ["broker"],
  request: {
    topic: optional("string", "Topic."),
    msgId: optional("string", "Message id."),
  },
  response: {},
});
