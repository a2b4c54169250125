// A process queue against a naive one over random histories: counts, limits, and the offset below
// which all is done.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { MessageQueue } from "./message.ts";
import { ProcessQueue, type QueuedMessage } from "./process_queue.ts";
import type { ReceivedMessage } from "./received_message.ts";

const queue: MessageQueue = { topic: "T", brokerName: "b", queueId: 0 };

/** As much of a message as the queue looks at. */
function message(queueOffset: number, storedBytes = 1): ReceivedMessage {
  return { queueOffset, storedBytes } as ReceivedMessage;
}

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("put" as const),
      gap: fc.nat(5),
      count: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({ kind: fc.constant("finish" as const), at: fc.nat(1000) }),
  ),
  { maxLength: 200 },
);

test("whatever is put and finished in whatever order, it agrees with a plain list", () => {
  fc.assert(fc.property(steps, (history) => {
    const processQueue = new ProcessQueue(queue);
    let open: QueuedMessage[] = [];
    let next = 0;
    for (const step of history) {
      if (step.kind === "put") {
        const from = next + step.gap;
        const messages = Array.from({ length: step.count }, (_, index) => message(from + index, 3));
        open.push(...processQueue.put(messages));
        next = from + step.count;
      } else if (open.length > 0) {
        const entry = open[step.at % open.length]!;
        expect(processQueue.finish(entry)).toBe(true);
        expect(processQueue.finish(entry)).toBe(false);
        open = open.filter((each) => each !== entry);
      }
      const offsets = open.map((entry) => entry.message.queueOffset);
      expect(processQueue.count).toBe(open.length);
      expect(processQueue.bytes).toBe(open.length * 3);
      expect(processQueue.unfinished()).toEqual(open);
      expect(processQueue.finishedOffset).toBe(offsets[0] ?? (next === 0 ? -1 : next));
      expect(processQueue.span).toBe(open.length === 0 ? 0 : next - 1 - offsets[0]!);
    }
  }));
});

test("messages that came before are left out", () => {
  const processQueue = new ProcessQueue(queue);
  processQueue.put([message(0), message(1)]);
  const added = processQueue.put([message(1), message(2)]);
  expect(added.map((entry) => entry.message.queueOffset)).toEqual([2]);
});

test("each limit is named when it is passed, and not before", () => {
  const limits = { queueMessagesMax: 2, queueBytesMax: 100, queueSpanMax: 10 };
  const filled = (...messages: ReceivedMessage[]) => {
    const processQueue = new ProcessQueue(queue);
    processQueue.put(messages);
    return processQueue.limitReached(limits);
  };
  expect(filled(message(0), message(1))).toBeNull();
  expect(filled(message(0), message(1), message(2))).toBe("count");
  expect(filled(message(0, 100))).toBeNull();
  expect(filled(message(0, 101))).toBe("size");
  expect(filled(message(0), message(10))).toBeNull();
  expect(filled(message(0), message(11))).toBe("span");
});

test("only messages whose listener was called long ago are overdue", () => {
  const processQueue = new ProcessQueue(queue);
  const [early, late, waiting] = processQueue.put([message(0), message(1), message(2)]);
  early!.startedMs = 5;
  late!.startedMs = 15;
  waiting!.startedMs = 0;
  expect(processQueue.startedBefore(10)).toEqual([early!]);
});
