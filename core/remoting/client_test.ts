import { afterEach, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { createLogger, type LogEntry } from "../log.ts";
import { systemClock } from "../time/system_clock.ts";
import { requestCommand } from "./answers.ts";
import { RemotingClient, type RemotingClientOptions } from "./client.ts";
import { optional, required, row } from "./code_row.ts";
import { SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "./command.ts";
import type { Connection } from "./handler.ts";
import { RemotingServer } from "./server.ts";
import type { TransportListener } from "./transport.ts";
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
  request: { text: required("string"), delayMs: optional("int", "", 0) },
  response: { text: required("string"), code: optional("int") },
  servedBy: [],
  doc: "",
});
const large = row({ ...echo, code: 200151, name: "LARGE" });
const notice = row({ ...echo, code: 40, name: "NOTICE" });

async function serve(port = 0): Promise<{ server: RemotingServer; address: string }> {
  const server = await RemotingServer.open({
    transport,
    clock: systemClock,
    log,
    host: "127.0.0.1",
    ports: [port],
  });
  stack.push(server);
  for (const each of [echo, large]) {
    server.handle(each, async ({ fields, command, body }) => {
      if (fields.delayMs > 0) await systemClock.sleep(fields.delayMs);
      return { fields: { text: fields.text, code: command.serializeType }, body };
    });
  }
  return { server, address: `127.0.0.1:${server.addresses[0]!.port}` };
}

function open(options: Partial<RemotingClientOptions> = {}): RemotingClient {
  const client = new RemotingClient({ transport, clock: systemClock, log, ...options });
  stack.push(client);
  return client;
}

/** A server that takes connections and never answers. */
async function mute(): Promise<{ address: string; connections: () => number }> {
  let connections = 0;
  const listener: TransportListener = await transport.listen(
    { host: "127.0.0.1", port: 0 },
    (socket) => {
      connections++;
      return {
        data() {},
        drain() {},
        end: () => socket.end(),
        disconnected: () => void connections--,
      };
    },
  );
  stack.push({ [Symbol.asyncDispose]: () => listener.close() });
  return { address: `127.0.0.1:${listener.port}`, connections: () => connections };
}

function failure(call: Promise<unknown>): Promise<Error & { code: string }> {
  return call.then(() => expect.unreachable(), (error) => error);
}

test("a typed call gives code, remark, typed fields and body", async () => {
  const { address } = await serve();
  const answer = await open().call(echo, address, { text: "hi" }, Buffer.from("body"));
  expect(answer).toMatchObject({ code: 0, remark: null, fields: { text: "hi" } });
  expect(Buffer.from(answer.body).toString()).toBe("body");
});

test("a refusal is an answer, not an error", async () => {
  const { address } = await serve();
  expect(await open().call(notice, address, { text: "x" })).toMatchObject({
    code: 3,
    remark: " request type 40 not supported",
    fields: {},
  });
});

test("requests have binary headers, or JSON where the code is too large or it is asked for", async () => {
  const { address } = await serve();
  const client = open();
  const kinds = [
    (await client.call(echo, address, { text: "x" })).fields.code,
    (await client.call(large, address, { text: "x" })).fields.code,
    (await open({ serializeType: SERIALIZE_JSON }).call(echo, address, { text: "x" })).fields.code,
  ];
  expect(kinds).toEqual([SERIALIZE_ROCKETMQ, SERIALIZE_JSON, SERIALIZE_JSON]);
});

test("a thousand calls in flight share one connection and each gets its own answer", async () => {
  const { address, server } = await serve();
  const client = open();
  const texts = Array.from({ length: 1_000 }, (_, n) => `${n}`);
  const answers = await Promise.all(
    texts.map((text, n) => client.call(echo, address, { text, delayMs: (n * 7) % 20 })),
  );
  expect(answers.map(({ fields }) => fields.text)).toEqual(texts);
  expect(server.connectionCount).toBe(1);
});

test("calls after a lost connection use a new one", async () => {
  const { address, server } = await serve();
  const client = open();
  const closed: string[] = [];
  client.onConnectionClosed((lost, reason) => closed.push(`${lost} ${reason}`));
  await client.call(echo, address, { text: "1" });
  const waiting = failure(client.call(echo, address, { text: "2", delayMs: 60_000 }));
  while ([...server.connections].length === 0) await systemClock.sleep(1);
  for (const connection of [...server.connections]) connection.close("test");
  expect(await waiting).toMatchObject({ name: "RemotingError", code: "closed", address });
  expect(closed.length).toBe(1);
  expect((await client.call(echo, address, { text: "3" })).fields.text).toBe("3");
});

test("a call to nobody says that the connection failed, and why; later ones try again", async () => {
  const { address, server } = await serve();
  await server[Symbol.asyncDispose]();
  const client = open();
  const calls = [1, 2].map(() => failure(client.call(echo, address, { text: "x" })));
  for (const error of await Promise.all(calls)) {
    expect(error).toMatchObject({
      code: "connect_failed",
      address,
      nothingSent: true,
      cause: { code: "refused" },
    });
  }
  await serve(Number(address.split(":")[1]));
  expect((await client.call(echo, address, { text: "back" })).fields.text).toBe("back");
});

test("a call that isn't answered in time fails, and others on the connection go on", async () => {
  const { address, server } = await serve();
  const client = open();
  const slow = failure(
    client.call(echo, address, { text: "x", delayMs: 200 }, undefined, { timeoutMs: 30 }),
  );
  expect((await client.call(echo, address, { text: "quick" })).fields.text).toBe("quick");
  expect(await slow).toMatchObject({ code: "timeout", nothingSent: false });
  expect((await client.call(echo, address, { text: "y" })).fields.text).toBe("y");
  expect(server.connectionCount).toBe(1);
});

test("a peer that gave no sign of life within a time-out is left", async () => {
  const { address, connections } = await mute();
  const client = open();
  const error = await failure(
    client.call(echo, address, { text: "x" }, undefined, { timeoutMs: 20 }),
  );
  expect(error).toMatchObject({ code: "timeout", message: expect.stringContaining(address) });
  while (connections() > 0) await systemClock.sleep(1);
});

test("an aborted call ends at once", async () => {
  const { address } = await mute();
  const client = open();
  const controller = new AbortController();
  const call = failure(
    client.call(echo, address, { text: "x" }, undefined, { signal: controller.signal }),
  );
  await systemClock.sleep(5);
  controller.abort(new Error("enough"));
  expect(await call).toMatchObject({ code: "aborted", cause: { message: "enough" } });
  const again = failure(
    client.call(echo, address, { text: "x" }, undefined, { signal: controller.signal }),
  );
  expect((await again).code).toBe("aborted");
});

test("an address that is none is refused", async () => {
  expect(await failure(open().call(echo, "nowhere", { text: "x" }))).toMatchObject({
    code: "bad_address",
    message: "nowhere: not host:port",
  });
});

test("too many unsent bytes are refused instead of kept", async () => {
  const listener = await transport.listen({ host: "127.0.0.1", port: 0 }, (socket) => {
    socket.pause();
    return { data() {}, drain() {}, end() {}, disconnected() {} };
  });
  stack.push({ [Symbol.asyncDispose]: () => listener.close() });
  const address = `127.0.0.1:${listener.port}`;
  const client = open();
  const body = Buffer.alloc(4 * 1024 * 1024);
  const errors: string[] = [];
  for (let n = 0; n < 20; n++) {
    void client.call(echo, address, { text: "x" }, body).catch((error) => errors.push(error.code));
    await systemClock.sleep(1);
  }
  expect(errors).toContain("too_many");
});

test("oneway requests arrive, and nothing waits for an answer", async () => {
  const { address, server } = await serve();
  const seen: string[] = [];
  server.handle(notice, ({ fields }) => {
    seen.push(fields.text);
    return {};
  });
  await open().callOneway(notice, address, { text: "by the way" });
  while (seen.length === 0) await systemClock.sleep(1);
  expect(seen).toEqual(["by the way"]);
});

test("requests that the peer sends are served by the client's own handlers", async () => {
  const { address, server } = await serve();
  const client = open();
  client.handle(notice, ({ fields }) => ({ fields: { text: `got ${fields.text}` } }));
  await client.call(echo, address, { text: "hello" });
  const connection: Connection = [...server.connections][0]!;
  const answer = await server.invoke(
    connection,
    requestCommand(40, { extFields: new Map([["text", "it"]]) }),
    5_000,
  );
  expect(answer.extFields.get("text")).toBe("got it");
});

test("hooks see what is sent and answered, and may change it", async () => {
  const { address } = await serve();
  const seen: string[] = [];
  const client = open({
    hooks: [{
      beforeRequest: (to, command) => {
        seen.push(`before ${to === address}`);
        command.extFields.set("text", "signed");
      },
      afterAnswer: (_to, request, answer) => void seen.push(`after ${request.code} ${answer.code}`),
    }],
  });
  expect((await client.call(echo, address, { text: "x" })).fields.text).toBe("signed");
  expect(seen).toEqual(["before true", "after 105 0"]);
});

test("a peer that asks to go away is left for a new connection, and its calls still end", async () => {
  const { address, server } = await serve();
  server.handle(notice, () => ({ code: 1500, remark: "please go away" }));
  const client = open();
  const slow = client.call(echo, address, { text: "slow", delayMs: 50 });
  await systemClock.sleep(5);
  expect((await client.call(notice, address, { text: "x" })).code).toBe(1500);
  await client.call(echo, address, { text: "new" });
  expect(server.connectionCount).toBe(2);
  expect((await slow).fields.text).toBe("slow");
});

test("disposing the client ends its calls and connections", async () => {
  const { address, connections } = await mute();
  const client = open();
  const call = failure(client.call(echo, address, { text: "x" }));
  await systemClock.sleep(5);
  await client[Symbol.asyncDispose]();
  expect(await call).toMatchObject({ code: "closed" });
  while (connections() > 0) await systemClock.sleep(1);
  expect((await failure(client.call(echo, address, { text: "x" }))).code).toBe("closed");
});
