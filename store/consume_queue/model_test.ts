// Queues against a naive model: whatever is appended, cut, expired, written late, crashed or reopened, in any order.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { ConsumeQueues } from "./consume_queues.ts";
import type { LogProbe, StoredQueue } from "./stored_queue.ts";
import { entriesOf, type Entry, testStore } from "./test_store.ts";

const QUEUES = [["a", 0], ["a", 1], ["b", 0]] as const;
const SIZE = 100;

type Step =
  | { do: "append"; queue: number; count: number }
  | { do: "truncate"; share: number }
  | { do: "expire"; share: number }
  | { do: "wait"; ms: number }
  | { do: "sync" }
  | { do: "reopen" }
  | { do: "kill" }
  | { do: "cut power" }
  | { do: "delete"; topic: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      queue: fc.nat(2),
      count: fc.integer({ min: 1, max: 90 }),
    }),
  },
  fc.record({
    do: fc.constant("truncate" as const),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({
    do: fc.constant("expire" as const),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 6, 3000) }),
  fc.constant({ do: "sync" as const }),
  fc.constant({ do: "reopen" as const }),
  fc.constant({ do: "kill" as const }),
  fc.constant({ do: "cut power" as const }),
  fc.record({ do: fc.constant("delete" as const), topic: fc.constantFrom("a", "b") }),
);

/** Whose record it is when its topic was deleted. */
const DELETED = -1;

/** The log as the model sees it: who owns each record. Record n is at n × SIZE. */
interface Owner {
  queue: number;
  offset: number;
}

class Model {
  readonly store = testStore(1, { fileBytes: 400, descriptorsMax: 2 });
  log: Owner[] = [];
  minRecord = 0;
  /** Records before this one are synced in the queues. */
  syncedRecords = 0;
  next = [0, 0, 0];
  queues!: ConsumeQueues;

  get probe(): LogProbe {
    return {
      minPhysicalOffset: this.minRecord * SIZE,
      maxPhysicalOffset: this.log.length * SIZE,
      holds: (physicalOffset, size, topic, queueId, queueOffset) => {
        const owner = this.log[physicalOffset / SIZE];
        if (owner === undefined || owner.queue === DELETED) return false;
        const [ownerTopic, ownerId] = QUEUES[owner.queue]!;
        return size === SIZE && topic === ownerTopic && queueId === ownerId &&
          queueOffset === owner.offset;
      },
    };
  }

  async open(foreseen?: { replayFrom: number }): Promise<void> {
    this.queues = await ConsumeQueues.open({ ...this.store.options, ...foreseen });
  }

  enter(from: number): void {
    for (let record = from; record < this.log.length; record++) {
      const { queue, offset } = this.log[record]!;
      if (queue === DELETED) continue;
      this.handle(queue).append(offset, record * SIZE, SIZE, tagOf(record), 0, 1);
    }
  }

  handle(queue: number): StoredQueue {
    const [topic, queueId] = QUEUES[queue]!;
    return this.queues.findOrCreate(topic, queueId, "simple");
  }

  append(queue: number, count: number): void {
    for (let i = 0; i < count; i++) {
      expect(this.handle(queue).nextOffset).toBe(this.next[queue]!);
      this.log.push({ queue, offset: this.next[queue]!++ });
      this.enter(this.log.length - 1);
    }
  }

  truncate(share: number): void {
    const kept = Math.max(this.minRecord, Math.floor(this.log.length * share));
    this.queues.truncate(kept * SIZE);
    this.log.length = kept;
    this.syncedRecords = Math.min(this.syncedRecords, kept);
    this.renumber();
  }

  /** Where each queue goes on after the log lost its end: behind its last entry, blanks and files included. */
  renumber(): void {
    this.next = QUEUES.map((_, queue) => this.handle(queue).nextOffset);
    for (const { queue, offset } of this.log) {
      if (queue !== DELETED) expect(this.next[queue]!).toBeGreaterThan(offset);
    }
  }

  /** The process died: the log is whole, queues are made good from the last sync on. */
  async crash(kind: "process" | "power"): Promise<void> {
    this.store.disk.crash(kind);
    // The dead process' timers never fire.
    this.store.clock = this.store.options.clock = new VirtualClock();
    const firstRecord = Math.max(this.minRecord, kind === "power" ? this.syncedRecords : 0);
    const replayFrom = firstRecord * SIZE;
    this.syncedRecords = firstRecord;
    // A checkpoint says so before the queues are loaded, or nothing does.
    if (this.log.length % 2 === 0) {
      await this.open({ replayFrom });
      this.queues.recover(this.probe, replayFrom);
      this.enter(firstRecord);
      this.queues.truncate(this.log.length * SIZE);
    } else {
      await this.open();
      this.queues.truncate(replayFrom);
      this.queues.recover(this.probe);
      this.enter(firstRecord);
    }
    this.renumber();
  }

  entries(queue: number): Entry[] {
    return this.log.flatMap((owner, record) =>
      owner.queue === queue && record >= this.minRecord
        ? [[record * SIZE, SIZE, tagOf(record)] as Entry]
        : []
    );
  }

  check(): void {
    QUEUES.forEach((_, queue) => {
      const entries = this.entries(queue);
      const handle = this.handle(queue);
      expect(handle.maxOffset).toBe(this.next[queue]!);
      expect(entriesOf(handle)).toEqual(entries);
      const first = this.log.findIndex((owner, record) =>
        owner.queue === queue && record >= this.minRecord
      );
      if (first >= 0) expect(handle.minOffset).toBeLessThanOrEqual(this.log[first]!.offset);
      const confirmed = entries.slice(0, entries.length >> 1);
      const confirmOffset = confirmed.length === 0 ? 0 : confirmed.at(-1)![0] + SIZE;
      expect(entriesOf(handle, confirmOffset)).toEqual(confirmed);
    });
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "append":
        return this.append(step.queue, step.count);
      case "truncate":
        return this.truncate(step.share);
      case "expire":
        // Retention deletes what is old, so it was synced long ago.
        this.minRecord = Math.max(this.minRecord, Math.floor(this.syncedRecords * step.share));
        return await this.queues.deleteExpired(this.minRecord * SIZE);
      case "wait":
        return await this.store.clock.advance(step.ms);
      case "sync":
        await this.queues.sync();
        this.syncedRecords = this.log.length;
        return;
      case "reopen":
        await this.queues[Symbol.asyncDispose]();
        await this.open();
        return this.queues.recover(this.probe);
      case "kill":
        return await this.crash("process");
      case "cut power":
        return await this.crash("power");
      case "delete":
        return await this.delete(step.topic);
    }
  }

  async delete(topic: string): Promise<void> {
    const deleted = QUEUES.map(([name]) => name === topic);
    await this.queues.deleteTopic(topic);
    this.log = this.log.map((owner) =>
      deleted[owner.queue] ? { queue: DELETED, offset: 0 } : owner
    );
    this.next = this.next.map((next, queue) => deleted[queue] ? 0 : next);
    expect(this.store.disk.listSync(`/store/consumequeue/${topic}`)).toEqual([]);
  }
}

function tagOf(record: number): number {
  return record % 3 === 0 ? -1 - record : record * 4_000_000;
}

test("queues hold what a naive model holds after any sequence of steps", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const model = new Model();
      await model.open();
      for (const each of steps) {
        await model.run(each);
        model.check();
      }
      await model.queues[Symbol.asyncDispose]();
    }),
    { numRuns: 300 },
  );
});
