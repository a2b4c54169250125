// What a processor sees of remoting: a typed request, the connection it came on, and the answer it returns.
// Errors are thrown as RequestError and become answers in the server alone.
import type { CodeRow, Fields, FieldsOf } from "./code_row.ts";
import type { RemotingCommand } from "./command.ts";
import type { Frame } from "./frame.ts";

/** The peer's address as records store it: 4 or 16 address bytes and a port. */
export interface HostAddress {
  address: Uint8Array;
  port: number;
}

/** One open connection, inbound or outbound. */
export interface Connection {
  readonly id: number;
  /** "127.0.0.1:41234" or "[::1]:41234" style as Java prints it. */
  readonly remoteAddress: string;
  readonly remoteHost: HostAddress;
  /** The port of ours that it came in on (the fast port refuses some codes); 0 when outbound. */
  readonly localPort: number;
  readonly closed: boolean;
  /** Bytes queued and not yet taken by the kernel. */
  readonly unsentBytes: number;
  /** Queues a command for the write at the end of this turn. Nothing happens on a closed connection. */
  send(command: RemotingCommand): void;
  /**
   * Room for `length` bytes of whole frames in the connection's outgoing buffer, to be written in place by the
   * hot path: `buffer[start … start+length)`. Call `commit(usedLength)` before anything else is queued.
   */
  reserve(length: number): { buffer: Buffer; start: number };
  commit(usedLength: number): void;
  /** Queues bytes that the connection then owns (large bodies, without a copy). */
  sendBytes(bytes: Uint8Array): void;
  close(reason: string): void;
}

export interface Request<F> {
  readonly fields: F;
  readonly body: Uint8Array;
  /** The whole command, for fields that the row doesn't know, version, language and opaque. */
  readonly command: RemotingCommand;
}

export interface Answer<F> {
  /** Default: SUCCESS. */
  code?: number;
  remark?: string | null;
  fields?: F;
  body?: Uint8Array;
}

/** Serves one request code. Undefined: nothing is answered (the handler will answer later by itself, or never). */
export type Handler<Q extends Fields, A extends Fields> = (
  request: Request<FieldsOf<Q>>,
  connection: Connection,
) => Answer<Partial<FieldsOf<A>>> | undefined | Promise<Answer<Partial<FieldsOf<A>>> | undefined>;

/** Serves one code straight from the frame, without a decoded command: the send path. */
export type RawHandler = (frame: Frame, connection: Connection) => void;

/** Where handlers are registered; RemotingServer is one. */
export interface HandlerRegistry {
  handle<Q extends Fields, A extends Fields>(row: CodeRow<Q, A>, handler: Handler<Q, A>): void;
  /** The raw handler may decline a frame by returning it to `fallThrough`, which decodes and dispatches it as usual. */
  handleRaw(code: number, handler: RawHandler): void;
  fallThrough(frame: Frame, connection: Connection): void;
}

/** Requests that a server sends over an inbound connection (a broker to its clients). */
export interface PeerCaller {
  invoke(
    connection: Connection,
    command: RemotingCommand,
    timeoutMs: number,
  ): Promise<RemotingCommand>;
  oneway(connection: Connection, command: RemotingCommand): void;
}
