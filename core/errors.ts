// The three kinds of failure: an assertion stops the process, an expected outcome is a value, and a request
// that can't be served is a RequestError, which the remoting server alone turns into an answer.

/** A request that is refused: its response code and remark go back to the peer as they are. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  constructor(readonly code: number, readonly remark: string, options?: ErrorOptions) {
    super(remark, options);
  }
}

/** Bytes or text that can't be parsed; `where` names the field, record or file position. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  constructor(readonly where: string, readonly problem: string, options?: ErrorOptions) {
    super(`${where}: ${problem}`, options);
  }
}

/** A wrong command line or configuration: shown without a stack, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An operation that failed in a way a person can act on: shown without a stack, exit code 1. */
export class OperationError extends Error {
  override readonly name = "OperationError";
}

/** A broken invariant of Roquet's own. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new AssertionError(invariant);
}

/** What failed first, where closing what was open failed too and hides it (SuppressedError). */
export function firstFailure(error: unknown): unknown {
  let first = error;
  while (first instanceof SuppressedError) first = first.suppressed;
  return first;
}
