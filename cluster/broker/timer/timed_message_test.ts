// Timed messages as Apache 5.4.0 stored and delivered them, beside those that ours makes of the same records.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { parseProperties } from "../../../core/message/properties.ts";
import { fixtureArchive, fixtureJson } from "../../../testdata/fixtures.ts";
import { seededRandom } from "../../../core/random.ts";
import { testMessage } from "../../../store/testing_store.ts";
import { RecordArena } from "./record_arena.ts";
import { TimedRecord } from "./timed_message.ts";
import { TimerRules } from "./timer_rules.ts";

interface RecordedMessage {
  phyOffset: number;
  size: number;
  kind: string;
  topic: string;
  queueId: number;
  flag: number;
  sysFlag: number;
  bornTimestamp: number;
  reconsumeTimes: number;
  storeTimestamp: number;
  bodySha256: string;
  properties: Record<string, string>;
}

interface Expected {
  records: RecordedMessage[];
  consumeQueues: Record<string, Record<string, { entries: [number, number, number][] }>>;
}

const expected = fixtureJson<Expected>("expected/store.json");
const archive = fixtureArchive("store/store.tar.gz");
const LOG_FILE_BYTES = 1_048_576;

function viewOf({ phyOffset, size }: RecordedMessage) {
  const base = phyOffset - phyOffset % LOG_FILE_BYTES;
  const buffer = Buffer.from(archive.get(`commitlog/${String(base).padStart(20, "0")}`)!);
  return { buffer, start: phyOffset - base, size };
}

const waiting = expected.records.filter(({ topic }) => topic === "rmq_sys_wheel_timer");
const delivered = expected.records.filter(({ properties, topic, kind }) =>
  kind === "message" && topic !== "rmq_sys_wheel_timer" &&
  properties["TIMER_OUT_MS"] !== undefined
);

test("a delivered message is Apache's: topic, queue, flags, tag code and properties", () => {
  const record = new TimedRecord(new RecordArena());
  expect(delivered.length).toBeGreaterThan(3);
  for (const theirs of delivered) {
    const { TIMER_OUT_MS, UNIQ_KEY, TIMER_ENQUEUE_MS, TIMER_DEQUEUE_MS } = theirs.properties;
    // Checkpoints of POP share their keys.
    const source = waiting.find(({ bodySha256, bornTimestamp, properties }) =>
      properties["UNIQ_KEY"] === UNIQ_KEY && properties["TIMER_OUT_MS"] === TIMER_OUT_MS &&
      bornTimestamp === theirs.bornTimestamp && bodySha256 === theirs.bodySha256
    )!;
    expect(record.read(viewOf(source), source.phyOffset)).toBeTrue();
    expect(record.outMs).toBe(Number(TIMER_OUT_MS));
    const ours = record.delivered(TIMER_ENQUEUE_MS!, TIMER_DEQUEUE_MS!)!;
    expect(ours).toMatchObject({
      topic: theirs.topic,
      queueId: theirs.queueId,
      flag: theirs.flag,
      sysFlag: theirs.sysFlag,
      bornTimestampMs: theirs.bornTimestamp,
      reconsumeTimes: theirs.reconsumeTimes,
    });
    expect(Object.fromEntries(parseProperties(Buffer.from(ours.properties)))).toEqual(
      theirs.properties,
    );
    const entry = expected.consumeQueues[theirs.topic]![theirs.queueId]!.entries
      .find(([physicalOffset]) => physicalOffset === theirs.phyOffset)!;
    expect(ours.tagsCode).toBe(entry[2]);
  }
});

test("what waits in the timer's topic is what Apache put there", () => {
  const sent = waiting.filter(({ properties }) =>
    properties["REAL_TOPIC"] === "TopicTimer" && properties["TIMER_ROLL_TIMES"] === undefined
  );
  expect(sent.length).toBeGreaterThan(20);
  for (const theirs of sent) {
    const settings = {
      timerWheelEnable: true,
      timerMaxDelaySec: 259_200,
      timerPrecisionMs: 1000,
      timerCongestNumEachSlot: 2 ** 31 - 1,
    };
    const { REAL_QID, REAL_TOPIC, TIMER_OUT_MS, ...asked } = theirs.properties;
    const properties = Buffer.from(
      Object.entries(asked).map(([name, value]) => `${name}\x01${value}\x02`).join(""),
    );
    const message = testMessage(0, { topic: REAL_TOPIC!, queueId: Number(REAL_QID), properties });
    new TimerRules(settings, seededRandom(1)).time(message, theirs.storeTimestamp);
    expect(message).toMatchObject({ topic: "rmq_sys_wheel_timer", queueId: 0 });
    const ours = Object.fromEntries(parseProperties(Buffer.from(message.properties)));
    // A relative delay counts from when the broker looks at it, some milliseconds before it stores the message.
    const isRelative = asked["TIMER_DELIVER_MS"] === undefined;
    const outMs = Number(ours["TIMER_OUT_MS"]);
    expect(Math.abs(outMs - Number(TIMER_OUT_MS))).toBeLessThanOrEqual(isRelative ? 1000 : 0);
    expect({ ...ours, TIMER_OUT_MS }).toEqual({ ...theirs.properties, TIMER_OUT_MS });
  }
});

test("bytes that are no record of the place are refused, and records of other topics", () => {
  const record = new TimedRecord(new RecordArena());
  const view = viewOf(waiting[0]!);
  expect(record.read(view, waiting[0]!.phyOffset + 1)).toBeFalse();
  expect(record.read({ ...view, size: 60 }, waiting[0]!.phyOffset)).toBeFalse();
  const other = expected.records.find(({ topic }) => topic === "TopicMix")!;
  expect(record.read(viewOf(other), other.phyOffset)).toBeFalse();
});
