// Commands in reply to a request, and requests of our own. Pure: sends nothing.
import type { Fields, FieldsOf } from "./code_row.ts";
import {
  EMPTY_BYTES,
  FLAG_RESPONSE,
  LANGUAGE,
  type RemotingCommand,
  ROCKETMQ_VERSION,
  SERIALIZE_JSON,
  SERIALIZE_ROCKETMQ,
  type SerializeType,
} from "./command.ts";
import { encodeFields } from "./fields.ts";
import type { Answer } from "./handler.ts";
import { ResponseCode } from "./response_codes.ts";

/** The largest code that a binary header carries whole: it is a signed short there. */
const BINARY_CODE_MAX = 32767;

/**
 * The answer to a request, in the request's own serialization and with its opaque. For handlers
 * that returned nothing and answer later by `connection.send`.
 */
export function answerTo<A extends Fields>(
  request: RemotingCommand,
  row: { response: A },
  answer: Answer<Partial<FieldsOf<A>>>,
): RemotingCommand {
  return {
    code: answer.code ?? ResponseCode.SUCCESS,
    language: LANGUAGE,
    version: ROCKETMQ_VERSION,
    opaque: request.opaque,
    flag: FLAG_RESPONSE,
    remark: answer.remark ?? null,
    extFields: answer.fields ? encodeFields(row.response, answer.fields) : new Map(),
    body: answer.body ?? EMPTY_BYTES,
    serializeType: request.serializeType,
  };
}

/** The answer of a request that is refused. */
export function refusalOf(
  request: RemotingCommand,
  code: number,
  remark: string | null,
): RemotingCommand {
  return answerTo(request, { response: {} }, { code, remark });
}

/**
 * A request of ours. Its opaque is set when it is sent; a code too large for a binary header goes
 * as JSON.
 */
export function requestCommand(
  code: number,
  options: {
    extFields?: Map<string, string>;
    body?: Uint8Array;
    serializeType?: SerializeType;
  } = {},
): RemotingCommand {
  return {
    code,
    language: LANGUAGE,
    version: ROCKETMQ_VERSION,
    opaque: 0,
    flag: 0,
    remark: null,
    extFields: options.extFields ?? new Map(),
    body: options.body ?? EMPTY_BYTES,
    serializeType: code > BINARY_CODE_MAX
      ? SERIALIZE_JSON
      : options.serializeType ?? SERIALIZE_ROCKETMQ,
  };
}
