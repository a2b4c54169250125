// Routes as name servers of both ages write them, and the queues that follow.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { ClientError } from "./client_error.ts";
import { autoCreateRoute, parseRoute, publishQueues, sameRoute, subscribeQueues } from "./route.ts";

const STANDARD = `{"brokerDatas":[{"brokerAddrs":{"0":"h:1","1":"h:2"},"brokerName":"b",
"cluster":"c","enableActingMaster":false},{"brokerAddrs":{"1":"h:3"},"brokerName":"a","cluster":"c"}],
"filterServerTable":{},"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":3,"topicSysFlag":0,
"writeQueueNums":2},{"brokerName":"a","perm":6,"readQueueNums":1,"writeQueueNums":1}]}`;
/** fastjson 1 leaves whole numbers bare as keys. */
const BARE = STANDARD.replaceAll('{"0":', "{0:").replaceAll('"1":', "1:");

function ids(queues: readonly { brokerName: string; queueId: number }[]): string[] {
  return queues.map(({ brokerName, queueId }) => `${brokerName}${queueId}`);
}

test("standard and bare keys give the same route", () => {
  const route = parseRoute(Buffer.from(STANDARD));
  expect(route).toEqual(parseRoute(Buffer.from(BARE)));
  expect(route.brokers.map(({ brokerName }) => brokerName)).toEqual(["a", "b"]);
  expect(route.brokers[1]!.addresses).toEqual(new Map([[0, "h:1"], [1, "h:2"]]));
});

test("producers get writable queues of brokers with a master, consumers all readable ones", () => {
  const route = parseRoute(Buffer.from(STANDARD));
  expect(ids(publishQueues("T", route))).toEqual(["b0", "b1"]);
  expect(ids(subscribeQueues("T", route))).toEqual(["a0", "b0", "b1", "b2"]);
  const readOnly = parseRoute(Buffer.from(STANDARD.replaceAll('"perm":6', '"perm":4')));
  expect(publishQueues("T", readOnly)).toEqual([]);
  const writeOnly = parseRoute(Buffer.from(STANDARD.replaceAll('"perm":6', '"perm":2')));
  expect(subscribeQueues("T", writeOnly)).toEqual([]);
});

test("an operator's order of queues is kept", () => {
  const text = STANDARD.replace("{", '{"orderTopicConf":"b:2;a:1",');
  expect(ids(publishQueues("T", parseRoute(Buffer.from(text))))).toEqual(["b0", "b1", "a0"]);
});

test("a topic that is created by sending has as many queues as asked, and no more than its model", () => {
  const route = parseRoute(Buffer.from(STANDARD));
  expect(autoCreateRoute(route, 2).queues).toMatchObject([
    { brokerName: "a", readQueues: 1, writeQueues: 1 },
    { brokerName: "b", readQueues: 2, writeQueues: 2 },
  ]);
});

test("routes are the same when only the order of brokers differs", () => {
  const route = parseRoute(Buffer.from(STANDARD));
  expect(sameRoute(route, parseRoute(Buffer.from(BARE)))).toBe(true);
  const moved = parseRoute(Buffer.from(STANDARD.replace("h:1", "h:9")));
  expect(sameRoute(route, moved)).toBe(false);
});

test("a route that can't be read is a typed error", () => {
  for (const text of ["", "[]", "{", '{"queueDatas":3}', '{"brokerDatas":[1]}']) {
    expect(() => parseRoute(Buffer.from(text))).toThrow(ClientError);
  }
});
