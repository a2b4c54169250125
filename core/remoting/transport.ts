// The network as remoting sees it: stream sockets with partial writes, pauses and half close.
// transport_bun.ts is the fast one, transport_node.ts runs everywhere; transport_test.ts holds both
// to it.
import type { Buffer } from "node:buffer";

/** What happens on a socket. Calls never overlap, and none comes after `disconnected`. */
export interface SocketHandlers {
  /** Bytes that came in. The buffer is fresh and belongs to the callee: it may be kept. */
  data(bytes: Buffer): void;
  /**
   * After a write took fewer bytes than it was given: it takes some again. May also come unasked.
   */
  drain(): void;
  /** The peer will send no more (FIN). Ours may still be written. */
  end(): void;
  /** The last call, exactly once; the error when it wasn't closed in order. */
  disconnected(error: Error | null): void;
}

export interface TransportSocket {
  /** Address as text without brackets: "127.0.0.1", "::1". */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  /** Who is told. May be replaced at any time: a first-bytes hook hands the socket on like this. */
  handlers: SocketHandlers;
  /**
   * The socket owns the bytes that it took: don't change them afterwards, a slow reader still gets
   * them. Only when this is true were they copied to the kernel before `write` returned, so that
   * they may be reused.
   */
  readonly writeCopies: boolean;
  /**
   * Takes some of bytes[start…end) and returns how many, 0…end − start. Fewer than given: keep the
   * rest and wait for `drain`. A closed socket takes everything and drops it.
   */
  write(bytes: Uint8Array, start: number, end: number): number;
  /** No more `data` until `resume`; a data event already under way may still come. */
  pause(): void;
  resume(): void;
  /** Sends what was taken, then FIN. The peer's bytes still come in until it ends too. */
  end(): void;
  /** Closes both ways at once; what the kernel hasn't sent may be lost. */
  destroy(): void;
}

export interface TransportListener {
  readonly host: string;
  /** The real port when 0 was asked for. */
  readonly port: number;
  /** Takes no more connections; open ones stay. */
  close(): Promise<void>;
}

/** Called with each new socket before any of its events; returns who is told of them. */
export type SocketOpener = (socket: TransportSocket) => SocketHandlers;

export interface Transport {
  /** Throws TransportError (`address_in_use`, `not_permitted`, `unresolved` …). */
  listen(options: { host: string; port: number }, opened: SocketOpener): Promise<TransportListener>;
  /** Throws TransportError (`refused`, `timed_out`, `unresolved`, `unreachable` …). */
  connect(
    options: { host: string; port: number; timeoutMs: number },
    opened: SocketOpener,
  ): Promise<TransportSocket>;
}

export type TransportErrorCode =
  | "refused"
  | "timed_out"
  | "unresolved"
  | "unreachable"
  | "address_in_use"
  | "address_not_available"
  | "not_permitted"
  | "failed";

/** Listening or connecting failed; the text names the address and says why. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  constructor(
    readonly code: TransportErrorCode,
    readonly address: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${address}: ${problem}`, options);
  }
}

const problems: Record<string, [TransportErrorCode, string]> = {
  ECONNREFUSED: ["refused", "connection refused"],
  ETIMEDOUT: ["timed_out", "connection timed out"],
  ENOTFOUND: ["unresolved", "the name is unknown"],
  EAI_AGAIN: ["unresolved", "the name can't be resolved now"],
  EAI_FAIL: ["unresolved", "the name can't be resolved"],
  EHOSTUNREACH: ["unreachable", "the host is unreachable"],
  ENETUNREACH: ["unreachable", "the network is unreachable"],
  EADDRINUSE: ["address_in_use", "the address is in use"],
  EADDRNOTAVAIL: ["address_not_available", "no such local address"],
  EACCES: ["not_permitted", "not permitted"],
  EPERM: ["not_permitted", "not permitted"],
};

/** A system error as a TransportError, by its code ("ECONNREFUSED"), never by its text. */
export function transportError(error: unknown, host: string, port: number): TransportError {
  const systemCode = error instanceof Error && "code" in error ? String(error.code) : "";
  const [code, problem] = problems[systemCode] ??
    ["failed", error instanceof Error ? error.message : String(error)];
  return new TransportError(code, hostAndPort(host, port), problem, { cause: error });
}

export function timedOut(host: string, port: number, timeoutMs: number): TransportError {
  return new TransportError(
    "timed_out",
    hostAndPort(host, port),
    `not connected within ${timeoutMs} ms`,
  );
}

/** "127.0.0.1:9876", "[::1]:9876". */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
