// Connections that exist only for tests: they note what is sent and whether they were closed.
import { Buffer } from "node:buffer";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import type { Client } from "./client.ts";

let nextId = 1;

export class FakeConnection implements Connection {
  readonly id = nextId++;
  readonly remoteAddress = `127.0.0.1:${40_000 + this.id}`;
  readonly remoteHost = { address: new Uint8Array([127, 0, 0, 1]), port: 40_000 + this.id };
  readonly localPort = 10911;
  closed = false;
  readonly unsentBytes = 0;
  readonly sent: RemotingCommand[] = [];
  /** Whole frames that were written in place. */
  readonly frames: Buffer[] = [];
  private room = Buffer.alloc(0);

  send(command: RemotingCommand): void {
    this.sent.push(command);
  }

  reserve(length: number): { buffer: Buffer; start: number } {
    this.room = Buffer.alloc(length);
    return { buffer: this.room, start: 0 };
  }

  commit(usedLength: number): void {
    this.frames.push(this.room.subarray(0, usedLength));
  }

  sendBytes(bytes: Uint8Array): void {
    this.frames.push(Buffer.from(bytes));
  }

  close(): void {
    this.closed = true;
  }
}

export function fakeClient(clientId: string, nowMs: number): Client {
  return {
    connection: new FakeConnection(),
    clientId,
    language: "JAVA",
    version: 493,
    serializeType: 0,
    lastUpdateMs: nowMs,
  };
}
