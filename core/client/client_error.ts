// The one error of the client library. What went wrong is told by `code`, never by the text; whether
// sending or asking again can help by `retriable`. Expected outcomes (send statuses, pull statuses)
// are values, not errors.
import { responseCodeName } from "../remoting/response_codes.ts";

export type ClientErrorCode =
  /** An option has a wrong value; the text lists all of them. */
  | "invalid_options"
  /** The message can't be sent as it is: topic, body, size, batch rules. */
  | "invalid_message"
  /** The client was not started, or is closed. */
  | "not_running"
  /** It was started before, or an earlier start failed: make a new one. */
  | "already_started"
  /** Another client of this process has the same group and instance name. */
  | "duplicate_group"
  /** No name server answered and nothing is cached. */
  | "no_name_server"
  /** The name servers don't know the topic, or no broker takes it. */
  | "no_route"
  /** The broker of the queue isn't in the routes (any more). */
  | "no_broker"
  /** The broker said no: see `responseCode`. */
  | "refused"
  /** No answer in time; the message may have been stored nevertheless. */
  | "timeout"
  /** The request was stored, but nobody replied in time. */
  | "no_reply"
  /** The connection failed; the message may have been stored when it was sent already. */
  | "connection"
  /** More sends wait than `sendsWaitingMax`. */
  | "too_many_sends"
  /** The caller's signal was aborted. */
  | "aborted"
  /** A lite pull consumer: the queue isn't this member's (now). */
  | "not_assigned"
  /** A seek to before the queue's start or past its end. */
  | "bad_offset"
  /** A peer's answer can't be read. */
  | "bad_answer";

export interface ClientErrorDetails extends ErrorOptions {
  retriable?: boolean;
  responseCode?: number;
  brokerName?: string;
}

/**
 * What the clients throw and reject with.
 *
 * @example
 * ```ts
 * import { ClientError } from "roquet";
 *
 * try {
 *   await producer.send({ topic: "Orders", body: "1" });
 * } catch (error) {
 *   if (error instanceof ClientError && error.retriable) console.log("later:", error.code);
 *   else throw error;
 * }
 * ```
 */
export class ClientError extends Error {
  override readonly name = "ClientError";
  /** Whether the same call may succeed later, without a change by anyone. */
  readonly retriable: boolean;
  /** The broker's or name server's response code, when it answered. */
  readonly responseCode: number | null;
  readonly brokerName: string | null;

  constructor(readonly code: ClientErrorCode, problem: string, details: ClientErrorDetails = {}) {
    super(problem, "cause" in details ? { cause: details.cause } : undefined);
    this.retriable = details.retriable ?? false;
    this.responseCode = details.responseCode ?? null;
    this.brokerName = details.brokerName ?? null;
  }
}

/** A refusal as an error: "broker-a answered TOPIC_NOT_EXIST (17): …". */
export function refusal(
  peer: string,
  responseCode: number,
  remark: string | null,
  retriable: boolean,
): ClientError {
  const text = `${peer} answered ${responseCodeName(responseCode)} (${responseCode})`;
  return new ClientError("refused", remark ? `${text}: ${remark}` : text, {
    responseCode,
    brokerName: peer,
    retriable,
  });
}
