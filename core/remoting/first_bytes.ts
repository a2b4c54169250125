// The seam at the start of an inbound connection: a hook sees its first bytes and decides how it
// goes on (PROXY protocol, TLS, plain). Without a hook no connection passes through here.
import { Buffer } from "node:buffer";
import { FIRST_BYTES_MAX, FIRST_BYTES_MS_MAX } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Clock, Timer } from "../time/clock.ts";
import type { SocketHandlers, TransportSocket } from "./transport.ts";

/** What a first-bytes hook decides about the bytes so far. */
export type FirstBytesVerdict =
  /** Can't say yet: called again with all bytes once more came (at most FIRST_BYTES_MAX). */
  | { kind: "more" }
  /** Frames from here on; `consumed` bytes are left out. `remote` is the peer's true address. */
  | { kind: "plain"; consumed: number; remote?: RemoteAddress }
  /** As plain, but what follows is shown to the hook again (TLS behind a PROXY header). */
  | { kind: "again"; consumed: number; remote?: RemoteAddress }
  /**
   * Another layer takes the socket over (TLS): `wrap` sets the raw socket's handlers, is given the
   * bytes so far, and returns the socket of the layer above, whose handlers the server then sets.
   * It must not call them before.
   */
  | { kind: "wrap"; wrap: (raw: TransportSocket, bytes: Buffer) => TransportSocket }
  | { kind: "refuse"; reason: string };

export interface RemoteAddress {
  address: string;
  port: number;
}

export type FirstBytesHook = (bytes: Buffer, socket: TransportSocket) => FirstBytesVerdict;

/**
 * The handlers of a connection until its hook has decided; `adopt` then makes a connection of the
 * socket.
 */
export class FirstBytesGate implements SocketHandlers {
  private bytes: Buffer = Buffer.alloc(0);
  private remote: RemoteAddress | undefined;
  private readonly timer: Timer;

  constructor(
    private readonly socket: TransportSocket,
    private readonly hook: FirstBytesHook,
    private readonly adopt: (socket: TransportSocket, remote?: RemoteAddress) => SocketHandlers,
    clock: Clock,
    private readonly log: Logger,
  ) {
    this.timer = clock.after(FIRST_BYTES_MS_MAX, () => this.refuse("its first bytes never came"));
  }

  data(bytes: Buffer): void {
    this.bytes = this.bytes.length === 0 ? bytes : Buffer.concat([this.bytes, bytes]);
    for (;;) {
      const verdict = this.hook(this.bytes, this.socket);
      switch (verdict.kind) {
        case "more":
          if (this.bytes.length > FIRST_BYTES_MAX) this.refuse("its first bytes make no sense");
          return;
        case "refuse":
          return this.refuse(verdict.reason);
        case "wrap": {
          this.timer.cancel();
          const upper = verdict.wrap(this.socket, this.bytes);
          upper.handlers = this.adopt(upper, this.remote);
          return;
        }
        case "again":
        case "plain":
          this.remote = verdict.remote ?? this.remote;
          this.bytes = this.bytes.subarray(verdict.consumed);
          if (verdict.kind === "plain") return this.goOn();
          if (this.bytes.length === 0) return;
      }
    }
  }

  drain(): void {}

  end(): void {
    this.timer.cancel();
    this.socket.destroy();
  }

  disconnected(): void {
    this.timer.cancel();
  }

  private goOn(): void {
    this.timer.cancel();
    const handlers = this.adopt(this.socket, this.remote);
    this.socket.handlers = handlers;
    if (this.bytes.length > 0) handlers.data(this.bytes);
  }

  private refuse(reason: string): void {
    this.timer.cancel();
    this.log.warn("connection refused", { peer: this.socket.remoteAddress, reason });
    this.socket.destroy();
  }
}
