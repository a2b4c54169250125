import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { COMMITTED, DECIDED, HalfQueue, PASSED, ROLLED_BACK, UNDECIDED } from "./half_queue.ts";

describe("a queue of half messages", () => {
  test("the first decision about a message counts", () => {
    const queue = new HalfQueue(0, 10, 0);
    queue.decide(12, ROLLED_BACK);
    queue.decide(12, COMMITTED);
    expect([9, 10, 12, 5000].map((offset) => queue.stateOf(offset)))
      .toEqual([PASSED, UNDECIDED, ROLLED_BACK, UNDECIDED]);
    expect(queue.nextUndecided(10, 20)).toBe(10);
    expect(queue.nextUndecided(12, 20)).toBe(13);
    expect(queue.nextUndecided(12, 13)).toBe(13);
  });

  test("an op message is done with once every half that it decides is passed, and those before it", () => {
    const queue = new HalfQueue(0, 0, 7);
    queue.addOp(7, 4);
    queue.addOp(8, 1);
    queue.advance(2);
    expect(queue.opOffset).toBe(7);
    queue.advance(5);
    expect(queue.opOffset).toBe(9);
  });

  test("is like a map from offsets to decisions, whatever comes in whatever order", () => {
    const step = fc.record({
      offset: fc.nat(4000),
      advances: fc.boolean(),
      decision: fc.constantFrom(COMMITTED, ROLLED_BACK, DECIDED),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new HalfQueue(0, 0, 0);
        const model = new Map<number, number>();
        let passed = 0;
        for (const { offset, advances, decision } of steps) {
          if (advances) {
            passed += offset % 700;
            queue.advance(passed);
          } else {
            queue.decide(offset, decision);
            if (offset >= passed && !model.has(offset)) model.set(offset, decision);
          }
          for (const at of [0, passed, offset, offset + 1]) {
            expect(queue.stateOf(at)).toBe(
              at < passed ? PASSED : (model.get(at) ?? UNDECIDED) as 0,
            );
          }
          expect(queue.decided).toBe([...model.keys()].filter((at) => at >= passed).length);
          let next = passed;
          while (model.has(next)) next++;
          expect(queue.nextUndecided(passed, 5000)).toBe(Math.min(next, Math.max(5000, passed)));
        }
      }),
      { numRuns: 60 },
    );
  });
});
