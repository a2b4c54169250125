// docs/CLI.md: the inspector's commands as their rows declare them. Derived; states nothing of its own that a row holds.
import type { CommandRow } from "../../cmd/inspector/command.ts";
import { commandFamilies, commands } from "../../cmd/inspector/commands.ts";
import { optionNames, optionText, usage } from "../../cmd/inspector/help.ts";
import { COMMON_OPTIONS } from "../../cmd/inspector/parse_arguments.ts";
import type { OptionTable } from "../../cmd/inspector/option.ts";
import { type GeneratedDoc, table, wholeDoc } from "./generated_doc.ts";

export const cliDoc: GeneratedDoc = wholeDoc(
  "docs/CLI.md",
  () => [intro(), ...commandFamilies.map(familyText)].join("\n\n"),
);

function intro(): string {
  return `# roquet inspector

${commands.length} commands under the names, options and columns of Apache's mqadmin; through a link named \`mqadmin\`
the binary takes them directly. \`roquet inspector COMMAND --help\` shows what stands here.

- The name server is given by \`-n\`, else by NAMESRV_ADDR, else by ROCKETMQ_NAMESRV_ADDR; several are separated by
  semicolons, and the next is asked when one doesn't answer.
- \`-t T\`, \`-tT\`, \`-t=T\`, \`--topic T\`, \`--topic=T\` and \`-topic T\` are the same; command names may be written in any case.
- Exit code 0: done; 1: failed, also in part; 2: wrong usage. Errors and notes go to standard error and name the cause.
- With \`--json\` a listing is one document, and what may go on for long (printMsg, consumeMessage, clusterList -i,
  clusterRT, several ids) one document a line. Times are milliseconds since 1970.
- What Java prints in the order of its hash tables is sorted here.

Options of every command:

${optionTable(COMMON_OPTIONS)}`;
}

function familyText({ rows, title }: { rows: readonly CommandRow[]; title: string }): string {
  return `## ${title}\n\n${rows.map(rowText).join("\n\n")}`;
}

function rowText(row: CommandRow): string {
  const parts = [
    `### ${row.name}`,
    `${row.summary}.${row.changes ? " Changes the cluster." : ""}`,
    `\`\`\`\nroquet inspector ${row.name}${usage(row)}\n\`\`\``,
  ];
  if (Object.keys(row.options).length > 0) parts.push(optionTable(row.options));
  parts.push(`Example: \`roquet inspector ${row.name} ${row.example}\``);
  return parts.join("\n\n");
}

function optionTable(options: OptionTable): string {
  const rows = Object.values(options).map((option) => [
    `\`${optionNames(option).trim()}\``,
    optionText(option),
  ]);
  return table(["option", "meaning"], rows);
}
