// From a frame to its handler and from the handler's answer back: the table of handlers, refusals,
// errors as answers, and answers to our own requests. The only place where a RequestError becomes a
// response. Knows no socket.
import { AssertionError, RequestError } from "../errors.ts";
import { ASYNC_REQUESTS_MAX, PENDING_ANSWERS_MAX } from "../limits.ts";
import type { Logger } from "../log.ts";
import { answerTo, refusalOf } from "./answers.ts";
import type { CodeRow, Fields } from "./code_row.ts";
import { decodeFrame } from "./codec.ts";
import { uncutCode } from "./codes/cut_codes.ts";
import { FLAG_ONEWAY, isOneway, isResponse, type RemotingCommand } from "./command.ts";
import type { RemotingConnection } from "./connection.ts";
import { decodeFields } from "./fields.ts";
import type { Frame } from "./frame.ts";
import type {
  Answer,
  Connection,
  Handler,
  HandlerRegistry,
  PeerCaller,
  RawHandler,
} from "./handler.ts";
import { peekCode } from "./send_header_scan.ts";
import { RemotingError } from "./remoting_error.ts";
import { ResponseCode } from "./response_codes.ts";

/**
 * Sees every request before its handler and every answer before it is sent (signatures, access
 * control).
 */
export interface RequestHook {
  /** Throws RequestError to refuse. */
  before?(request: RemotingCommand, connection: Connection): void;
  /**
   * May change the answer. Not called for answers that a raw handler writes or that are sent later.
   */
  after?(request: RemotingCommand, answer: RemotingCommand, connection: Connection): void;
}

/** Peers of a later version than this one understand GO_AWAY (V5_3_1). */
const GO_AWAY_VERSION_ABOVE = 475;

type AnyAnswer = Answer<Record<string, unknown>>;

interface Served {
  row: CodeRow;
  /** The typed handler with its row's types closed over. */
  run: (command: RemotingCommand, connection: Connection) =>
    | RemotingCommand
    | undefined
    | Promise<RemotingCommand | undefined>;
}

export class Dispatcher implements HandlerRegistry, PeerCaller {
  /** Requests whose asynchronous handlers haven't answered. */
  asyncRequests = 0;
  private readonly served = new Map<number, Served>();
  private readonly raw = new Map<number, RawHandler>();
  private nextOpaque = 1;
  private stopping = false;
  /** The raw frame that went through `admit` last, so that falling through doesn't repeat it. */
  private admitted: Frame | null = null;
  /** Nothing stands between a frame and its raw handler: no hooks, not stopping. */
  private direct: boolean;

  constructor(
    private readonly log: Logger,
    private readonly hooks: readonly RequestHook[],
    private readonly asyncRequestsMax: number = ASYNC_REQUESTS_MAX,
  ) {
    this.direct = hooks.length === 0;
  }

  handle<Q extends Fields, A extends Fields>(row: CodeRow<Q, A>, handler: Handler<Q, A>): void {
    const run = (command: RemotingCommand, connection: Connection) => {
      const fields = decodeFields(row.request, command.extFields);
      const answer = handler({ fields, body: command.body, command }, connection);
      if (!(answer instanceof Promise)) return answer && answerTo(command, row, answer);
      return answer.then((later) => later && answerTo(command, row, later));
    };
    this.served.set(row.code, { row, run });
  }

  handleRaw(code: number, handler: RawHandler): void {
    this.raw.set(code, handler);
  }

  /** Refuses requests from now on; answers to our own still come through. */
  stop(): void {
    this.stopping = true;
    this.direct = false;
  }

  /** Handles one frame; throws DecodeError when it can't be decoded. */
  frame(frame: Frame, connection: RemotingConnection): void {
    if (connection.pending !== null && connection.pending.settleFrame(frame)) return;
    const code = peekCode(frame);
    const handler = this.raw.get(code);
    if (handler === undefined) return this.dispatch(decode(frame), connection, false);
    const pending = connection.pending;
    // A response's code may equal a request's (10 is both FLUSH_DISK_TIMEOUT and SEND_MESSAGE).
    const isPlain = this.direct && (pending === null || pending.size === 0) &&
      (connection.excludes === null || !connection.excludes(code));
    if (!isPlain && !this.admitRaw(frame, connection)) return;
    try {
      handler(frame, connection);
    } catch (error) {
      this.answerError(decode(frame), connection, error);
    }
  }

  fallThrough(frame: Frame, connection: Connection): void {
    const isAdmitted = frame === this.admitted;
    this.dispatch(decode(frame), connection as RemotingConnection, isAdmitted);
  }

  invoke(
    connection: Connection,
    command: RemotingCommand,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RemotingCommand> {
    const { remoteAddress } = connection;
    if (connection.closed) {
      return Promise.reject(new RemotingError("closed", remoteAddress, "the connection is closed"));
    }
    const answers = (connection as RemotingConnection).answers();
    if (answers.size >= PENDING_ANSWERS_MAX) {
      return Promise.reject(
        new RemotingError("too_many", remoteAddress, `${answers.size} calls wait for answers`),
      );
    }
    command.opaque = this.takeOpaque();
    const answer = answers.wait(command.opaque, timeoutMs, signal);
    connection.send(command);
    return answer;
  }

  oneway(connection: Connection, command: RemotingCommand): void {
    command.opaque = this.takeOpaque();
    command.flag |= FLAG_ONEWAY;
    connection.send(command);
  }

  /** For requests that a hot path writes in place. */
  takeOpaque(): number {
    const opaque = this.nextOpaque;
    this.nextOpaque = (opaque + 1) & 0x7fffffff;
    return opaque;
  }

  /** The long way to a raw handler; false when the frame was dealt with. */
  private admitRaw(frame: Frame, connection: RemotingConnection): boolean {
    const command = decode(frame);
    if (isResponse(command)) {
      this.settle(command, connection);
      return false;
    }
    try {
      this.admit(command, connection);
      this.admitted = frame;
      return true;
    } catch (error) {
      this.answerError(command, connection, error);
      return false;
    }
  }

  private dispatch(
    command: RemotingCommand,
    connection: RemotingConnection,
    isAdmitted: boolean,
  ): void {
    if (isResponse(command)) return this.settle(command, connection);
    try {
      if (!isAdmitted) this.admit(command, connection);
      const served = this.served.get(command.code);
      if (served === undefined || connection.excludes?.(command.code)) {
        throw unsupported(command);
      }
      if (this.asyncRequests >= this.asyncRequestsMax) throw overload();
      const answer = served.run(command, connection);
      if (answer instanceof Promise) return void this.answerLater(command, connection, answer);
      if (answer !== undefined) this.answer(command, connection, answer);
    } catch (error) {
      this.answerError(command, connection, error);
    }
  }

  /** Everything that may refuse a request before its handler sees it. Throws RequestError. */
  private admit(command: RemotingCommand, connection: RemotingConnection): void {
    if (connection.excludes?.(command.code)) throw unsupported(command);
    if (this.direct) return;
    if (this.stopping) {
      throw command.version > GO_AWAY_VERSION_ABOVE
        ? new RequestError(ResponseCode.GO_AWAY, "please go away")
        : new RequestError(ResponseCode.SERVICE_NOT_AVAILABLE, "the server is shutting down");
    }
    for (const hook of this.hooks) hook.before?.(command, connection);
  }

  private settle(answer: RemotingCommand, connection: RemotingConnection): void {
    if (connection.pending?.settle(answer)) return;
    this.log.debug("an answer that nobody waits for", {
      peer: connection.remoteAddress,
      opaque: answer.opaque,
      code: answer.code,
    });
  }

  private async answerLater(
    command: RemotingCommand,
    connection: RemotingConnection,
    answer: Promise<RemotingCommand | undefined>,
  ): Promise<void> {
    this.asyncRequests++;
    connection.answersDue++;
    try {
      const later = await answer;
      if (later !== undefined) this.answer(command, connection, later);
    } catch (error) {
      this.answerError(command, connection, error);
    } finally {
      this.asyncRequests--;
      connection.answersDue--;
      connection.answerMade();
    }
  }

  private answer(
    command: RemotingCommand,
    connection: RemotingConnection,
    answer: RemotingCommand,
  ): void {
    for (const hook of this.hooks) hook.after?.(command, answer, connection);
    if (!isOneway(command)) connection.send(answer);
  }

  private answerError(
    command: RemotingCommand,
    connection: RemotingConnection,
    error: unknown,
  ): void {
    if (error instanceof RequestError) {
      return this.answer(command, connection, refusalOf(command, error.code, error.remark));
    }
    // A broken invariant isn't an answer: it ends the process.
    if (error instanceof AssertionError) {
      return queueMicrotask(() => {
        throw error;
      });
    }
    this.log.error("a request failed", {
      peer: connection.remoteAddress,
      code: command.code,
      opaque: command.opaque,
      error,
    });
    const remark = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.answer(command, connection, refusalOf(command, ResponseCode.SYSTEM_ERROR, remark));
  }
}

/** A command with its full code: binary headers carry codes above 32767 cut. */
function decode(frame: Frame): RemotingCommand {
  const command = decodeFrame(frame);
  command.code = uncutCode(command.code);
  return command;
}

function unsupported(command: RemotingCommand): RequestError {
  return new RequestError(
    ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
    ` request type ${command.code} not supported`,
  );
}

function overload(): RequestError {
  return new RequestError(
    ResponseCode.SYSTEM_BUSY,
    "[OVERLOAD]system busy, start flow control for a while",
  );
}
