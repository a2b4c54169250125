// The one error of remote calls: what went wrong on the way. A refusal by the peer is an answer,
// not an error.

export type RemotingErrorCode =
  /** No connection could be made; nothing was sent. */
  | "connect_failed"
  /** No answer came in time; the peer may have done it nevertheless. */
  | "timeout"
  /** The connection closed before the answer came; the peer may have done it nevertheless. */
  | "closed"
  /** Too many calls or unsent bytes on this connection; nothing was sent. */
  | "too_many"
  /** The caller's signal was aborted. */
  | "aborted"
  /** The address isn't host:port. */
  | "bad_address";

export class RemotingError extends Error {
  override readonly name = "RemotingError";
  constructor(
    readonly code: RemotingErrorCode,
    readonly address: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${address}: ${problem}`, options);
  }

  /** Whether the request can't have reached the peer, so that another try repeats nothing. */
  get nothingSent(): boolean {
    return this.code === "connect_failed" || this.code === "too_many" ||
      this.code === "bad_address";
  }
}
