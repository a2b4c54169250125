import { afterEach, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { Clock } from "../time/clock.ts";
import { systemClock } from "../time/system_clock.ts";
import { RemotingClient } from "./client.ts";
import { encodeFrame } from "./codec.ts";
import { accepted, echo, echoRequest, TestBed } from "./testing_server.ts";

const bed = new TestBed();
const { open, connect, entries, stack, log, transport } = bed;
afterEach(() => bed.close());

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

test("large bodies both ways at once don't block each other", async () => {
  const server = await open();
  server.handle(echo, ({ fields, body }) => ({ fields: { text: fields.text }, body }));
  const client = new RemotingClient({ transport, clock: systemClock, log });
  stack.push(client);
  const address = `127.0.0.1:${server.addresses[0]!.port}`;
  for (let round = 0; round < 5; round++) {
    const bodies = Array.from({ length: 10 }, (_, n) => Buffer.alloc(3 * 1024 * 1024, n));
    const answers = await Promise.all(
      bodies.map((body) => client.call(echo, address, { text: "x" }, body, { timeoutMs: 20_000 })),
    );
    answers.forEach(({ body }, n) => expect(bodies[n]!.equals(body)).toBe(true));
  }
});
