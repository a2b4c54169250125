// What tests of the server share: a server on a free port, peers that speak in whole commands, one
// row. Used by tests alone.
import type { Buffer } from "node:buffer";
import { createLogger, type LogEntry } from "../log.ts";
import { systemClock } from "../time/system_clock.ts";
import { requestCommand } from "./answers.ts";
import { optional, required, row } from "./code_row.ts";
import { decodeFrame, encodeFrame } from "./codec.ts";
import { type RemotingCommand, SERIALIZE_JSON } from "./command.ts";
import { FrameDecoder } from "./frame.ts";
import type { Connection } from "./handler.ts";
import { RemotingServer, type RemotingServerOptions } from "./server.ts";
import type { SocketHandlers, TransportSocket } from "./transport.ts";
import { createBunTransport } from "./transport_bun.ts";

export const echo = row({
  code: 105,
  name: "ECHO",
  request: { text: required("string"), times: optional("int", "", 1) },
  response: { text: required("string") },
  servedBy: [],
  doc: "",
});

/** A peer that speaks in whole commands and keeps what comes. */
export class Peer implements SocketHandlers {
  readonly commands: RemotingCommand[] = [];
  closed = false;
  private readonly decoder = new FrameDecoder();
  private waiting: () => void = () => {};

  constructor(readonly socket: TransportSocket) {}

  data(bytes: Buffer): void {
    this.decoder.push(bytes);
    for (let frame = this.decoder.next(); frame !== null; frame = this.decoder.next()) {
      this.commands.push(decodeFrame(frame));
    }
    this.waiting();
  }

  drain(): void {}

  end(): void {
    this.closed = true;
    this.socket.end();
    this.waiting();
  }

  disconnected(): void {
    this.closed = true;
    this.waiting();
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes, 0, bytes.length);
  }

  send(command: RemotingCommand): void {
    this.sendBytes(encodeFrame(command));
  }

  async until(condition: (peer: Peer) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.waiting = resolve);
  }

  /** The next `count` commands, removed from `commands`. */
  async take(count: number): Promise<RemotingCommand[]> {
    await this.until((peer) => peer.commands.length >= count || peer.closed);
    return this.commands.splice(0, count);
  }
}

/** Everything a test opens; `close` ends all of it, the last first. */
export class TestBed {
  readonly transport = createBunTransport(systemClock);
  readonly stack: AsyncDisposable[] = [];
  readonly entries: LogEntry[] = [];
  readonly log = createLogger((entry) => this.entries.push(entry));

  async close(): Promise<void> {
    while (this.stack.length > 0) await this.stack.pop()![Symbol.asyncDispose]();
    this.entries.length = 0;
  }

  readonly open = async (options: Partial<RemotingServerOptions> = {}): Promise<RemotingServer> => {
    const server = await RemotingServer.open({
      transport: this.transport,
      clock: systemClock,
      log: this.log,
      host: "127.0.0.1",
      ports: [0],
      ...options,
    });
    this.stack.push(server);
    return server;
  };

  /** A new connection to one of the server's ports. */
  readonly connect = async (server: RemotingServer, port = 0): Promise<Peer> => {
    let peer!: Peer;
    const address = server.addresses[port]!;
    await this.transport.connect(
      { ...address, timeoutMs: 5_000 },
      (socket) => peer = new Peer(socket),
    );
    this.stack.push({
      [Symbol.asyncDispose]() {
        peer.socket.destroy();
        return Promise.resolve();
      },
    });
    return peer;
  };
}

/** The server's side of a peer's connection. */
export async function accepted(server: RemotingServer, peer: Peer): Promise<Connection> {
  const find = () =>
    [...server.connections].find((each) => each.remoteHost.port === peer.socket.localPort);
  while (!find()) await systemClock.sleep(1);
  return find()!;
}

export function request(code: number, opaque: number, changes: Partial<RemotingCommand> = {}) {
  return { ...requestCommand(code, { serializeType: SERIALIZE_JSON }), opaque, ...changes };
}

export function echoRequest(opaque: number, text: string, changes: Partial<RemotingCommand> = {}) {
  return request(105, opaque, { extFields: new Map([["text", text]]), ...changes });
}
