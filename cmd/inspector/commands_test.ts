import { describe, expect, test } from "bun:test";
import { commands } from "./commands.ts";
import { commandHelp, listHelp } from "./help.ts";
import { parseArguments } from "./parse_arguments.ts";

const STYLE = { program: "roquet inspector", colors: false };

/** Words of a shell: quotes hold blanks together. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
}

describe("the inspector's rows", () => {
  test("have names of their own, whatever the case of the letters", () => {
    const names = commands.map(({ name }) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
  });

  for (const row of commands) {
    test(`${row.name} has a summary, unambiguous options and an example that can be run`, () => {
      expect(row.summary).toMatch(/^[A-Z].*[^.]$/);
      const options = Object.values(row.options);
      const names = options.flatMap(({ long, short }) => short === null ? [long] : [long, short]);
      expect(new Set(names).size).toBe(names.length);
      for (const name of ["n", "namesrvAddr", "json", "h", "help", "debug"]) {
        expect(names).not.toContain(name);
      }
      expect(() => parseArguments(row, wordsOf(row.example))).not.toThrow();
      for (const name of row.oneOf) expect(row.options[name]?.required).toBe(false);
    });

    test(`${row.name} is helped with: usage, every option, example`, () => {
      const help = commandHelp(row, STYLE);
      for (const { long, summary } of Object.values(row.options)) {
        expect(help).toContain(`--${long}`);
        expect(help).toContain(summary);
      }
      expect(help).toContain(`Example: roquet inspector ${row.name}`);
      expect(listHelp(commands, STYLE)).toContain(row.summary);
    });
  }
});
