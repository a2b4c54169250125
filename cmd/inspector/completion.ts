// Completion of inspector commands for shells: command names, options and, where a name server answers quickly, the
// names of topics, groups, clusters and brokers. Derived from the rows; an error completes nothing.
import { OperationError, UsageError } from "../../core/errors.ts";
import { isDlqTopic, isRetryTopic } from "../../core/message/topic_names.ts";
import type { Cluster } from "./cluster.ts";
import type { CommandFace } from "./command.ts";
import type { Option, OptionTable } from "./option.ts";
import { COMMON_OPTIONS } from "./parse_arguments.ts";
import { addressesOf } from "./routes.ts";

export interface Completion {
  text: string;
  summary: string;
}

/** What may stand in place of the last word; the first of `words` is a command's name. */
export async function complete(
  rows: readonly CommandFace[],
  words: readonly string[],
  clusterAt: (nameServers: string | undefined) => Cluster,
): Promise<Completion[]> {
  const last = words.at(-1) ?? "";
  const [first = "", second = ""] = words.map((word) => word.toLowerCase());
  if (words.length <= 1) return startingWith(firstWords(rows), last);
  const inGroup = rows.filter((row) => row.name.startsWith(`${first} `));
  if (words.length === 2 && inGroup.length > 0) {
    return startingWith(inGroup.map((row) => ({ ...faceOf(row), text: wordsOf(row)[1]! })), last);
  }
  const names = [first, `${first} ${second}`];
  const row = rows.find((each) => names.includes(each.name.toLowerCase()));
  if (row === undefined) return [];
  const options = { ...row.options, ...COMMON_OPTIONS };
  const asked = optionNamed(options, words.at(-2) ?? "");
  if (asked === undefined || asked.kind === null) return startingWith(namesOf(options), last);
  const values = await valuesOf(asked, clusterAt(nameServersIn(words)));
  return startingWith(values.map((text) => ({ text, summary: "" })), last);
}

function wordsOf({ name }: CommandFace): string[] {
  return name.split(" ");
}

function faceOf({ name, summary }: CommandFace): Completion {
  return { text: name, summary };
}

/** Commands of one word, and the first word of those of two, once. */
function firstWords(rows: readonly CommandFace[]): Completion[] {
  const groups = new Set(
    rows.map(wordsOf).filter((words) => words.length > 1).map(([word]) => word!),
  );
  return [
    ...rows.filter((row) => wordsOf(row).length === 1).map(faceOf),
    ...[...groups].map((text) => ({ text, summary: `${text} …` })),
  ];
}

function startingWith(all: readonly Completion[], prefix: string): Completion[] {
  return all.filter(({ text }) => text.startsWith(prefix));
}

function namesOf(options: OptionTable): Completion[] {
  return Object.values(options).flatMap(({ long, short, summary }) => [
    ...(short === null ? [] : [{ text: `-${short}`, summary }]),
    // Two of Apache's long names have a blank in them.
    ...(long.includes(" ") ? [] : [{ text: `--${long}`, summary }]),
  ]);
}

function optionNamed(options: OptionTable, word: string): Option | undefined {
  if (!word.startsWith("-")) return undefined;
  const name = word.replace(/^--?/, "");
  return Object.values(options).find(({ long, short }) => long === name || short === name);
}

function nameServersIn(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => /^(-n|--?namesrvAddr)$/.test(word));
  return at < 0 ? undefined : words[at + 1];
}

/** Names that the cluster knows for a kind of option. */
async function valuesOf({ kind }: Option, cluster: Cluster): Promise<string[]> {
  try {
    switch (kind?.metavar) {
      case "TOPIC":
        return (await cluster.topicNames()).filter((topic) =>
          !isRetryTopic(topic) && !isDlqTopic(topic)
        );
      case "GROUP":
        return await cluster.groupNames();
      case "CLUSTER":
        return [...(await cluster.info()).clusters.keys()];
      case "BROKER":
        return [...(await cluster.info()).brokers.keys()];
      case "HOST:PORT":
        return addressesOf([...(await cluster.info()).brokers.values()]);
      case "true|false":
        return ["true", "false"];
      default:
        return [];
    }
  } catch (error) {
    if (error instanceof OperationError || error instanceof UsageError) return [];
    throw error;
  }
}
