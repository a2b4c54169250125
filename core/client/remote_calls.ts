// Calls of the clients to name servers and brokers, with their failures as ClientError.
import type { CallAnswer, GivenFields } from "../remoting/call.ts";
import type { RemotingClient } from "../remoting/client.ts";
import type { CodeRow, Fields } from "../remoting/code_row.ts";
import { RemotingError } from "../remoting/remoting_error.ts";
import { TransportError } from "../remoting/transport.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import { ClientError, type ClientErrorCode, refusal } from "./client_error.ts";

const codes: Record<RemotingError["code"], ClientErrorCode> = {
  connect_failed: "connection",
  timeout: "timeout",
  closed: "connection",
  too_many: "connection",
  aborted: "aborted",
  bad_address: "connection",
};

/** A failure on the way as a ClientError; any other error is given back as it is. */
export function callError(error: unknown, brokerName?: string): unknown {
  if (!(error instanceof RemotingError)) return error;
  // A transport's error names the address already.
  const { message } = error.cause instanceof TransportError ? error.cause : error;
  return new ClientError(codes[error.code], message, {
    cause: error,
    retriable: error.code !== "aborted" && error.code !== "bad_address",
    ...(brokerName !== undefined && { brokerName }),
  });
}

export interface RemoteCall<Q extends Fields> {
  /** Name of the broker (or address of the name server) for errors. */
  peer: string;
  address: string;
  fields: GivenFields<Q>;
  body?: Uint8Array;
  timeoutMs: number;
  signal?: AbortSignal;
}

/** The answer whatever its code; throws ClientError when there is none. */
export async function ask<Q extends Fields, A extends Fields>(
  remoting: RemotingClient,
  row: CodeRow<Q, A>,
  { peer, address, fields, body, timeoutMs, signal }: RemoteCall<Q>,
): Promise<CallAnswer<A>> {
  try {
    return await remoting.call(row, address, fields, body, {
      timeoutMs,
      ...(signal && { signal }),
    });
  } catch (error) {
    throw callError(error, peer);
  }
}

/** The answer, which must be SUCCESS; throws ClientError otherwise. */
export async function mustAsk<Q extends Fields, A extends Fields>(
  remoting: RemotingClient,
  row: CodeRow<Q, A>,
  call: RemoteCall<Q>,
): Promise<CallAnswer<A>> {
  const answer = await ask(remoting, row, call);
  if (answer.code === ResponseCode.SUCCESS) return answer;
  throw refusal(call.peer, answer.code, answer.remark, isPassing(answer.code));
}

const PASSING: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
]);

/** Codes of a state that may pass by itself. */
export function isPassing(responseCode: number): boolean {
  return PASSING.has(responseCode);
}
