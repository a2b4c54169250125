import { describe, expect, test } from "bun:test";
import { UsageError } from "../../core/errors.ts";
import type { CommandRow } from "./command.ts";
import { bool, count, defaulted, flag, optional, required, text, time } from "./option.ts";
import { parseArguments } from "./parse_arguments.ts";

const ROW: CommandRow = {
  name: "sample",
  summary: "Does nothing",
  options: {
    topic: required("t", "topic", text, "topic"),
    timestamp: optional("s", "timestamp", time, "time"),
    count: defaulted("c", "count", count, 7, "how many"),
    force: defaulted("f", "force", bool, true, "force"),
    all: flag("a", "showAll", "all"),
    more: flag("m", "moreStats", "more"),
    show: optional(null, "showClient", text, "client"),
  },
  oneOf: [],
  changes: false,
  example: "-t T",
  run: () => Promise.resolve(),
};

const parse = (line: string) => parseArguments(ROW, line === "" ? [] : line.split(" "));
const problem = (line: string) => {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error(`'${line}' was taken`);
};

describe("arguments as Apache's tool takes them", () => {
  for (
    const line of [
      "-t T1",
      "-tT1",
      "-t=T1",
      "--topic T1",
      "--topic=T1",
      "-topic T1",
      "-topic=T1",
      "--top T1",
    ]
  ) {
    test(`${line} names the topic`, () => expect(parse(line).values["topic"]).toBe("T1"));
  }

  test("options that aren't given have their defaults", () => {
    expect(parse("-t T").values).toEqual({
      topic: "T",
      timestamp: undefined,
      count: 7,
      force: true,
      all: false,
      more: false,
      show: undefined,
    });
  });

  test("flags may be run together, with an option and its value at the end", () => {
    expect(parse("-amtT").values).toMatchObject({ all: true, more: true, topic: "T" });
    expect(parse("-am -t T").values).toMatchObject({ all: true, more: true, topic: "T" });
  });

  test("a negative number is a value, and blanks around one go", () => {
    expect(parse("-t T -s -1").values["timestamp"]).toBe(-1);
    expect(parseArguments(ROW, ["-t", " T "]).values["topic"]).toBe("T");
  });

  test("a value may begin with a dash when no option is called so", () => {
    expect(parse("-t -x").values["topic"]).toBe("-x");
  });

  test("a time may be given as Apache writes it", () => {
    const { values } = parse("-t T -s 2026-11-21#08:30:00:250");
    expect(values["timestamp"]).toBe(new Date(2026, 10, 21, 8, 30, 0, 250).getTime());
  });

  test("what all commands take is kept apart, and help asks for nothing else", () => {
    expect(parse("-n a:1 -t T --json")).toMatchObject({ namesrvAddr: "a:1", json: true });
    expect(parse("-h")).toMatchObject({ help: true, values: {} });
  });
});

describe("wrong usage is said", () => {
  const cases: [string, string][] = [
    ["", "-t (--topic) is missing: topic"],
    ["-t", "-t (--topic) needs a value: TEXT"],
    ["-t -a", "-t (--topic) needs a value: TEXT"],
    ["-t T -t U", "-t (--topic) is given twice"],
    ["-t T extra", "unexpected 'extra': options begin with a dash"],
    ["-t T --topik x", "unknown option '--topik', did you mean 'topic'?"],
    ["-t T -z", "unknown option '-z'"],
    ["-t T -c 0", "-c (--count): '0' isn't a number from 1 up"],
    ["-t T -c many", "-c (--count): 'many' isn't a number from 1 up"],
    ["-t T -f yes", "-f (--force): 'yes' isn't true or false"],
    [
      "-t T -s 2026-02-30#00:00:00:000",
      "-s (--timestamp): '2026-02-30#00:00:00:000' isn't milliseconds or a time as " +
      "2026-11-21#08:30:00:000",
    ],
    ["-t T --show x", "'--show' may be --showAll, --showClient"],
  ];
  for (const [line, message] of cases) {
    test(line === "" ? "nothing given" : line, () => expect(problem(line)).toBe(message));
  }

  test("of options that exclude each other exactly one must be given", () => {
    const row = { ...ROW, oneOf: ["all", "more"] };
    expect(() => parseArguments(row, ["-t", "T"])).toThrow(
      "one of -a (--showAll), -m (--moreStats) is needed",
    );
    expect(() => parseArguments(row, ["-t", "T", "-am"])).toThrow("only one of");
  });
});
