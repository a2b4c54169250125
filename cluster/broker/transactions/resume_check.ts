// Takes a given-up transaction up again (request 323): its half goes back behind the others, its checks begin anew
// (Java: AdminBrokerProcessor.resumeCheckHalfMessage).
import { DecodeError, RequestError } from "../../../core/errors.ts";
import { decodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { RESUME_CHECK_HALF_MESSAGE } from "../../../core/remoting/codes/transactions.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { isStored, type MessageStore } from "../../../store/message_store.ts";
import { type HalfMessage, halfMessageOf, putBack } from "./half_message.ts";
import type { Ledger } from "./ledger.ts";
import type { Traces } from "./traces.ts";
import type { TransactionCounts } from "./transaction_counts.ts";

export interface ResumeCheckParts {
  store: Pick<MessageStore, "read" | "put">;
  ledger: Ledger;
  counts: TransactionCounts;
  traces: Traces;
}

export function registerResumeCheck(registry: HandlerRegistry, parts: ResumeCheckParts): void {
  const { store, ledger, counts, traces } = parts;
  registry.handle(RESUME_CHECK_HALF_MESSAGE, async ({ fields }) => {
    const half = await givenUpHalf(store, fields.msgId ?? "");
    await ledger.knowCopies();
    if (ledger.isOpen(half)) return { code: ResponseCode.SUCCESS };
    if (await traces.isCommitted(half)) throw refused("The transaction was committed meanwhile.");
    const message = putBack(half, 0);
    const [result] = await store.put([message]);
    const { status, queueOffset } = result!;
    if (!isStored(status)) {
      throw refused("Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.");
    }
    ledger.movedTo(half, { queueId: message.queueId, queueOffset });
    counts.add(half.realTopic, 1);
    return { code: ResponseCode.SUCCESS };
  });
}

/** Only halves are taken: a put of anything else would publish what nobody sent. */
async function givenUpHalf(
  store: Pick<MessageStore, "read">,
  offsetMessageId: string,
): Promise<HalfMessage> {
  try {
    const view = await store.read(decodeOffsetMessageId(offsetMessageId).physicalOffset);
    const half = view === null ? null : halfMessageOf(view);
    if (half !== null) return half;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  throw refused("Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC.");
}

function refused(remark: string): RequestError {
  return new RequestError(ResponseCode.SYSTEM_ERROR, remark);
}
