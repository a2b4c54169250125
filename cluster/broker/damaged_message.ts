// The refusal of a request that names a record whose body isn't what was sent.
import { RequestError } from "../../core/errors.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";

export function damagedMessage(physicalOffset: number): RequestError {
  return new RequestError(
    ResponseCode.SYSTEM_ERROR,
    `the message at the offset ${physicalOffset} is damaged: its body isn't what was sent`,
  );
}
