// The remoting server: listens on its ports, makes connections of sockets, hands their frames to
// one dispatcher, closes the idle ones and stops gracefully. What is served, and how, its handlers
// know.
import {
  ASYNC_REQUESTS_MAX,
  BURST_BYTES_MAX,
  CONNECTION_IDLE_MS_MAX,
  CONNECTIONS_MAX,
  SERVER_STOP_MS_MAX,
} from "../limits.ts";
import type { Logger } from "../log.ts";
import { runInBackground } from "../time/background.ts";
import type { Clock } from "../time/clock.ts";
import { AssemblyBudget, type AssemblyLimits } from "./assembly_budget.ts";
import type { CodeRow, Fields } from "./code_row.ts";
import type { RemotingCommand } from "./command.ts";
import { type ConnectionHost, RemotingConnection } from "./connection.ts";
import { Dispatcher, type RequestHook } from "./dispatcher.ts";
import { FirstBytesGate, type FirstBytesHook, type RemoteAddress } from "./first_bytes.ts";
import type { Frame } from "./frame.ts";
import type { Connection, Handler, HandlerRegistry, PeerCaller, RawHandler } from "./handler.ts";
import { BlockPool } from "./outgoing.ts";
import type { SocketHandlers, Transport, TransportListener, TransportSocket } from "./transport.ts";
import { Turn } from "./turn.ts";

export interface PortOptions {
  port: number;
  /** Default: the server's host. */
  host?: string;
  /** Codes that this port answers REQUEST_CODE_NOT_SUPPORTED (the fast port: pull and pop). */
  excludes?: (code: number) => boolean;
}

export interface RemotingServerOptions {
  transport: Transport;
  clock: Clock;
  log: Logger;
  /** "0.0.0.0", "::", "127.0.0.1" … */
  host: string;
  /** One table is served on all of them; 0 means a free port. */
  ports: readonly (number | PortOptions)[];
  hooks?: readonly RequestHook[];
  firstBytes?: FirstBytesHook;
  /**
   * Connections are accepted but not read until `serve()` is called: handlers that need an open
   * store come later.
   */
  hold?: boolean;
  limits?: Partial<RemotingServerLimits>;
  /** What unfinished frames of all connections may take together. */
  assemblyLimits?: Partial<AssemblyLimits>;
}

export interface RemotingServerLimits {
  connectionsMax: number;
  idleMsMax: number;
  burstBytesMax: number;
  asyncRequestsMax: number;
  stopMsMax: number;
}

export interface ListenAddress {
  host: string;
  port: number;
}

export type ConnectionListener = (connection: Connection, reason: string) => void;

/** How often a stopping server looks whether all is sent. */
const STOP_POLL_MS = 5;

/** Idle connections are looked for this many times an idle period. */
const SWEEPS_PER_IDLE_PERIOD = 12;

export class RemotingServer
  implements HandlerRegistry, PeerCaller, ConnectionHost, AsyncDisposable {
  readonly clock: Clock;
  readonly log: Logger;
  readonly turn: Turn;
  readonly pool = new BlockPool();
  private readonly limits: RemotingServerLimits;
  private readonly assemblies: AssemblyBudget;
  private readonly dispatcher: Dispatcher;
  private readonly listeners: TransportListener[] = [];
  private readonly live = new Map<number, RemotingConnection>();
  private readonly closedListeners: ConnectionListener[] = [];
  private readonly sweeper: AsyncDisposable;
  private nextConnectionId = 1;
  private held: boolean;
  private stopping = false;
  private stopped: Promise<void> | null = null;

  private constructor(private readonly options: RemotingServerOptions) {
    this.clock = options.clock;
    this.log = options.log;
    this.held = options.hold ?? false;
    this.limits = {
      connectionsMax: CONNECTIONS_MAX,
      idleMsMax: CONNECTION_IDLE_MS_MAX,
      burstBytesMax: BURST_BYTES_MAX,
      asyncRequestsMax: ASYNC_REQUESTS_MAX,
      stopMsMax: SERVER_STOP_MS_MAX,
      ...options.limits,
    };
    this.assemblies = new AssemblyBudget(options.clock, options.assemblyLimits);
    this.turn = new Turn(options.clock, this.limits.burstBytesMax);
    this.dispatcher = new Dispatcher(
      options.log,
      options.hooks ?? [],
      this.limits.asyncRequestsMax,
    );
    this.sweeper = runInBackground(
      {
        name: "idle connections",
        intervalMs: this.limits.idleMsMax / SWEEPS_PER_IDLE_PERIOD,
        tick: () => this.sweep(),
      },
      options.clock,
      options.log,
    );
  }

  /** Listens on all ports, or on none: throws TransportError naming the one that can't be had. */
  static async open(options: RemotingServerOptions): Promise<RemotingServer> {
    const server = new RemotingServer(options);
    try {
      for (const each of options.ports) await server.listen(each);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where it listens, in the order of `ports`, with the real port numbers. */
  get addresses(): ListenAddress[] {
    return this.listeners.map(({ host, port }) => ({ host, port }));
  }

  /** The open connections. */
  get connections(): Iterable<Connection> {
    return this.live.values();
  }

  get connectionCount(): number {
    return this.live.size;
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

  /** Rejects with RemotingError. The command's opaque is set here. */
  invoke(
    connection: Connection,
    command: RemotingCommand,
    timeoutMs: number,
  ): Promise<RemotingCommand> {
    return this.dispatcher.invoke(connection, command, timeoutMs);
  }

  oneway(connection: Connection, command: RemotingCommand): void {
    this.dispatcher.oneway(connection, command);
  }

  /**
   * Calls back at the end of each turn in which frames were handled or something was queued, after
   * all of them and before connections are written to; at once after BURST_BYTES_MAX of requests.
   */
  onBurst(callback: () => void): void {
    this.turn.onBurst(callback);
  }

  onConnectionClosed(listener: ConnectionListener): void {
    this.closedListeners.push(listener);
  }

  /** Starts to read; only needed after `hold`. */
  serve(): void {
    this.held = false;
    for (const connection of this.live.values()) connection.release();
  }

  /** For connections alone. */
  frame(frame: Frame, connection: RemotingConnection): void {
    this.dispatcher.frame(frame, connection);
  }

  /** For connections alone. */
  connectionClosed(connection: RemotingConnection, reason: string): void {
    this.live.delete(connection.id);
    this.log.info("connection closed", { peer: connection.remoteAddress, reason });
    for (const listener of this.closedListeners) listener(connection, reason);
  }

  /**
   * Takes no more connections, refuses new requests, waits for the answers that are due and for
   * peers to take them (at most stopMsMax), then closes everything.
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.stopped ??= this.stop();
    return this.stopped;
  }

  private async stop(): Promise<void> {
    this.stopping = true;
    this.dispatcher.stop();
    await Promise.all(this.listeners.map((listener) => listener.close()));
    await this.sweeper[Symbol.asyncDispose]();
    for (const connection of [...this.live.values()]) {
      connection.release();
      connection.closeWhenSent("the server stops");
    }
    const startedMs = this.clock.monotonicMs();
    while (this.live.size > 0 && this.clock.monotonicMs() - startedMs < this.limits.stopMsMax) {
      await this.clock.sleep(STOP_POLL_MS);
    }
    for (const connection of [...this.live.values()]) connection.close("the server stops");
  }

  private async listen(each: number | PortOptions): Promise<void> {
    const options = typeof each === "number" ? { port: each } : each;
    const listener = await this.options.transport.listen(
      { host: options.host ?? this.options.host, port: options.port },
      (socket) => this.opened(socket, options),
    );
    this.listeners.push(listener);
  }

  private opened(socket: TransportSocket, port: PortOptions): SocketHandlers {
    const { firstBytes } = this.options;
    if (firstBytes === undefined) return this.adopt(socket, port);
    return new FirstBytesGate(
      socket,
      firstBytes,
      (adopted, remote) => this.adopt(adopted, port, remote),
      this.clock,
      this.log,
    );
  }

  private adopt(
    socket: TransportSocket,
    port: PortOptions,
    remote?: RemoteAddress,
  ): RemotingConnection {
    const connection = new RemotingConnection(this, socket, {
      id: this.nextConnectionId++,
      localPort: socket.localPort,
      assemblies: this.assemblies,
      ...(remote && { remote }),
      ...(port.excludes && { excludes: port.excludes }),
    });
    this.live.set(connection.id, connection);
    if (this.stopping) {
      connection.close("the server stops");
    } else if (this.live.size > this.limits.connectionsMax) {
      this.log.warn("too many connections", { limit: this.limits.connectionsMax });
      connection.close("too many connections");
    } else if (this.held) {
      connection.hold();
    }
    return connection;
  }

  private sweep(): "idle" {
    this.assemblies.sweep();
    for (const connection of [...this.live.values()]) {
      connection.sweep(SWEEPS_PER_IDLE_PERIOD);
    }
    return "idle";
  }
}
