// Random histories of transactions against a model: begun, ended once or often, by whichever copy of their half, asked
// about, given up, the broker stopped and killed in between. Nothing rolled back is ever seen, nothing committed is lost
// or seen twice.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { newMemoryDisk } from "../../../store/testing_store.ts";
import { COMMIT, ROLL_BACK, UNKNOWN } from "./testing.ts";
import { GIVEN_UP_TOPIC, type HalfName, World } from "./testing_world.ts";

const ILLEGAL_OPERATION = 604;

interface Transaction {
  key: string;
  /** What its producer says whenever it is sure. */
  verdict: number;
  /** The names of its half that its producer heard of: the first one, and those of questions. */
  halves: HalfName[];
  /** How it was ended: what the first answered end said; null when nothing is known. */
  ended: number | null;
  /** An end's answer was lost by a crash, or a crash may have forgotten a roll back. */
  isUnsure: boolean;
}

type Step =
  | { kind: "begin"; commits: boolean }
  | {
    kind: "end";
    index: number;
    half: number;
    isSure: boolean;
    contradicts: boolean;
    asked: boolean;
  }
  | { kind: "endUnheard"; index: number }
  | { kind: "pass"; ms: number }
  | { kind: "check" }
  | { kind: "save" }
  | { kind: "stop" }
  | { kind: "kill" };

const index = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("begin" as const), commits: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      index,
      half: index,
      isSure: fc.boolean(),
      contradicts: fc.nat(4).map((n) => n === 0),
      asked: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("endUnheard" as const), index }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.constantFrom(1, 500, 3_100, 7_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("check" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("save" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stop" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("kill" as const) }) },
);

class History {
  private readonly clock = new VirtualClock();
  private readonly disk;
  private readonly transactions: Transaction[] = [];
  private world!: World;

  constructor(seed: number) {
    this.disk = newMemoryDisk(seed);
  }

  async open(): Promise<void> {
    this.world = await World.open(this.disk, this.clock);
  }

  async run(given: Step): Promise<void> {
    const { world, clock } = this;
    switch (given.kind) {
      case "begin":
        return await this.begin(given.commits);
      case "end":
        return await this.end(given);
      case "endUnheard": {
        // Killed while the end is under way: nobody hears how it went.
        const transaction = this.pick(given.index);
        if (transaction === null) return;
        const { halves, verdict } = transaction;
        void world.end(halves.at(-1)!, verdict).catch(() => {});
        if (transaction.ended === null) transaction.isUnsure = true;
        return await this.kill();
      }
      case "pass":
        return await clock.advance(given.ms);
      case "check":
        await clock.advance(1);
        await this.check();
        return await this.expectSeen();
      case "save":
        return await world.offsets.saveWhenDirty();
      case "stop":
        await world.close();
        return await this.open();
      case "kill":
        return await this.kill();
    }
  }

  /** Asks until everything is ended or given up. */
  async finish(): Promise<void> {
    for (let round = 0; round < 6; round++) {
      await this.clock.advance(7_000);
      await this.check();
      for (const transaction of this.transactions) {
        if (transaction.ended !== null) continue;
        await this.tell(transaction, transaction.halves.at(-1)!, transaction.verdict, true);
      }
    }
    await this.clock.advance(7_000);
    await this.world.close();
    await this.open();
    await this.expectSeen();
    const givenUp = await this.world.bodies(GIVEN_UP_TOPIC);
    for (const { key, ended } of this.transactions) {
      expect(ended !== null || givenUp.includes(key)).toBe(true);
    }
    await this.world.close();
  }

  private async begin(commits: boolean): Promise<void> {
    const key = `K${this.transactions.length}`;
    const half = await this.world.prepare(key);
    this.transactions.push({
      key,
      verdict: commits ? COMMIT : ROLL_BACK,
      halves: [half],
      ended: null,
      isUnsure: false,
    });
  }

  private async end(given: Step & { kind: "end" }): Promise<void> {
    const transaction = this.pick(given.index);
    if (transaction === null) return;
    const { halves, verdict } = transaction;
    const half = halves[given.half % halves.length]!;
    if (!given.isSure) {
      expect(await this.world.end(half, UNKNOWN)).toBe(-1);
      return;
    }
    // One that says something else than the producer is told by another producer of the group.
    const said = given.contradicts ? COMMIT + ROLL_BACK - verdict : verdict;
    await this.tell(transaction, half, said, given.asked);
  }

  private async tell(
    transaction: Transaction,
    half: HalfName,
    said: number,
    fromTransactionCheck: boolean,
  ): Promise<void> {
    const code = await this.world.end(half, said, { fromTransactionCheck });
    expect([0, ILLEGAL_OPERATION]).toContain(code);
    const ended = code === 0 ? said : COMMIT + ROLL_BACK - said;
    if (transaction.ended !== null) expect(ended).toBe(transaction.ended);
    else if (!transaction.isUnsure) expect(code).toBe(0);
    transaction.ended = ended;
    transaction.isUnsure = false;
  }

  private async check(): Promise<void> {
    await this.world.transactions.checkNow();
    for (const { key, half } of this.world.takeChecks()) {
      const transaction = this.transactions[Number(key.slice(1))]!;
      expect(transaction.ended).toBeNull();
      transaction.halves.push(half);
    }
  }

  private async kill(): Promise<void> {
    const mayForget = this.world.transactions.unwrittenDecisions > 0;
    this.world.crash();
    for (const transaction of this.transactions) {
      // A roll back is on disk with its op message; until then the producer is asked again.
      if (!mayForget || transaction.ended !== ROLL_BACK) continue;
      transaction.ended = null;
      transaction.isUnsure = true;
    }
    await this.open();
  }

  private async expectSeen(): Promise<void> {
    const seen = await this.world.bodies("T");
    expect(new Set(seen).size).toBe(seen.length);
    for (const { key, ended, isUnsure } of this.transactions) {
      if (isUnsure) continue;
      expect([key, seen.includes(key)]).toEqual([key, ended === COMMIT]);
    }
  }

  private pick(index: number): Transaction | null {
    const { transactions } = this;
    return transactions.length === 0 ? null : transactions[index % transactions.length]!;
  }
}

test("whatever happens, committed messages are seen once and rolled back ones never", async () => {
  const history = fc.array(step, { minLength: 5, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(history, fc.nat(), async (steps, seed) => {
      const run = new History(seed);
      await run.open();
      for (const each of steps) await run.run(each);
      await run.finish();
    }),
    { numRuns: Number(process.env.HISTORIES ?? 40) },
  );
});
