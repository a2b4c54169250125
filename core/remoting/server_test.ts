import { afterEach, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { RequestError } from "../errors.ts";
import { systemClock } from "../time/system_clock.ts";
import { answerTo } from "./answers.ts";
import { decodeFrame, encodeFrame } from "./codec.ts";
import { FLAG_ONEWAY, FLAG_RESPONSE, SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "./command.ts";
import { accepted, echo, echoRequest, request, TestBed } from "./testing_server.ts";

const bed = new TestBed();
const { open, connect, entries } = bed;
afterEach(() => bed.close());

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
  const [full, fast] = [await connect(server, 0), await connect(server, 1)];
  fast.send(echoRequest(1, "a"));
  fast.send(request(11, 2));
  expect(await fast.take(2)).toMatchObject([
    { code: 3, remark: " request type 105 not supported" },
    { code: 3, remark: " request type 11 not supported" },
  ]);
  full.send(echoRequest(3, "a"));
  expect((await full.take(1))[0]!.code).toBe(0);
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
  server.handleRaw(310, (frame, connection) => {
    seen.push("raw");
    server.fallThrough(frame, connection);
  });
  server.handle({ ...echo, code: 310 }, () => undefined);
  const peer = await connect(server);
  peer.send(echoRequest(0, "x", { code: 310 }));
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
