import { describe, expect, test } from "bun:test";
import type { MessageToStore } from "../../store/message_store.ts";
import { DelayLevels } from "../../store/schedule/delay_levels.ts";
import { seededRandom } from "../../core/random.ts";
import {
  PUT_AS_IS,
  PUT_DELAYED,
  PUT_HALF,
  PUT_TIMED,
  PutRules,
  REFUSE_TIMER,
  REFUSE_TRANSACTION,
} from "./put_rules.ts";
import { TimerRules } from "./timer/timer_rules.ts";

function rulesWith(timerWheelEnable: boolean, rejectTransactionMessage = false): PutRules {
  const settings = {
    brokerIP1: "10.0.0.1",
    rejectTransactionMessage,
    timerWheelEnable,
    timerMaxDelaySec: 10,
    timerPrecisionMs: 1000,
    timerCongestNumEachSlot: 10,
  };
  const timers = new TimerRules(settings, seededRandom(1));
  return new PutRules(DelayLevels.parse("1s 5s"), settings, timers);
}

const rules = rulesWith(false);

describe("before a message is put", () => {
  test("a plain one goes on, one with a delay level is delayed", () => {
    expect(rules.decide("T", 0, 0, 0, false, false)).toBe(PUT_AS_IS);
    expect(rules.decide("T", 0, 2, 0, false, false)).toBe(PUT_DELAYED);
  });

  test("a delivery time is refused as by a broker with its timer wheel off, unless a level makes it void", () => {
    expect(rules.decide("T", 0, 0, 0, true, false)).toBe(REFUSE_TIMER);
    expect(rules.decide("T", 0, 1, 0, true, false)).toBe(PUT_DELAYED);
    expect(rules.refusal(REFUSE_TIMER)).toMatchObject({
      code: 1,
      remark: "accurate timer message is not enabled, timerWheelEnable is false",
    });
  });

  test("a delivery time is obeyed by a broker with its timer wheel on, but not twice", () => {
    expect(rulesWith(true).decide("T", 0, 0, 0, true, false)).toBe(PUT_TIMED);
    expect(rulesWith(true).decide("rmq_sys_wheel_timer", 0, 0, 0, true, false)).toBe(PUT_AS_IS);
  });

  test("a transaction waits as a half message; a record that nobody would ever see is refused", () => {
    expect(rules.decide("T", 4, 0, 0, false, true)).toBe(PUT_HALF);
    expect(rules.decide("T", 0, 3, 0, true, true)).toBe(PUT_HALF);
    expect(rules.decide("T", 0, 3, 1, false, true)).toBe(PUT_DELAYED);
    expect(rules.decide("T", 4, 0, 0, false, false)).toBe(REFUSE_TRANSACTION);
    expect(rules.decide("T", 8, 2, 0, false, false)).toBe(PUT_DELAYED);
  });

  test("a transaction is refused in Apache's words where transactions are rejected", () => {
    const strict = rulesWith(false, true);
    expect(strict.decide("T", 4, 0, 0, false, true)).toBe(REFUSE_TRANSACTION);
    expect(strict.refusal(REFUSE_TRANSACTION)).toMatchObject({
      code: 16,
      remark: "the broker[10.0.0.1] sending transaction message is forbidden",
    });
  });

  test("a delayed one remembers where it was going, its level cut to the highest", () => {
    const message: MessageToStore = {
      topic: "T",
      queueId: 3,
      flag: 0,
      sysFlag: 0,
      bornTimestampMs: 0,
      bornAddress: new Uint8Array(4),
      bornPort: 0,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: new Uint8Array(0),
      properties: new TextEncoder().encode(
        "DELAY\x0130\x02TIMER_DELAY_SEC\x0110\x02REAL_TOPIC\x01old\x02TAGS\x01a\x02",
      ),
      tagsCode: 97,
      uniqueKey: "",
      keys: "",
      batchCount: 1,
    };
    rules.delay(message, 30, 1_000);
    expect(message).toMatchObject({ topic: "SCHEDULE_TOPIC_XXXX", queueId: 1, tagsCode: 6_000 });
    expect(new TextDecoder().decode(message.properties)).toBe(
      "DELAY\x012\x02REAL_TOPIC\x01T\x02TAGS\x01a\x02REAL_QID\x013\x02",
    );
  });
});
