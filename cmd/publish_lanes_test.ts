// Which lines share a request, in which order requests go, and whom a failure is blamed on.
import { expect, test } from "bun:test";
import { ClientError } from "../core/client/client_error.ts";
import type { Message, MessageQueue } from "../core/client/message.ts";
import { type LaneLine, PublishLanes } from "./publish_lanes.ts";

const queue: MessageQueue = { topic: "T", brokerName: "b", queueId: 1 };
const message = (body: string, more: Partial<Message> = {}): Message => ({
  topic: "T",
  body,
  ...more,
});

/** Lanes whose requests are noted; each is answered when its time comes. */
function noted(refuse: (body: string) => boolean = () => false) {
  const requests: string[] = [];
  const waiting = new Map<number, (failed: boolean) => void>();
  const settle = (lines: readonly LaneLine[], failed: boolean) => {
    for (const line of lines) waiting.get(line.number)!(failed);
  };
  const lanes = new PublishLanes({
    send: async (to, messages) => {
      requests.push(
        `${to === null ? "any" : to.queueId}: ${messages.map(({ body }) => body).join()}`,
      );
      if (messages.some(({ body }) => refuse(String(body)))) {
        throw new ClientError("invalid_message", "the body is bad");
      }
      await Promise.resolve();
      return "ok";
    },
    stored: (lines) => settle(lines, false),
    failed: (lines) => settle(lines, true),
  });
  /** Resolves with whether it failed. */
  const put = (to: MessageQueue | null, message: Message) =>
    new Promise<boolean>((resolve) => {
      const number = waiting.size;
      waiting.set(number, resolve);
      lanes.put(to, { message, number });
    });
  return { put, requests };
}

test("lines for any queue that come in one turn share a request, up to its size", async () => {
  const { put, requests } = noted();
  await Promise.all(["a", "b", "c"].map((body) => put(null, message(body))));
  await put(null, message("d"));
  expect(requests).toEqual(["any: a,b,c", "any: d"]);
  const many = Array.from({ length: 65 }, (_, n) => put(null, message(`${n}`)));
  await Promise.all(many);
  expect(requests.slice(2).map((line) => line.split(",").length)).toEqual([64, 1]);
});

test("delayed and large lines go by themselves", async () => {
  const { put, requests } = noted();
  const large = "x".repeat(4096);
  const lines = [message("a"), message("d", { delayLevel: 1 }), message(large), message("b")];
  await Promise.all(lines.map((line) => put(null, line)));
  expect(requests).toEqual(["any: d", `any: ${large}`, "any: a,b"]);
});

test("a queue has one request on its way; what comes meanwhile goes with the next", async () => {
  const { put, requests } = noted();
  await Promise.all(["a", "b", "c"].map((body) => put(queue, message(body))));
  expect(requests).toEqual(["1: a", "1: b,c"]);
});

test("a line that can't be sent is found among those that were to go with it", async () => {
  const { put, requests } = noted((body) => body === "bad");
  const puts = ["a", "bad", "c"].map((body) => put(null, message(body)));
  expect(await Promise.all(puts)).toEqual([false, true, false]);
  expect(requests).toEqual(["any: a,bad,c", "any: a", "any: bad", "any: c"]);
});
