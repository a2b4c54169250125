// What a store's refusal is to a producer: response code and remark, one truthful cause each.
// Codes are those on which Java clients decide whether to try another broker.
import { RequestError } from "../../../core/errors.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { PutStatus } from "../../../store/message_store.ts";
import { sizesRefused } from "./send_checks.ts";

/** The error for a status that means: not stored. */
export function putRefusal(
  status: PutStatus,
  detail: string,
  settings: { readonly maxMessageSize: number },
): RequestError {
  switch (status) {
    case "message_illegal":
    case "properties_too_long":
    case "topic_too_long":
      return sizesRefused(settings.maxMessageSize);
    case "disk_full":
    case "shutting_down":
    case "not_writeable":
      return new RequestError(
        ResponseCode.SERVICE_NOT_AVAILABLE,
        `service not available now: ${detail}`,
      );
    default:
      return new RequestError(ResponseCode.SYSTEM_ERROR, `the message was not stored: ${detail}`);
  }
}
