import { afterEach, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { RequestError } from "../errors.ts";
import { createLogger, type LogEntry } from "../log.ts";
import type { Clock } from "../time/clock.ts";
import { systemClock } from "../time/system_clock.ts";
import { answerTo, requestCommand } from "./answers.ts";
import { RemotingClient } from "./client.ts";
import { optional, required, row } from "./code_row.ts";
import { decodeFrame, encodeFrame } from "./codec.ts";
import {
  FLAG_ONEWAY,
  FLAG_RESPONSE,
  type RemotingCommand,
  SERIALIZE_JSON,
  SERIALIZE_ROCKETMQ,
} from "./command.ts";
import { FrameDecoder } from "./frame.ts";
import type { Connection } from "./handler.ts";
import { RemotingServer, type RemotingServerOptions } from "./server.ts";
import type { SocketHandlers, TransportSocket } from "./transport.ts";
import { createBunTransport } from "./transport_bun.ts";

const transport = createBunTransport(systemClock);
const stack: AsyncDisposable[] = [];
const entries: LogEntry[] = [];
const log = createLogger((entry) => entries.push(entry));

afterEach(async () => {
  while (stack.length > 0) await stack.pop()![Symbol.asyncDispose]();
  entries.length = 0;
});

const echo = row({
  code: 105,
  name: "ECHO",
  request: { text: required("string"), times: optional("int", "", 1) },
  response: { text: required("string") },
  servedBy: [],
  doc: "",
});

/** A peer that speaks in whole commands and keeps what comes. */
class Peer implements SocketHandlers {
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

async function open(options: Partial<RemotingServerOptions> = {}): Promise<RemotingServer> {
  const server = await RemotingServer.open({
    transport,
    clock: systemClock,
    log,
    host: "127.0.0.1",
    ports: [0],
    ...options,
  });
  stack.push(server);
  return server;
}

async function connect(server: RemotingServer, port = 0): Promise<Peer> {
  let peer!: Peer;
  const address = server.addresses[port]!;
  await transport.connect({ ...address, timeoutMs: 5_000 }, (socket) => peer = new Peer(socket));
  stack.push({
    [Symbol.asyncDispose]() {
      peer.socket.destroy();
      return Promise.resolve();
    },
  });
  return peer;
}

function request(code: number, opaque: number, changes: Partial<RemotingCommand> = {}) {
  return { ...requestCommand(code, { serializeType: SERIALIZE_JSON }), opaque, ...changes };
}

function echoRequest(opaque: number, text: string, changes: Partial<RemotingCommand> = {}) {
  return request(105, opaque, { extFields: new Map([["text", text]]), ...changes });
}

test("a typed request is answered in its own serialization with its opaque", async () => {
  const server = await open();
  server.handle(echo, ({ fields, body }) => ({
    fields: { text: fields.text.repeat(fields.times) },
    body,
  }));
  const peer = await connect(server);
  peer.send(echoRequest(41, "a", { body: Buffer.from("body") }));
  peer.send(echoRequest(42, "b", { serializeType: SERIALIZE_ROCKETMQ }));
  const [first, second] = await peer.take(2);
  expect(first).toMatchObject({
    code: 0,
    opaque: 41,
    flag: FLAG_RESPONSE,
    language: "JAVA",
    version: 493,
    remark: null,
    serializeType: SERIALIZE_JSON,
  });
  expect(first!.extFields.get("text")).toBe("a");
  expect(Buffer.from(first!.body).toString()).toBe("body");
  expect(second).toMatchObject({ opaque: 42, serializeType: SERIALIZE_ROCKETMQ });
});

test("a code that nobody serves is answered as Apache answers it", async () => {
  const peer = await connect(await open());
  peer.send(request(9999, 5));
  expect(await peer.take(1)).toMatchObject([
    { code: 3, opaque: 5, remark: " request type 9999 not supported" },
  ]);
});

test("a missing mandatory field is refused by its name", async () => {
  const server = await open();
  server.handle(echo, () => ({}));
  const peer = await connect(server);
  peer.send(request(105, 1));
  expect(await peer.take(1)).toMatchObject([
    { code: 1, remark: "the custom field <text> is null" },
  ]);
});

test("refusals, failures and rejections become answers without a stack", async () => {
  const server = await open();
  server.handle(echo, ({ fields }) => {
    const failures: Record<string, () => never> = {
      refuse: () => {
        throw new RequestError(17, "topic[x] not exist");
      },
      fail: () => {
        throw new TypeError("it broke");
      },
    };
    const [kind, later] = fields.text.split(" ");
    return later ? Promise.resolve().then(failures[kind!]) : failures[kind!]!();
  });
  const peer = await connect(server);
  ["refuse", "fail", "refuse later", "fail later"].forEach((text, n) =>
    peer.send(echoRequest(n, text))
  );
  const answers = await peer.take(4);
  expect(answers.map(({ opaque, code, remark }) => [opaque, code, remark]).sort()).toEqual([
    [0, 17, "topic[x] not exist"],
    [1, 1, "TypeError: it broke"],
    [2, 17, "topic[x] not exist"],
    [3, 1, "TypeError: it broke"],
  ]);
  expect(entries.filter(({ level }) => level === "error").length).toBe(2);
});

test("oneway requests get no answer, whatever comes of them", async () => {
  const server = await open();
  const seen: string[] = [];
  server.handle(echo, ({ fields }) => {
    seen.push(fields.text);
    if (fields.text === "fail") throw new Error("no");
    return { fields: { text: "x" } };
  });
  const peer = await connect(server);
  for (const text of ["ok", "fail"]) peer.send(echoRequest(1, text, { flag: FLAG_ONEWAY }));
  peer.send(request(8888, 2, { flag: FLAG_ONEWAY }));
  peer.send(echoRequest(3, "last"));
  expect((await peer.take(1))[0]!.opaque).toBe(3);
  expect(seen).toEqual(["ok", "fail", "last"]);
});

test("asynchronous answers go out as they are made, and nothing means that none is", async () => {
  const server = await open();
  const waiting: (() => void)[] = [];
  server.handle(echo, ({ fields, command }, connection) => {
    if (fields.text === "held") {
      waiting.push(() => connection.send(answerTo(command, echo, { fields: { text: "freed" } })));
      return undefined;
    }
    if (fields.text === "quick") return { fields: { text: "quick" } };
    return new Promise((resolve) => waiting.push(() => resolve({ fields: { text: "slow" } })));
  });
  const peer = await connect(server);
  ["slow", "held", "quick"].forEach((text, n) => peer.send(echoRequest(n, text)));
  expect((await peer.take(1))[0]!.opaque).toBe(2);
  waiting[1]!();
  expect((await peer.take(1))[0]!.opaque).toBe(1);
  waiting[0]!();
  expect((await peer.take(1))[0]!.opaque).toBe(0);
});

test("more asynchronous requests than the limit are answered as overload", async () => {
  const server = await open({ limits: { asyncRequestsMax: 2 } });
  const finish: (() => void)[] = [];
  server.handle(
    echo,
    () => new Promise((resolve) => finish.push(() => resolve({ fields: { text: "done" } }))),
  );
  const peer = await connect(server);
  for (let n = 0; n < 3; n++) peer.send(echoRequest(n, "x"));
  expect(await peer.take(1)).toMatchObject([
    { opaque: 2, code: 2, remark: "[OVERLOAD]system busy, start flow control for a while" },
  ]);
  for (const each of finish) each();
  await peer.take(2);
  peer.send(echoRequest(3, "x"));
  while (finish.length < 3) await systemClock.sleep(1);
  finish[2]!();
  expect((await peer.take(1))[0]).toMatchObject({ opaque: 3, code: 0 });
});

test("a raw handler answers in place, or hands the frame on to the typed one", async () => {
  const server = await open();
  server.handle(echo, () => ({ fields: { text: "typed" } }));
  server.handleRaw(105, (frame, connection) => {
    if (frame.end > frame.bodyStart) return server.fallThrough(frame, connection);
    const bytes = encodeFrame(answerTo(decodeFrame(frame), echo, { fields: { text: "raw" } }));
    const { buffer, start } = connection.reserve(bytes.length);
    bytes.copy(buffer, start);
    connection.commit(bytes.length);
  });
  const peer = await connect(server);
  peer.send(echoRequest(1, "a"));
  peer.send(echoRequest(2, "a", { body: Buffer.from("x") }));
  const answers = await peer.take(2);
  expect(answers.map((answer) => answer.extFields.get("text"))).toEqual(["raw", "typed"]);
});

test("a raw handler that throws is answered like any other", async () => {
  const server = await open();
  server.handleRaw(105, () => {
    throw new RequestError(14, "not now");
  });
  const peer = await connect(server);
  peer.send(echoRequest(1, "a"));
  expect(await peer.take(1)).toMatchObject([{ code: 14, remark: "not now", opaque: 1 }]);
});

test("a port refuses the codes that it excludes, raw ones too; others serve them", async () => {
  const excludes = (code: number) => code === 105 || code === 11;
  const server = await open({ ports: [0, { port: 0, excludes }] });
  server.handle(echo, () => ({ fields: { text: "x" } }));
  server.handleRaw(11, (_frame, connection) => connection.close("raw"));
  const [open_, fast] = [await connect(server, 0), await connect(server, 1)];
  fast.send(echoRequest(1, "a"));
  fast.send(request(11, 2));
  expect(await fast.take(2)).toMatchObject([
    { code: 3, remark: " request type 105 not supported" },
    { code: 3, remark: " request type 11 not supported" },
  ]);
  open_.send(echoRequest(3, "a"));
  expect((await open_.take(1))[0]!.code).toBe(0);
});

test("hooks see requests and answers, and may refuse", async () => {
  const seen: string[] = [];
  const server = await open({
    hooks: [{
      before(command) {
        seen.push(`before ${command.code}`);
        if (command.extFields.get("text") === "forbidden") throw new RequestError(16, "no");
      },
      after: (command, answer) => {
        seen.push(`after ${command.code}`);
        answer.extFields.set("signed", "yes");
      },
    }],
  });
  server.handle(echo, () => ({ fields: { text: "x" } }));
  server.handleRaw(310, () => void seen.push("raw"));
  const peer = await connect(server);
  peer.send(request(310, 0));
  peer.send(echoRequest(1, "a"));
  peer.send(echoRequest(2, "forbidden"));
  const [answer, refusal] = await peer.take(2);
  expect(answer!.extFields.get("signed")).toBe("yes");
  expect(refusal).toMatchObject({ code: 16, remark: "no" });
  expect(seen).toEqual([
    "before 310",
    "raw",
    "before 105",
    "after 105",
    "before 105",
    "after 105",
  ]);
});

/** The server's side of a new connection. */
async function accepted(server: RemotingServer, peer: Peer): Promise<Connection> {
  const find = () =>
    [...server.connections].find((each) => each.remoteHost.port === peer.socket.localPort);
  while (!find()) await systemClock.sleep(1);
  return find()!;
}

test("answers to the server's own requests find who waits; late and unknown ones are dropped", async () => {
  const server = await open();
  // A response code may equal a request code that has a raw handler.
  server.handleRaw(10, (_frame, connection) => connection.close("taken for a request"));
  const peer = await connect(server);
  const connection = await accepted(server, peer);
  const calls = [1, 2].map(() => server.invoke(connection, request(220, 0), 5_000));
  const asked = await peer.take(2);
  expect(asked[0]!.opaque).not.toBe(asked[1]!.opaque);
  for (const { opaque } of asked.reverse()) {
    peer.send(request(10, opaque, { flag: FLAG_RESPONSE, remark: `to ${opaque}` }));
  }
  const answers = await Promise.all(calls);
  expect(answers.map(({ remark }) => remark)).toEqual(
    asked.reverse().map(({ opaque }) => `to ${opaque}`),
  );
  peer.send(request(0, 77, { flag: FLAG_RESPONSE }));
  while (!entries.some(({ fields }) => fields?.opaque === 77)) await systemClock.sleep(1);
  expect(connection.closed).toBe(false);
});

test("the server's own requests end by time-out and by the connection's end", async () => {
  const server = await open();
  const peer = await connect(server);
  const connection = await accepted(server, peer);
  const late = await server.invoke(connection, request(220, 0), 5).catch((error) => error);
  expect(late).toMatchObject({ name: "RemotingError", code: "timeout" });
  const call = server.invoke(connection, request(220, 0), 60_000).catch((error) => error);
  await peer.take(2);
  peer.socket.destroy();
  expect(await call).toMatchObject({ code: "closed", address: connection.remoteAddress });
  const after = await server.invoke(connection, request(220, 0), 5).catch((error) => error);
  expect(after.code).toBe("closed");
});

test("oneway requests of the server carry the flag", async () => {
  const server = await open();
  const peer = await connect(server);
  server.oneway(await accepted(server, peer), request(40, 0));
  expect(await peer.take(1)).toMatchObject([{ code: 40, flag: FLAG_ONEWAY }]);
});

test("undecodable bytes close the connection and a log line names peer and reason", async () => {
  const server = await open();
  const closed: string[] = [];
  server.onConnectionClosed((connection, reason) => closed.push(connection.remoteAddress + reason));
  const peer = await connect(server);
  const name = `127.0.0.1:${peer.socket.localPort}`;
  const broken = encodeFrame(echoRequest(1, "a"));
  broken.fill(0xff, 8, 20);
  peer.sendBytes(broken);
  await peer.until(({ closed }) => closed);
  const line = entries.find(({ text }) => text === "connection closed")!;
  expect(line.fields!.peer).toBe(name);
  expect(String(line.fields!.reason)).toStartWith("undecodable bytes: ");
  expect(closed).toEqual([name + String(line.fields!.reason)]);
  expect(server.connectionCount).toBe(0);
});

test("connections that say nothing are closed, talking ones stay", async () => {
  const timers: { delayMs: number; callback: () => void }[] = [];
  const clock: Clock = {
    ...systemClock,
    after(delayMs, callback) {
      timers.push({ delayMs, callback });
      return { cancel: () => {} };
    },
  };
  const server = await open({ clock });
  server.handle(echo, () => ({ fields: { text: "x" } }));
  const [quiet, talking] = [await connect(server), await connect(server)];
  await accepted(server, quiet);
  await accepted(server, talking);
  let passedMs = 0;
  while (!quiet.closed) {
    talking.send(echoRequest(1, "a"));
    await talking.take(1);
    const timer = timers.shift()!;
    passedMs += timer.delayMs;
    timer.callback();
    await systemClock.sleep(1);
  }
  expect(passedMs).toBeGreaterThanOrEqual(120_000);
  expect(passedMs).toBeLessThanOrEqual(140_000);
  expect(server.connectionCount).toBe(1);
});

test("more connections than the limit are closed at once", async () => {
  const server = await open({ limits: { connectionsMax: 1 } });
  server.handle(echo, () => ({ fields: { text: "x" } }));
  const first = await connect(server);
  await accepted(server, first);
  const second = await connect(server);
  await second.until(({ closed }) => closed);
  first.send(echoRequest(1, "a"));
  expect((await first.take(1)).length).toBe(1);
});

test("a held server answers what came before it served", async () => {
  const server = await open({ hold: true });
  const peer = await connect(server);
  peer.send(echoRequest(1, "early"));
  await accepted(server, peer);
  server.handle(echo, () => ({ fields: { text: "x" } }));
  server.serve();
  expect(await peer.take(1)).toMatchObject([{ code: 0, opaque: 1 }]);
});

test("stopping sends the answers that are due, refuses new requests, then closes", async () => {
  const server = await open();
  let finish!: () => void;
  server.handle(
    echo,
    () => new Promise((resolve) => finish = () => resolve({ fields: { text: "x" } })),
  );
  const peer = await connect(server);
  peer.send(echoRequest(1, "a"));
  while (finish === undefined) await systemClock.sleep(1);
  const stopped = server[Symbol.asyncDispose]();
  peer.send(echoRequest(2, "a"));
  peer.send(echoRequest(3, "a", { version: 453 }));
  expect(await peer.take(2)).toMatchObject([
    { opaque: 2, code: 1500, remark: "please go away" },
    { opaque: 3, code: 14 },
  ]);
  const { port } = server.addresses[0]!;
  const refused = await connect(server).catch((error) => error);
  expect(refused).toMatchObject({ code: "refused", address: `127.0.0.1:${port}` });
  finish();
  expect(await peer.take(1)).toMatchObject([{ opaque: 1, code: 0 }]);
  await stopped;
  await peer.until(({ closed }) => closed);
});

test("opening fails as a whole when one port is taken", async () => {
  const first = await open();
  const taken = first.addresses[0]!.port;
  const error = await open({ ports: [0, taken] }).catch((reason) => reason);
  expect(error).toMatchObject({ code: "address_in_use", address: `127.0.0.1:${taken}` });
});

test("a first-bytes hook may name the peer's true address and leave its bytes out", async () => {
  const server = await open({
    firstBytes(bytes) {
      const end = bytes.indexOf("\n");
      if (end < 0) return { kind: "more" };
      const [address, port] = bytes.toString("latin1", 0, end).split(" ");
      if (address === "evil") return { kind: "refuse", reason: "it is evil" };
      return {
        kind: "plain",
        consumed: end + 1,
        remote: { address: address!, port: Number(port) },
      };
    },
  });
  server.handle(echo, (_request, { remoteAddress }) => ({ fields: { text: remoteAddress } }));
  const peer = await connect(server);
  peer.sendBytes(Buffer.from("198.51.100.9 "));
  await systemClock.sleep(5);
  peer.sendBytes(Buffer.concat([Buffer.from("4711\n"), encodeFrame(echoRequest(1, "a"))]));
  expect((await peer.take(1))[0]!.extFields.get("text")).toBe("198.51.100.9:4711");
  const evil = await connect(server);
  evil.sendBytes(Buffer.from("evil 1\n"));
  await evil.until(({ closed }) => closed);
});

/** A layer that flips every bit, as TLS would encrypt. */
class Flipped implements TransportSocket, SocketHandlers {
  handlers!: SocketHandlers;
  readonly writeCopies = true;

  constructor(private readonly raw: TransportSocket) {}

  get remoteAddress() {
    return this.raw.remoteAddress;
  }
  get remotePort() {
    return this.raw.remotePort;
  }
  get localPort() {
    return this.raw.localPort;
  }
  write(bytes: Uint8Array, start: number, end: number): number {
    return this.raw.write(Buffer.from(bytes.subarray(start, end)).map((b) => ~b), 0, end - start);
  }
  pause = () => this.raw.pause();
  resume = () => this.raw.resume();
  destroy = () => this.raw.destroy();
  data = (bytes: Buffer) => this.handlers.data(Buffer.from(bytes.map((b) => ~b)));
  drain = () => this.handlers.drain();
  end(): void {
    this.raw.end();
  }
  disconnected = (error: Error | null) => this.handlers.disconnected(error);
}

test("a first-bytes hook may put a layer between the socket and the frames", async () => {
  const server = await open({
    firstBytes: (bytes) =>
      bytes[0] === 0 ? { kind: "plain", consumed: 0 } : {
        kind: "wrap",
        wrap(raw, first) {
          const layer = new Flipped(raw);
          raw.handlers = layer;
          queueMicrotask(() => layer.data(first));
          return layer;
        },
      },
  });
  server.handle(echo, ({ fields }) => ({ fields }));
  const peer = await connect(server);
  const frame = encodeFrame(echoRequest(1, "under cover"));
  peer.sendBytes(frame.map((b) => ~b));
  const received: Buffer[] = [];
  const answered = new Promise<void>((resolve) => {
    peer.data = (bytes) => {
      received.push(bytes);
      resolve();
    };
  });
  await answered;
  const decoder = new FrameDecoder();
  decoder.push(Buffer.from(Buffer.concat(received).map((b) => ~b)));
  expect(decodeFrame(decoder.next()!).extFields.get("text")).toBe("under cover");
});

test("a slow reader of large answers costs no memory and loses nothing", async () => {
  const server = await open();
  const body = Buffer.alloc(256 * 1024, 7);
  let unsentBytesMax = 0;
  server.handle(echo, (_request, connection) => {
    unsentBytesMax = Math.max(unsentBytesMax, connection.unsentBytes);
    return { fields: { text: "x" }, body };
  });
  const peer = await connect(server);
  peer.socket.pause();
  for (let n = 0; n < 200; n++) peer.send(echoRequest(n, "a"));
  const connection = await accepted(server, peer);
  while (connection.unsentBytes < 4 * 1024 * 1024) await systemClock.sleep(1);
  peer.socket.resume();
  const answers = await peer.take(200);
  expect(answers.map(({ opaque }) => opaque)).toEqual([...Array(200).keys()]);
  expect(answers.every((answer) => body.equals(answer.body))).toBe(true);
  expect(unsentBytesMax).toBeLessThanOrEqual(5 * 1024 * 1024);
});

test("a client and a server talk over 200 connections at once", async () => {
  const server = await open();
  server.handle(echo, ({ fields }) => ({ fields: { text: fields.text } }));
  const clients = Array.from(
    { length: 200 },
    () => new RemotingClient({ transport, clock: systemClock, log }),
  );
  stack.push(...clients);
  const { port } = server.addresses[0]!;
  const answers = await Promise.all(
    clients.map((client, n) => client.call(echo, `127.0.0.1:${port}`, { text: `${n}` })),
  );
  expect(answers.map(({ fields }) => fields.text)).toEqual(clients.map((_, n) => `${n}`));
});

test("a connection whose first bytes never make sense or never come is closed", async () => {
  const timers: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    after(_delayMs, callback) {
      timers.push(callback);
      return { cancel: () => {} };
    },
  };
  const server = await open({ clock, firstBytes: () => ({ kind: "more" }) });
  const chatty = await connect(server);
  chatty.sendBytes(Buffer.alloc(5_000));
  await chatty.until(({ closed }) => closed);
  const silent = await connect(server);
  while (timers.length < 3) await systemClock.sleep(1);
  for (const each of timers) each();
  await silent.until(({ closed }) => closed);
  const reasons = entries.filter(({ text }) => text === "connection refused")
    .map(({ fields }) => fields!.reason);
  expect(reasons).toContain("its first bytes make no sense");
  expect(reasons).toContain("its first bytes never came");
});
