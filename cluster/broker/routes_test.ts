import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { GET_ROUTEINFO_BY_TOPIC } from "../../core/remoting/codes/namesrv.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../core/remoting/codes/topics.ts";
import { openNameServer } from "../namesrv/testing.ts";
import { call, openTestBroker, send, TestPeer } from "./testing.ts";

let stack: AsyncDisposableStack;

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(async () => {
  await stack.disposeAsync();
});

async function open(settings: Record<string, string | boolean>): Promise<TestPeer> {
  const { port } = stack.use(await openTestBroker({ settings }));
  return stack.use(await TestPeer.connect(port));
}

describe("a broker with name servers", () => {
  async function routeCode(port: number, topic: string): Promise<number> {
    using peer = await TestPeer.connect(port);
    return (await call(peer, GET_ROUTEINFO_BY_TOPIC, { topic })).code;
  }

  test("a topic that a send made is known there before the send is answered, a dead one in the list or not", async () => {
    const nameServer = stack.use(await openNameServer());
    const { port } = nameServer.addresses[0]!;
    const namesrvAddr = `127.0.0.1:1;127.0.0.1:${port}`;
    const peer = await open({ namesrvAddr });
    expect(await routeCode(port, "BenchmarkTest")).toBe(0);
    expect((await send(peer, "Fresh", "body")).code).toBe(0);
    expect(await routeCode(port, "Fresh")).toBe(0);
    const created = await call(peer, UPDATE_AND_CREATE_TOPIC, {
      topic: "Made",
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
      topicFilterType: "SINGLE_TAG",
    });
    expect(created.code).toBe(0);
    expect(await routeCode(port, "Made")).toBe(0);
  });

  test.each([false, true])(
    "registrations are understood with compressedRegister=%p",
    async (compressedRegister) => {
      const nameServer = stack.use(await openNameServer());
      const { port } = nameServer.addresses[0]!;
      await open({ namesrvAddr: `127.0.0.1:${port}`, compressedRegister });
      expect(await routeCode(port, "FixtureCluster")).toBe(0);
    },
  );

  test("a broker that stops is out of the routes", async () => {
    const nameServer = stack.use(await openNameServer());
    const { port } = nameServer.addresses[0]!;
    {
      await using _ = await openTestBroker({ settings: { namesrvAddr: `127.0.0.1:${port}` } });
      expect(await routeCode(port, "BenchmarkTest")).toBe(0);
    }
    expect(await routeCode(port, "BenchmarkTest")).toBe(17);
  });
});
