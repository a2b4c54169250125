// One open connection: cuts what comes in into frames, gathers what goes out into one write a turn,
// and stops reading while the peer doesn't read. Knows no request code; the dispatcher is handed
// each frame.
import type { Buffer } from "node:buffer";
import { DecodeError } from "../errors.ts";
import {
  CONNECTION_UNSENT_BYTES_HIGH,
  CONNECTION_UNSENT_BYTES_LOW,
  CONNECTION_UNSENT_BYTES_MAX,
} from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Clock } from "../time/clock.ts";
import type { AssemblyBudget, AssemblyOwner, AssemblyShare } from "./assembly_budget.ts";
import { frameBytesMax, writeFrame, writeFrameHead } from "./codec.ts";
import { EMPTY_BYTES, type RemotingCommand } from "./command.ts";
import { type Frame, FrameDecoder } from "./frame.ts";
import type { Connection, HostAddress } from "./handler.ts";
import { parseIpAddress } from "./host_address.ts";
import { type BlockPool, Outgoing } from "./outgoing.ts";
import { PendingAnswers } from "./pending_answers.ts";
import { hostAndPort, type SocketHandlers, type TransportSocket } from "./transport.ts";
import type { EndsTurn, Turn } from "./turn.ts";

/** Bodies from here on are queued as they are, behind their header, instead of being copied. */
const BODY_BYTES_UNCOPIED = 16 * 1024;

/** How long the peer may take to end its side after we ended ours. */
const LINGER_MS_MAX = 5_000;

/** What connections of one server or client share. */
export interface ConnectionHost {
  readonly clock: Clock;
  readonly log: Logger;
  readonly turn: Turn;
  readonly pool: BlockPool;
  /**
   * Handles one frame. Throws DecodeError when it can't be decoded: the connection is then closed.
   */
  frame(frame: Frame, connection: RemotingConnection): void;
  /** Called once, when the connection is closed. */
  connectionClosed(connection: RemotingConnection, reason: string): void;
}

export interface ConnectionOptions {
  id: number;
  /** The peer's address when it isn't the socket's (PROXY protocol). */
  remote?: { address: string; port: number };
  /** 0 for a connection that we opened. */
  localPort: number;
  /**
   * Reads on however much is unsent. For the side that asks: if both sides stopped reading until
   * the other reads, neither would go on.
   */
  alwaysReads?: boolean;
  /** Codes that this port refuses. */
  excludes?: (code: number) => boolean;
  /** What all unfinished frames may take together; none where the peers are our own choice. */
  assemblies?: AssemblyBudget;
}

export class RemotingConnection implements Connection, SocketHandlers, EndsTurn, AssemblyOwner {
  readonly id: number;
  readonly remoteAddress: string;
  readonly remoteHost: HostAddress;
  readonly localPort: number;
  readonly excludes: ((code: number) => boolean) | null;
  private readonly alwaysReads: boolean;
  closed = false;
  /** Requests that handlers are still working on and will answer. */
  answersDue = 0;
  private quietSweeps = 0;
  /** Our own requests to the peer; null until the first one. */
  pending: PendingAnswers | null = null;
  private readonly share: AssemblyShare | null;
  private readonly decoder: FrameDecoder;
  private readonly outgoing: Outgoing;
  private queuedForFlush = false;
  /** The socket took less than it was given; a drain will come. */
  private blocked = false;
  /** Reading is paused because too much is unsent. */
  private stalled = false;
  private held = false;
  /** Reading is paused because there is no room for the rest of a frame. */
  private waitsForRoom = false;
  private pumping = false;
  /** Why it closes once all is sent; null while it is to stay open. */
  private closingReason: string | null = null;
  /** Data events so far: a client tells a dead peer by it. */
  dataEvents = 0;

  constructor(
    private readonly host: ConnectionHost,
    private readonly socket: TransportSocket,
    options: ConnectionOptions,
  ) {
    const given = options.remote?.address ?? socket.remoteAddress;
    const port = options.remote?.port ?? socket.remotePort;
    const address = parseIpAddress(given) ?? EMPTY_BYTES;
    this.id = options.id;
    // An IPv4 peer of an IPv6 socket is shown by its IPv4 address, as Java does.
    this.remoteAddress = hostAndPort(address.length === 4 ? address.join(".") : given, port);
    this.remoteHost = { address, port };
    this.localPort = options.localPort;
    this.excludes = options.excludes ?? null;
    this.alwaysReads = options.alwaysReads ?? false;
    this.outgoing = new Outgoing(host.pool);
    this.share = options.assemblies?.share(this) ?? null;
    this.decoder = new FrameDecoder(this.share);
  }

  get unsentBytes(): number {
    return this.outgoing.unsentBytes;
  }

  /** The pending answers of our requests to this peer. */
  answers(): PendingAnswers {
    return this.pending ??= new PendingAnswers(this.host.clock, this.remoteAddress);
  }

  send(command: RemotingCommand): void {
    if (this.closed) return;
    const body = command.body;
    if (body.length < BODY_BYTES_UNCOPIED) {
      const { buffer, start } = this.outgoing.reserve(frameBytesMax(command));
      this.commit(writeFrame(command, buffer, start) - start);
      return;
    }
    const { buffer, start } = this.outgoing.reserve(frameBytesMax(command) - body.length);
    this.commit(writeFrameHead(command, body.length, buffer, start) - start);
    this.sendBytes(body);
  }

  reserve(length: number): { buffer: Buffer; start: number } {
    return this.outgoing.reserve(length);
  }

  commit(usedLength: number): void {
    if (this.closed) return;
    this.outgoing.commit(usedLength);
    this.queueFlush();
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.closed) return;
    this.outgoing.push(bytes);
    this.queueFlush();
  }

  close(reason: string): void {
    if (this.closed) return;
    if (!this.blocked && this.outgoing.unsentBytes > 0) this.outgoing.flush(this.socket);
    this.markClosed(reason);
    this.socket.destroy();
  }

  /** Closes once every answer that is due was made and sent. */
  closeWhenSent(reason: string): void {
    this.closingReason ??= reason;
    this.queueFlush();
  }

  /**
   * A handler's later answer was made (or there is none): the connection may have waited for it to
   * close.
   */
  answerMade(): void {
    if (this.closingReason !== null) this.queueFlush();
  }

  /**
   * Called now and then; closes the connection after `quietSweepsMax` calls in which nothing moved.
   */
  sweep(quietSweepsMax: number): void {
    if (++this.quietSweeps > quietSweepsMax) {
      return this.close(this.waitsForRoom ? "there was no room for its frame" : "it was idle");
    }
    this.outgoing.trim();
  }

  /** Leaves what comes in unread until `release`: the server doesn't serve yet. */
  hold(): void {
    this.held = true;
    this.socket.pause();
  }

  release(): void {
    this.held = false;
    if (!this.closed && !this.stalled) this.unstall();
  }

  data(bytes: Buffer): void {
    if (this.closed) return;
    this.quietSweeps = 0;
    this.dataEvents++;
    this.decoder.push(bytes);
    if (this.waitsForRoom) this.waitForRoom();
    else this.pump();
  }

  drain(): void {
    if (this.closed) return;
    this.quietSweeps = 0;
    this.write();
    if (this.stalled && this.outgoing.unsentBytes <= CONNECTION_UNSENT_BYTES_LOW) this.unstall();
    if (this.closingReason !== null) this.finishWhenSent(this.closingReason);
  }

  end(): void {
    this.closeWhenSent("the peer ended it");
  }

  disconnected(error: Error | null): void {
    this.markClosed(error === null ? "the peer closed it" : error.message);
  }

  endTurn(): void {
    this.queuedForFlush = false;
    this.flush();
  }

  private flush(): void {
    if (this.closed) return;
    if (this.blocked) this.stallWhenFull();
    else this.write();
    if (this.closingReason !== null) this.finishWhenSent(this.closingReason);
  }

  private queueFlush(): void {
    if (this.queuedForFlush) return;
    this.queuedForFlush = true;
    this.host.turn.add(this);
  }

  private write(): void {
    this.blocked = !this.outgoing.flush(this.socket);
    this.stallWhenFull();
  }

  /** Stops reading while the peer doesn't read; a peer that never does is given up. */
  private stallWhenFull(): void {
    const unsentBytes = this.outgoing.unsentBytes;
    if (unsentBytes <= CONNECTION_UNSENT_BYTES_HIGH) return;
    if (unsentBytes > CONNECTION_UNSENT_BYTES_MAX) {
      return this.close(`the peer doesn't read: ${unsentBytes} bytes are unsent`);
    }
    if (this.stalled || this.alwaysReads) return;
    this.stalled = true;
    this.socket.pause();
  }

  /** Handles the frames that are whole, in order, until too much is unsent. */
  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    try {
      while (!this.closed && !this.stalled && !this.held && !this.waitsForRoom) {
        const frame = this.decoder.next();
        if (frame === null) {
          if (this.decoder.starved) this.waitForRoom();
          break;
        }
        this.host.frame(frame, this);
        this.host.turn.handled(frame.end - frame.start);
        if (this.outgoing.unsentBytes > CONNECTION_UNSENT_BYTES_HIGH) this.flush();
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.close(`undecodable bytes: ${error.message}`);
    } finally {
      this.pumping = false;
    }
    this.host.turn.schedule();
  }

  private unstall(): void {
    this.stalled = false;
    this.goOn();
  }

  private goOn(): void {
    this.pump();
    const isPaused = this.stalled || this.closed || this.held || this.waitsForRoom;
    if (!isPaused) this.socket.resume();
  }

  private waitForRoom(): void {
    this.waitsForRoom = true;
    this.socket.pause();
    if (this.share!.wait(this.decoder.unreadBytes)) return;
    this.close("too many large frames are coming in at once");
  }

  roomMade(): void {
    this.waitsForRoom = false;
    this.goOn();
    if (this.closingReason !== null) this.queueFlush();
  }

  assembledBytes(): number {
    return this.decoder.assembledBytes;
  }

  giveUp(reason: string): void {
    this.close(reason);
  }

  private finishWhenSent(reason: string): void {
    if (this.answersDue > 0 || this.outgoing.unsentBytes > 0) return;
    // What the peer sent before it ended is still to be handled.
    if (this.stalled || this.waitsForRoom) return;
    this.markClosed(reason);
    this.socket.end();
    this.host.clock.after(LINGER_MS_MAX, () => this.socket.destroy());
  }

  private markClosed(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.outgoing.clear();
    this.share?.leave();
    this.pending?.closeAll(reason);
    this.host.connectionClosed(this, reason);
  }
}
