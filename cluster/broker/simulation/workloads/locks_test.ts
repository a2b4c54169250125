// Proof that the model of queue locks sees what a broker could do wrong with them: tables of locks with one bug each.
import { expect, test } from "bun:test";
import { silentLogger } from "../../../../core/log.ts";
import { VirtualClock } from "../../../../core/time/virtual_clock.ts";
import { QueueLocks } from "../../locks/queue_locks.ts";
import { memoryTableFile } from "../../table_file.ts";
import { LockModel } from "./locks.ts";

const MINUTE_MS = 60_000;
const queue = { topic: "T", brokerName: "b", queueId: 0 };

/** Two clients of a table of locks whose clock goes as it should or doesn't; what the model says of each answer. */
class Clients {
  readonly clock = new VirtualClock();
  private readonly model = new LockModel(0);
  private readonly locks: QueueLocks;

  constructor(monotonicMs: (clock: VirtualClock) => number = (clock) => clock.monotonicMs()) {
    const clock = Object.assign(new VirtualClock(), { monotonicMs: () => monotonicMs(this.clock) });
    this.locks = new QueueLocks({ clock, log: silentLogger, file: memoryTableFile() });
  }

  lock(client: string, group = "G"): string | null {
    const nowMs = this.clock.monotonicMs();
    const isGranted = this.locks.lock(group, client, [queue]).length > 0;
    return this.model.answered(client, isGranted, { fromMs: nowMs, toMs: nowMs });
  }

  unlock(client: string, isHeard = true): void {
    if (isHeard) this.locks.unlock("G", client, [queue]);
    this.model.returned(client);
  }
}

test("a lock that is taken, renewed, given back and taken after a minute is as it should be", async () => {
  const clients = new Clients();
  expect(clients.lock("a")).toBeNull();
  await clients.clock.advance(MINUTE_MS - 1);
  expect(clients.lock("a")).toBeNull();
  await clients.clock.advance(MINUTE_MS);
  expect(clients.lock("b")).toBeNull();
  await clients.clock.advance(1);
  expect(clients.lock("b")).toBeNull();
  clients.unlock("b");
  expect(clients.lock("a")).toBeNull();
});

test("locks that never expire are noticed", async () => {
  const clients = new Clients(() => 0);
  expect(clients.lock("a")).toBeNull();
  await clients.clock.advance(MINUTE_MS + 1);
  expect(clients.lock("b")).toBe("queue 0 was refused to b at 60001 and held by a (0…0)");
});

test("locks that expire too soon are noticed", async () => {
  const clients = new Clients((clock) => 2 * clock.monotonicMs());
  expect(clients.lock("a")).toBeNull();
  await clients.clock.advance(MINUTE_MS / 2 + 1);
  expect(clients.lock("b")).toBe("queue 0 was given to b at 30001 and held by a (0…0)");
});

test("a lock that a second client is given is noticed", () => {
  const clients = new Clients();
  expect(clients.lock("a")).toBeNull();
  expect(clients.lock("b", "another group")).toBe(
    "queue 0 was given to b at 0 and held by a (0…0)",
  );
});

test("a lock that stays when it is given back is noticed", () => {
  const clients = new Clients();
  expect(clients.lock("a")).toBeNull();
  clients.unlock("a", false);
  expect(clients.lock("b")).toBe("queue 0 was refused to b at 0 and held by nobody");
});

test("a holder whose time was up before it came again may be nobody's after a start, unless that was saved", () => {
  for (const isSaved of [false, true]) {
    const model = new LockModel(0);
    const at = (nowMs: number) => ({ fromMs: nowMs, toMs: nowMs });
    expect(model.answered("a", true, at(0))).toBeNull();
    model.settled();
    expect(model.answered("a", true, at(MINUTE_MS + 1))).toBeNull();
    if (isSaved) model.settled();
    model.begin(0);
    const problem = model.answered("b", true, at(0));
    expect(problem).toBe(
      isSaved ? "queue 0 was given to b at 0 and held by a (-30000…-30000)" : null,
    );
  }
});
