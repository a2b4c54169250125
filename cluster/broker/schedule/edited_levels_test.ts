// messageDelayLevel is edited between two runs of a broker: what waits goes by the new delays, in the new number of levels.
import { expect, test } from "bun:test";
import { openTestBroker, send, temporaryFolder, TestPeer } from "../testing.ts";
import { messagesOf, until } from "../transactions/testing.ts";

test("messages that wait at a restart go by the levels as they are edited", async () => {
  await using stack = new AsyncDisposableStack();
  const storePath = temporaryFolder(stack);
  const during = async (messageDelayLevel: string, act: (peer: TestPeer) => Promise<void>) => {
    await using broker = await openTestBroker({ storePath, settings: { messageDelayLevel } });
    using peer = await TestPeer.connect(broker.port);
    await act(peer);
  };
  const bodies = async (peer: TestPeer) =>
    (await messagesOf(peer, "TopicLevels")).map(({ body }) => new TextDecoder().decode(body));

  await during("1h 1h 1h", async (peer) => {
    await send(peer, "TopicLevels", "of level 1", "DELAY\x011\x02");
    await send(peer, "TopicLevels", "of level 3", "DELAY\x013\x02");
    expect(await bodies(peer)).toEqual([]);
  });
  // The first level is shortened, and the third isn't any more: what waits in it stays.
  await during("1s 1h", async (peer) => {
    await until(async () => (await bodies(peer)).length === 1, "the message of the first level");
    expect(await bodies(peer)).toEqual(["of level 1"]);
  });
  await during("1s 1h 1s", async (peer) => {
    await until(async () => (await bodies(peer)).length === 2, "the message of the third level");
    expect(await bodies(peer)).toEqual(["of level 1", "of level 3"]);
  });
  // None comes twice.
  await during("1s 1s 1s", async (peer) => {
    await send(peer, "TopicLevels", "of the last level", "DELAY\x019\x02");
    await until(async () => (await bodies(peer)).length === 3, "a message beyond the last level");
    expect(await bodies(peer)).toEqual(["of level 1", "of level 3", "of the last level"]);
  });
});
