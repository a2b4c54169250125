import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LogFields, LogLevel } from "./log.ts";
import {
  formatJsonLine,
  formatTextLine,
  LOG_LINE_CHARACTERS_MAX,
  LogSink,
  type LogSinkOptions,
} from "./log_sink.ts";
import { VirtualClock } from "./time/virtual_clock.ts";

const NOW_MS = Date.UTC(2026, 0, 31, 12, 0, 0, 7);
const entry = (text: string, fields?: LogFields, level: LogLevel = "info") => ({
  level,
  component: "broker.send",
  text,
  fields,
});

/** A sink whose writes are collected; each is one turn's lines. */
function collecting(options: Partial<LogSinkOptions> = {}) {
  const writes: string[] = [];
  let closed = 0;
  const output = {
    write: (lines: string) => void writes.push(lines),
    close: () => Promise.resolve(void closed++),
  };
  const clock = new VirtualClock(NOW_MS);
  const sink = new LogSink({ clock, outputs: [output], level: "info", ...options });
  return { sink, writes, closedCount: () => closed };
}

describe("a line of text", () => {
  test("has time, level, component, sentence and fields", () => {
    expect(formatTextLine(entry("stored", { topic: "A", count: 3, ok: true, none: null }), NOW_MS))
      .toBe("2026-01-31T12:00:00.007Z INFO  broker.send: stored topic=A count=3 ok=true none=null");
  });

  test("quotes what would be taken for more than one field, and leaves out what is undefined", () => {
    const fields = { a: "x y", b: 'q"', c: "k=v", d: "", e: undefined, f: { g: [1, 2n] } };
    expect(formatTextLine(entry("t", fields), NOW_MS))
      .toEndWith(`t a="x y" b="q\\"" c="k=v" d="" f={"g":[1,"2"]}`);
  });

  test("shows an error's message and causes, and its stack only on demand", () => {
    const error = new Error("outer", { cause: new Error("inner") });
    expect(formatTextLine(entry("failed", { error }), NOW_MS)).toEndWith(`error="outer: inner"`);
    expect(formatTextLine(entry("failed", { error }, "error"), NOW_MS, true)).toContain("at ");
  });

  test("stays one line of bounded length, whatever is in it", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), fc.object(), (text, fields) => {
      const line = formatTextLine(entry(text, fields), NOW_MS);
      expect(line).not.toMatch(/[\n\r]/);
    }));
    const long = formatTextLine(entry("x".repeat(LOG_LINE_CHARACTERS_MAX * 2)), NOW_MS);
    expect(long.length).toBe(LOG_LINE_CHARACTERS_MAX);
  });

  test("survives a field that can't be shown", () => {
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    expect(formatTextLine(entry("t", { loop }), NOW_MS)).toEndWith(`loop="(can't be shown)"`);
  });
});

describe("a line of JSON", () => {
  test("has the same parts by name", () => {
    const line = formatJsonLine(entry("failed", { error: new Error("e"), n: 1 }, "warn"), NOW_MS);
    expect(JSON.parse(line)).toEqual({
      time: "2026-01-31T12:00:00.007Z",
      level: "warn",
      component: "broker.send",
      text: "failed",
      error: "e",
      n: 1,
    });
  });

  test("is never replaced by a field of the same name, and stays JSON when it is cut", () => {
    expect(JSON.parse(formatJsonLine(entry("t", { level: "x", text: "y" }), NOW_MS)))
      .toMatchObject({ level: "info", text: "t" });
    const huge = formatJsonLine(entry("t", { a: "x".repeat(LOG_LINE_CHARACTERS_MAX) }), NOW_MS);
    expect(JSON.parse(huge)).toMatchObject({ text: "t", shortened: true });
  });
});

describe("a sink", () => {
  test("writes the entries of one turn in one piece, after the turn", async () => {
    const { sink, writes } = collecting();
    sink.logger.info("one");
    sink.logger.named("store").warn("two");
    expect(writes).toEqual([]);
    await Promise.resolve();
    expect(writes.length).toBe(1);
    expect(writes[0]!.split("\n").map((line) => line.slice(25))).toEqual([
      "INFO  one",
      "WARN  store: two",
      "",
    ]);
    sink.logger.info("three");
    await Promise.resolve();
    expect(writes.length).toBe(2);
  });

  test("drops what is below its level, which may be changed", async () => {
    const { sink, writes } = collecting({ level: "warn" });
    sink.logger.info("dropped");
    sink.logger.error("kept");
    sink.level = "debug";
    sink.logger.debug("kept too");
    await Promise.resolve();
    expect(writes[0]!.trimEnd().split("\n").length).toBe(2);
  });

  test("writes what is left before it closes its outputs", async () => {
    const { sink, writes, closedCount } = collecting({ json: true });
    sink.logger.info("last words");
    await sink[Symbol.asyncDispose]();
    expect(JSON.parse(writes[0]!).text).toBe("last words");
    expect(closedCount()).toBe(1);
  });
});
