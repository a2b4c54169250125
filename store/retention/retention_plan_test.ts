// When files go and sends are refused: Apache's hours and watermarks, for all uses of a disk.
import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  isDeleteHour,
  mayDelete,
  planRetention,
  RETENTION_DEFAULTS,
  type RetentionView,
} from "./retention_plan.ts";

function plan(usedPercent: number, view: Partial<RetentionView> = {}) {
  return planRetention({
    settings: RETENTION_DEFAULTS,
    use: { log: usedPercent / 100, queues: 0 },
    hour: 12,
    isManual: false,
    refusal: null,
    ...view,
  });
}

const percents = fc.integer({ min: 0, max: 100 });

test("expired files go at the hours of deleteWhen, on request, and at any hour above 75 %", () => {
  expect(plan(10).cause).toBeNull();
  expect(plan(10, { hour: 4 }).cause).toBe("hour");
  expect(plan(10, { isManual: true }).cause).toBe("manual");
  expect(plan(75).cause).toBeNull();
  expect(plan(75.1).cause).toBe("disk");
  expect(plan(75.1).forcibly).toBe(false);
});

test("deleteWhen takes one hour or several", () => {
  const hours = (deleteWhen: string) =>
    Array.from({ length: 24 }, (_, hour) => hour).filter((hour) => isDeleteHour(deleteWhen, hour));
  expect(hours("04")).toEqual([4]);
  expect(hours("4;16")).toEqual([4, 16]);
  expect(hours("00;23;")).toEqual([0, 23]);
});

test("above 85 % files go at any age, unless cleanFileForciblyEnable is off", () => {
  expect(plan(85).forcibly).toBe(false);
  expect(plan(85.5).forcibly).toBe(true);
  const settings = { ...RETENTION_DEFAULTS, forciblyEnabled: false };
  expect(plan(99, { settings })).toMatchObject({ cause: "disk", forcibly: false });
});

test("above 90 % sends are refused, and taken again at 85 %", () => {
  expect(plan(90).refusal).toBeNull();
  const { refusal } = plan(90.2);
  expect(refusal).toBe(
    "the log's disk is 91% full: above diskSpaceWarningLevelRatio 90% nothing is taken, until it " +
      "is back at 85%",
  );
  expect(plan(86, { refusal }).refusal).toContain("86% full");
  expect(plan(85, { refusal }).refusal).toBeNull();
});

test("the queues' disk counts as the log's does, and is named", () => {
  const { cause, forcibly, refusal } = plan(0, { use: { log: 0.2, queues: 0.95 } });
  expect([cause, forcibly]).toEqual(["disk", true]);
  expect(refusal).toStartWith("the consume queues' disk is 95% full");
});

test("a disk that can't be asked changes nothing and deletes nothing early", () => {
  expect(plan(0, { use: null, refusal: "full" }))
    .toEqual({ cause: null, forcibly: false, refusal: "full" });
  expect(plan(0, { use: null, hour: 4 }))
    .toEqual({ cause: "hour", forcibly: false, refusal: null });
});

test("the forcible and the warning ratio stay within Apache's bounds, whatever is configured", () => {
  fc.assert(fc.property(percents, percents, percents, (forcibly, warning, used) => {
    const settings = {
      ...RETENTION_DEFAULTS,
      forciblyPercent: forcibly,
      warningPercent: warning,
    };
    const decided = plan(used, { settings });
    if (used > 90) expect(decided.refusal).not.toBeNull();
    if (used <= 30) expect([decided.forcibly, decided.refusal]).toEqual([false, null]);
    // Whoever refuses sends also makes room.
    if (decided.refusal !== null) expect(decided.forcibly).toBe(true);
  }));
});

test("a fuller disk never deletes less, and never takes what an emptier one refused", () => {
  fc.assert(fc.property(percents, percents, fc.option(fc.string()), (one, other, refusal) => {
    const emptier = plan(Math.min(one, other), { refusal });
    const fuller = plan(Math.max(one, other), { refusal });
    expect(Number(fuller.forcibly)).toBeGreaterThanOrEqual(Number(emptier.forcibly));
    expect(Number(fuller.cause !== null)).toBeGreaterThanOrEqual(Number(emptier.cause !== null));
    if (emptier.refusal !== null) expect(fuller.refusal).not.toBeNull();
  }));
});

test("a file goes when its time has come, earlier only forcibly, and never without a cause", () => {
  const ages = fc.integer({ min: 0, max: 200 * 3_600_000 });
  const causes = fc.constantFrom("disk" as const, "hour" as const, "manual" as const, null);
  fc.assert(fc.property(ages, causes, fc.boolean(), (ageMs, cause, forcibly) => {
    const nowMs = 1_700_000_000_000;
    const decided = { cause, forcibly, refusal: null };
    expect(mayDelete(decided, RETENTION_DEFAULTS, nowMs - ageMs, nowMs))
      .toBe(cause !== null && (forcibly || ageMs >= RETENTION_DEFAULTS.reservedMs));
  }));
});
