// docs/CONFIG.md, made from the configuration tables. generate_docs.ts writes it, generate_docs_test.ts compares it.
import type { Key, KeyTable } from "../core/config/key.ts";
import { brokerKeys, namesrvKeys } from "../core/config/tables.ts";

export const CONFIG_DOC_PATH = "docs/CONFIG.md";

const INTRODUCTION = `# Configuration

<!-- Made from core/config/keys by \`deno task docs\`. Don't edit. -->

Roquet reads the files that Apache RocketMQ 5.4.0 reads, with the same keys:
\`roquet broker -c broker.conf\`, \`roquet namesrv -c namesrv.conf\`. The syntax is that of Java's
Properties: \`key = value\`, comments begin with # or !, a backslash at the end of a line continues
it, bytes are Latin-1 and other characters are written as \`\\u00e9\`.

- \`--set key=value\` beats the file, and \`-n\` beats both. \`-p\` prints every key with its value, \`-m\`
  the important ones.
- A wrong value is always an error, and all errors are reported together, each with its line. A key
  that nobody knows, or one that is set twice, is a warning; with \`--strict\` it is an error.
- Paths may begin with \`~\` and use \`\${user.home}\` and \`\${ROCKETMQ_HOME}\`. Port 0 means a free port.
- **live** keys may be changed at run time (\`updateBrokerConfig\`, \`updateNamesrvConfig\`). An update
  is applied as a whole or not at all, and is kept in the file of \`-c\`, whose other lines stay as
  they are; without a file it ends with the process. Other keys are refused: no path, address, name,
  command or secret can be changed remotely.
- **refused** keys have values that would change safety or format in a way that isn't implemented.
  They stop the start.
- **ignored** keys are known and checked, but have no effect here; those that are set are listed
  once at start.
- **secret** values are masked in every listing.
`;

/** The whole text of docs/CONFIG.md. */
export function configDoc(): string {
  return [
    INTRODUCTION,
    "## Broker (broker.conf)\n",
    ...sections(brokerKeys),
    "## Name server (namesrv.conf)\n",
    ...sections(namesrvKeys),
  ].join("\n");
}

function sections(table: KeyTable): string[] {
  const keys = Object.entries(table).sort(byFirst);
  const of = (use: string) => keys.filter(([, key]) => key.use === use);
  return [
    "### Used\n",
    tableText(["key", "default", "meaning"], of("used").map(usedRow)),
    "### Refused for some values\n",
    tableText(
      ["key", "default", "meaning", "refused because", "instead"],
      of("refused").map(refusedRow),
    ),
    "### Ignored\n",
    ...ignoredGroups(of("ignored")),
  ];
}

function usedRow([name, key]: [string, Key<unknown>]): string[] {
  return [code(name), `${shownDefault(key)}`, `${key.meaning}${marks(key)}`];
}

function refusedRow([name, key]: [string, Key<unknown>]): string[] {
  const { because = "", instead = "" } = key.refusal ?? {};
  return [code(name), shownDefault(key), `${key.meaning}${marks(key)}`, because, instead];
}

/** Ignored keys under the reason that they share, or in one table with the reason that is theirs alone. */
function ignoredGroups(keys: [string, Key<unknown>][]): string[] {
  const groups = [...Map.groupBy(keys, ([, key]) => key.because ?? "")].sort(byFirst);
  const shared = groups.filter(([, members]) => members.length >= SHARED_REASON_KEYS_MIN);
  const single = groups.filter(([, members]) => members.length < SHARED_REASON_KEYS_MIN)
    .flatMap(([, members]) => members).sort(byFirst);
  return [
    ...shared.map(([because, members]) =>
      `Because ${because}:\n\n${tableText(["key", "default", "meaning"], members.map(usedRow))}`
    ),
    "For reasons of their own:\n",
    tableText(
      ["key", "default", "meaning", "ignored because"],
      single.map(([name, key]) => [...usedRow([name, key]), key.because ?? ""]),
    ),
  ];
}

const byFirst = ([a]: [string, unknown], [b]: [string, unknown]) => a < b ? -1 : a > b ? 1 : 0;

function marks(key: Key<unknown>): string {
  const bounds = boundsText(key);
  const words = [
    bounds,
    key.live ? "**live**" : "",
    key.secret ? "**secret**" : "",
    key.aliases?.length ? `also ${key.aliases.map(code).join(", ")}` : "",
  ].filter((word) => word !== "");
  return words.length === 0 ? "" : ` (${words.join("; ")})`;
}

function boundsText(key: Key<unknown>): string {
  if (key.type === "enum") return key.choices?.map(code).join(" or ") ?? "";
  if (key.type === "boolean" || key.use === "ignored") return "";
  const limit = { int: 2 ** 31 - 1, long: Number.MAX_SAFE_INTEGER, double: Number.MAX_VALUE };
  const largest = limit[key.type as keyof typeof limit];
  if (key.max !== undefined && key.max !== largest) return `${key.min} to ${key.max}`;
  return key.min !== undefined && key.min !== 0 ? `at least ${key.min}` : "";
}

function shownDefault(key: Key<unknown>): string {
  if (key.defaultText !== undefined) return code(key.defaultText);
  const value = typeof key.fallback === "function" ? "" : key.fallback;
  if (value === null || value === "") return "";
  return key.unit === "" ? code(String(value)) : `${code(String(value))} ${key.unit}`;
}

/** Fewer keys than this don't get a table for their reason. */
const SHARED_REASON_KEYS_MIN = 4;

const code = (text: string) => `\`${text}\``;

/** A table padded as `deno fmt` pads it. */
function tableText(heads: string[], rows: string[][]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = heads.map((head, column) =>
    Math.max(3, head.length, ...escaped.map((row) => row[column]!.length))
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(heads), rule, ...escaped.map(line)].join("\n") + "\n";
}
