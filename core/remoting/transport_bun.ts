// The network by Bun's own sockets: partial writes go to the kernel at once, nothing is buffered on
// the way. Never used under another runtime: transport_node.ts is the twin.
import type { Buffer } from "node:buffer";
import type { Socket, SocketHandler } from "bun";
import type { Clock } from "../time/clock.ts";
import {
  type SocketHandlers,
  type SocketOpener,
  timedOut,
  type Transport,
  transportError,
  type TransportListener,
  type TransportSocket,
} from "./transport.ts";

/** Events before the opener has said whom to tell. None comes that early. */
const nobody: SocketHandlers = { data() {}, drain() {}, end() {}, disconnected() {} };

interface SocketData {
  wrapper: BunSocket | null;
}

class BunSocket implements TransportSocket {
  readonly writeCopies = true;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  handlers: SocketHandlers = nobody;
  private paused = false;
  private finSent = false;

  constructor(private readonly socket: Socket<SocketData>) {
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.localPort = socket.localPort;
    socket.setNoDelay(true);
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    const count = this.socket.write(bytes, start, end - start);
    return count < 0 ? end - start : count;
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
  }

  end(): void {
    if (this.finSent) return;
    this.finSent = true;
    // A paused socket wouldn't notice that the peer ends too.
    this.resume();
    this.socket.shutdown();
  }

  destroy(): void {
    this.socket.end();
  }
}

/**
 * The handlers of a listener's or a connect's sockets: each event goes to the socket's own.
 * `received` is told of every buffer first.
 */
function socketHandler(
  opened: SocketOpener,
  received: (bytes: number) => void = () => {},
): SocketHandler<SocketData> {
  return {
    open(socket) {
      const wrapper = new BunSocket(socket);
      socket.data = { wrapper };
      wrapper.handlers = opened(wrapper);
    },
    data(socket, bytes: Buffer) {
      received(bytes.length);
      socket.data.wrapper?.handlers.data(bytes);
    },
    drain(socket) {
      socket.data.wrapper?.handlers.drain();
    },
    end(socket) {
      socket.data.wrapper?.handlers.end();
    },
    close(socket, error) {
      socket.data?.wrapper?.handlers.disconnected(error ?? null);
    },
    error(_socket, error) {
      // A handler threw: that is a bug of ours, not of the socket.
      queueMicrotask(() => {
        throw error;
      });
    },
  };
}

export function createBunTransport(clock: Clock): Transport {
  return {
    async listen(options, opened) {
      // Not imported above: under another runtime this file is loaded too, and never used.
      const { noteYoungBytes } = await import("./young_garbage_bun.ts");
      return listen(options, opened, noteYoungBytes);
    },
    connect: (options, opened) => connect(options, opened, clock),
  };
}

function listen(
  options: { host: string; port: number },
  opened: SocketOpener,
  received: (bytes: number) => void,
): TransportListener {
  const { host, port } = options;
  try {
    const listener = Bun.listen<SocketData>({
      hostname: host,
      port,
      exclusive: true,
      allowHalfOpen: true,
      socket: socketHandler(opened, received),
    });
    return {
      host,
      port: listener.port,
      close() {
        listener.stop(false);
        return Promise.resolve();
      },
    };
  } catch (error) {
    throw transportError(error, host, port);
  }
}

function connect(
  options: { host: string; port: number; timeoutMs: number },
  opened: SocketOpener,
  clock: Clock,
): Promise<TransportSocket> {
  const { host, port, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = clock.after(timeoutMs, () => {
      late = true;
      reject(timedOut(host, port, timeoutMs));
    });
    const handler = socketHandler(opened);
    const open = handler.open!;
    handler.open = (socket) => {
      // The caller has given up: nobody would ever close it.
      if (late) return void socket.end();
      timer.cancel();
      open(socket);
      resolve(socket.data.wrapper!);
    };
    Bun.connect<SocketData>({
      hostname: host,
      port,
      allowHalfOpen: true,
      data: { wrapper: null },
      socket: handler,
    }).catch((error) => {
      timer.cancel();
      reject(transportError(error, host, port));
    });
  });
}
