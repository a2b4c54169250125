// The remoting client: one connection an address, made when first needed and again after it was
// lost; many calls in flight on each. Requests that peers send are served by handlers of its own.
// Chooses no address and repeats nothing.
import {
  BURST_BYTES_MAX,
  CLIENT_CONNECT_MS_MAX,
  CLIENT_TIMEOUT_MS,
  CLIENT_UNSENT_BYTES_MAX,
} from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Clock } from "../time/clock.ts";
import { requestCommand } from "./answers.ts";
import { type CallAnswer, type GivenFields, readAnswer } from "./call.ts";
import type { CodeRow, Fields } from "./code_row.ts";
import type { RemotingCommand, SerializeType } from "./command.ts";
import { type ConnectionHost, RemotingConnection } from "./connection.ts";
import { Dispatcher, type RequestHook } from "./dispatcher.ts";
import { encodeFields } from "./fields.ts";
import type { Frame } from "./frame.ts";
import type { Connection, Handler, HandlerRegistry, RawHandler } from "./handler.ts";
import { parseHostAndPort } from "./host_address.ts";
import { BlockPool } from "./outgoing.ts";
import { RemotingError } from "./remoting_error.ts";
import { ResponseCode } from "./response_codes.ts";
import type { Transport } from "./transport.ts";
import { Turn } from "./turn.ts";

/** Sees what the client sends and is answered (signatures, traces). May change the command. */
export interface ClientHook {
  beforeRequest?(address: string, request: RemotingCommand): void;
  afterAnswer?(address: string, request: RemotingCommand, answer: RemotingCommand): void;
}

export interface RemotingClientOptions {
  transport: Transport;
  clock: Clock;
  log: Logger;
  /**
   * Header of our requests. Default: binary. Codes above 32767 always go as JSON, which carries
   * them whole.
   */
  serializeType?: SerializeType;
  connectTimeoutMs?: number;
  /** Default of `call`. */
  timeoutMs?: number;
  hooks?: readonly ClientHook[];
  /** For requests that peers send to us. */
  requestHooks?: readonly RequestHook[];
}

export interface CallOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

export class RemotingClient implements HandlerRegistry, ConnectionHost, AsyncDisposable {
  readonly clock: Clock;
  readonly log: Logger;
  readonly turn: Turn;
  readonly pool = new BlockPool();
  private readonly dispatcher: Dispatcher;
  private readonly hooks: readonly ClientHook[];
  /** Open connections, or those being made, by "host:port". */
  private readonly byAddress = new Map<string, RemotingConnection | Promise<RemotingConnection>>();
  private readonly addresses = new Map<RemotingConnection, string>();
  private readonly closedListeners: ((address: string, reason: string) => void)[] = [];
  private nextConnectionId = 1;
  private closed = false;

  constructor(private readonly options: RemotingClientOptions) {
    this.clock = options.clock;
    this.log = options.log;
    this.turn = new Turn(options.clock, BURST_BYTES_MAX);
    this.dispatcher = new Dispatcher(options.log, options.requestHooks ?? []);
    this.hooks = options.hooks ?? [];
  }

  handle<Q extends Fields, A extends Fields>(row: CodeRow<Q, A>, handler: Handler<Q, A>): void {
    this.dispatcher.handle(row, handler);
  }

  handleRaw(code: number, handler: RawHandler): void {
    this.dispatcher.handleRaw(code, handler);
  }

  fallThrough(frame: Frame, connection: Connection): void {
    this.dispatcher.fallThrough(frame, connection);
  }

  /** After frames of a turn were handled, before connections are written to. */
  onBurst(callback: () => void): void {
    this.turn.onBurst(callback);
  }

  onConnectionClosed(listener: (address: string, reason: string) => void): void {
    this.closedListeners.push(listener);
  }

  /**
   * Sends a request and resolves with the answer, whatever its code. The command's opaque is set
   * here. Rejects with RemotingError; the time-out covers connecting too.
   */
  async invoke(
    address: string,
    command: RemotingCommand,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RemotingCommand> {
    const startedMs = this.clock.monotonicMs();
    const open = this.byAddress.get(address);
    const connection = open instanceof RemotingConnection
      ? open
      : await this.connect(address, timeoutMs);
    const restMs = timeoutMs - (this.clock.monotonicMs() - startedMs);
    if (signal?.aborted) throw new RemotingError("aborted", address, "the call was aborted");
    if (restMs <= 0) throw new RemotingError("timeout", address, `not sent within ${timeoutMs} ms`);
    this.admit(connection, address, command);
    const { dataEvents } = connection;
    const answer = await this.dispatcher.invoke(connection, command, restMs, signal)
      .catch((error) => {
        const isDead = error.code === "timeout" && connection.dataEvents === dataEvents;
        if (isDead) connection.close("it gave no sign of life within a call's time-out");
        throw error;
      });
    for (const hook of this.hooks) hook.afterAnswer?.(address, command, answer);
    if (answer.code === ResponseCode.GO_AWAY) this.leave(address, connection);
    return answer;
  }

  /** Sends a request that gets no answer; resolves once it is queued on an open connection. */
  async invokeOneway(address: string, command: RemotingCommand, timeoutMs?: number): Promise<void> {
    const connection = await this.connect(address, timeoutMs ?? this.connectTimeoutMs);
    this.admit(connection, address, command);
    this.dispatcher.oneway(connection, command);
  }

  /** A typed request by its row; the answer's fields are read by the row too. */
  async call<Q extends Fields, A extends Fields>(
    row: CodeRow<Q, A>,
    address: string,
    fields: GivenFields<Q>,
    body?: Uint8Array,
    options: CallOptions = {},
  ): Promise<CallAnswer<A>> {
    const command = this.command(row, fields, body);
    const timeoutMs = options.timeoutMs ?? this.options.timeoutMs ?? CLIENT_TIMEOUT_MS;
    const answer = await this.invoke(address, command, timeoutMs, options.signal);
    return readAnswer(row, answer);
  }

  /** A typed oneway request. */
  callOneway<Q extends Fields>(
    row: CodeRow<Q>,
    address: string,
    fields: GivenFields<Q>,
    body?: Uint8Array,
  ): Promise<void> {
    return this.invokeOneway(address, this.command(row, fields, body));
  }

  isConnected(address: string): boolean {
    return this.byAddress.get(address) instanceof RemotingConnection;
  }

  /** For hot paths that write their requests in place: the open connection, or null. */
  openConnection(address: string): RemotingConnection | null {
    const connection = this.byAddress.get(address);
    return connection instanceof RemotingConnection ? connection : null;
  }

  /** Makes the connection when there is none. Rejects with RemotingError. */
  connectTo(address: string, timeoutMs: number): Promise<RemotingConnection> {
    return this.connect(address, timeoutMs);
  }

  /** Whether requests may not be written in place: hooks want to see them. */
  get hasHooks(): boolean {
    return this.hooks.length > 0;
  }

  /** For requests that don't go by `invoke`: what is done to each before it is sent. */
  beforeRequest(connection: RemotingConnection, command: RemotingCommand): void {
    const address = this.addresses.get(connection) ?? connection.remoteAddress;
    for (const hook of this.hooks) hook.beforeRequest?.(address, command);
  }

  /** The same when its answer is here. */
  afterAnswer(
    connection: RemotingConnection,
    command: RemotingCommand,
    answer: RemotingCommand,
  ): void {
    const address = this.addresses.get(connection) ?? connection.remoteAddress;
    for (const hook of this.hooks) hook.afterAnswer?.(address, command, answer);
  }

  /** The opaque of a request that is written in place. */
  takeOpaque(): number {
    return this.dispatcher.takeOpaque();
  }

  /** The peer asked us to go (GO_AWAY): later calls to the address use a new connection. */
  leaveConnection(address: string): void {
    const connection = this.openConnection(address);
    if (connection !== null) this.leave(address, connection);
  }

  /**
   * Closes the connection to an address, if there is one; calls that wait on it reject with
   * "closed".
   */
  closeConnection(address: string, reason: string): void {
    const connection = this.byAddress.get(address);
    if (connection instanceof RemotingConnection) connection.close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    for (const connecting of this.byAddress.values()) {
      if (connecting instanceof Promise) await connecting.catch(() => {});
    }
    for (const connection of [...this.addresses.keys()]) connection.close("the client closes");
  }

  /** For connections alone. */
  frame(frame: Frame, connection: RemotingConnection): void {
    this.dispatcher.frame(frame, connection);
  }

  /** For connections alone. */
  connectionClosed(connection: RemotingConnection, reason: string): void {
    const address = this.addresses.get(connection);
    if (address === undefined) return;
    this.addresses.delete(connection);
    if (this.byAddress.get(address) === connection) this.byAddress.delete(address);
    this.log.debug("connection closed", { address, reason });
    for (const listener of this.closedListeners) listener(address, reason);
  }

  private get connectTimeoutMs(): number {
    return this.options.connectTimeoutMs ?? CLIENT_CONNECT_MS_MAX;
  }

  private command<Q extends Fields>(
    row: { code: number; request: Q },
    fields: GivenFields<Q>,
    body?: Uint8Array,
  ): RemotingCommand {
    const { serializeType } = this.options;
    return requestCommand(row.code, {
      extFields: encodeFields(row.request, fields),
      ...(body && { body }),
      ...(serializeType !== undefined && { serializeType }),
    });
  }

  /** What is checked and done to each request before it is sent. */
  private admit(connection: RemotingConnection, address: string, command: RemotingCommand): void {
    if (connection.unsentBytes > CLIENT_UNSENT_BYTES_MAX) {
      throw new RemotingError(
        "too_many",
        address,
        `${connection.unsentBytes} bytes wait for the peer to read`,
      );
    }
    for (const hook of this.hooks) hook.beforeRequest?.(address, command);
  }

  /** The open connection, or a new one; callers at the same time share it. */
  private connect(address: string, timeoutMs: number): Promise<RemotingConnection> {
    const known = this.byAddress.get(address);
    if (known !== undefined) return Promise.resolve(known);
    if (this.closed) return Promise.reject(new RemotingError("closed", address, "client closed"));
    const connecting = this.open(address, Math.min(timeoutMs, this.connectTimeoutMs));
    this.byAddress.set(address, connecting);
    return connecting;
  }

  private async open(address: string, timeoutMs: number): Promise<RemotingConnection> {
    let connection: RemotingConnection | null = null;
    try {
      const target = parseHostAndPort(address);
      if (target === null) throw new RemotingError("bad_address", address, "not host:port");
      await this.options.transport.connect({ ...target, timeoutMs }, (socket) => {
        connection = new RemotingConnection(this, socket, {
          id: this.nextConnectionId++,
          localPort: 0,
          alwaysReads: true,
        });
        this.addresses.set(connection, address);
        return connection;
      });
      this.byAddress.set(address, connection!);
      return connection!;
    } catch (error) {
      this.byAddress.delete(address);
      if (error instanceof RemotingError) throw error;
      const problem = error instanceof Error ? error.message : String(error);
      throw new RemotingError("connect_failed", address, problem, { cause: error });
    }
  }

  /** The peer stops: later calls use a new connection, those in flight end on the old one. */
  private leave(address: string, connection: RemotingConnection): void {
    if (this.byAddress.get(address) === connection) this.byAddress.delete(address);
  }
}
