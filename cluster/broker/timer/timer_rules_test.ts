// When a message is due, and which are refused: Apache's rounding, its words, and its overflows that must not be ours.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { parseProperties } from "../../../core/message/properties.ts";
import { seededRandom } from "../../../core/random.ts";
import { timedText, TimerRules } from "./timer_rules.ts";
import { timerMessage } from "./testing_timer.ts";

const NOW_MS = 1_700_000_000_250;
const settings = {
  timerWheelEnable: true,
  timerMaxDelaySec: 100,
  timerPrecisionMs: 1000,
  timerCongestNumEachSlot: 2 ** 31 - 1,
};
const rules = new TimerRules(settings, seededRandom(1));

function timed(more: Record<string, string>, by = rules) {
  const message = timerMessage("K", more);
  by.time(message, NOW_MS);
  const outMs = parseProperties(Buffer.from(message.properties)).get("TIMER_OUT_MS");
  return { topic: message.topic, outMs: outMs === undefined ? null : Number(outMs) - NOW_MS };
}

const TIMER = "rmq_sys_wheel_timer";

describe("a delivery time", () => {
  test.each([
    [{ TIMER_DELIVER_MS: String(NOW_MS + 2_300) }, 1_750],
    [{ TIMER_DELIVER_MS: String(NOW_MS + 1_750) }, 750],
    [{ TIMER_DELAY_MS: "5000" }, 4_750],
    [{ TIMER_DELAY_SEC: "100" }, 99_750],
    [{ TIMER_DELAY_SEC: "+7" }, 6_750],
    // Seconds count before milliseconds, and both before a time.
    [{ TIMER_DELAY_SEC: "3", TIMER_DELAY_MS: "9000", TIMER_DELIVER_MS: "5" }, 2_750],
  ])("%p is cut to its tick, a whole one to that before", (more, outMs) => {
    expect(timed(more)).toEqual({ topic: TIMER, outMs });
  });

  test.each([
    [{ TIMER_DELIVER_MS: String(NOW_MS) }],
    [{ TIMER_DELIVER_MS: "0" }],
    [{ TIMER_DELIVER_MS: "-1" }],
    [{ TIMER_DELAY_MS: "-5" }],
    [{ TIMER_DELAY_SEC: "0" }],
  ])("%p is past: the message goes to its topic as it is", (more) => {
    expect(timed(more)).toEqual({ topic: "T", outMs: null });
  });

  test.each([
    [{ TIMER_DELIVER_MS: String(NOW_MS + 100_001) }],
    [{ TIMER_DELAY_SEC: "101" }],
    [{ TIMER_DELAY_MS: "soon" }],
    [{ TIMER_DELAY_MS: "1.5" }],
    [{ TIMER_DELAY_MS: " 5" }],
    [{ TIMER_DELIVER_MS: "99999999999999999999" }],
    // Times 1000 it overflows Java's long: Apache delivers it at once.
    [{ TIMER_DELAY_SEC: "9223372036854775807" }],
    [{ TIMER_DELIVER_MS: "5", TIMER_DEL_UNIQKEY: "K" }],
  ])("%p is refused as Apache refuses what is too long or no number", (more) => {
    expect(() => timed(more)).toThrow(
      expect.objectContaining({
        code: 13,
        remark: "timer message illegal, the delay time should not be bigger than the max delay " +
          "100000ms; or if set del msg, the delay time should be bigger than the current time",
      }),
    );
  });

  test("is refused while the wheel is off", () => {
    const off = new TimerRules({ ...settings, timerWheelEnable: false }, seededRandom(1));
    expect(() => timed({ TIMER_DELAY_MS: "5000" }, off)).toThrow(
      expect.objectContaining({
        code: 1,
        remark: "accurate timer message is not enabled, timerWheelEnable is false",
      }),
    );
  });

  test("is refused for some when its slot is crowded, for all when it is twice as full", () => {
    const crowded = new TimerRules({ ...settings, timerCongestNumEachSlot: 10 }, seededRandom(1));
    const takenAt = (waiting: number) => {
      crowded.waitingAt = () => waiting;
      let taken = 0;
      for (let index = 0; index < 100; index++) {
        try {
          timed({ TIMER_DELAY_MS: "5000" }, crowded);
          taken++;
        } catch (error) {
          expect(error).toMatchObject({
            code: 1,
            remark: "timer message is under flow control, max num limit is 20 or the current " +
              "value is greater than 10 and less than 20, trigger random flow control",
          });
        }
      }
      return taken;
    };
    expect(takenAt(10)).toBe(100);
    expect(takenAt(15)).toBeWithin(1, 100);
    expect(takenAt(20)).toBe(0);
  });
});

describe("a message of the broker's own", () => {
  test.each([2_300, 1_750, 0, -1, 100_000])(
    "%p ms ahead becomes what any other does",
    (aheadMs) => {
      const deliverMs = NOW_MS + aheadMs;
      const [own, any] = [0, 1].map(() =>
        timerMessage("K", { TIMER_DELIVER_MS: String(deliverMs), TAGS: "ack" })
      );
      const slot = rules.ownSlot(deliverMs, NOW_MS);
      const added = slot === 0 ? "" : timedText(slot, own!.topic, own!.queueId);
      rules.time(any!, NOW_MS);
      expect(any!.topic).toBe(slot === 0 ? own!.topic : TIMER);
      expect(String(any!.properties)).toBe(String(own!.properties) + added);
    },
  );

  test("is refused when its time is too far ahead, or there is no timer", () => {
    expect(() => rules.ownSlot(NOW_MS + 100_001, NOW_MS)).toThrow("timer message illegal");
    const off = new TimerRules({ ...settings, timerWheelEnable: false }, seededRandom(1));
    expect(() => off.ownSlot(NOW_MS + 1_000, NOW_MS)).toThrow("not enabled");
  });
});
