// docs/CLI.md and docs/roquet.1: the commands as the parser and the tables of options declare them. Derived; states
// nothing of its own that a table holds.
import {
  type CommandPage,
  inspectorOptions,
  inspectorPages,
  mainPages,
  type OptionLine,
  type PageFamily,
} from "../../cmd/pages/command_pages.ts";
import { manPage } from "../../cmd/pages/man_page.ts";
import { type GeneratedDoc, table, wholeDoc } from "./generated_doc.ts";

export const cliDoc: GeneratedDoc = wholeDoc(
  "docs/CLI.md",
  () =>
    [
      intro(),
      ...mainPages().map((page) => pageText(page, "##")),
      inspectorIntro(),
      ...inspectorPages().map(familyText),
    ].join("\n\n"),
);

/** Comments of Markdown would be text of the page. */
export const manDoc: GeneratedDoc = { path: "docs/roquet.1", render: () => manPage() };

function intro(): string {
  return `# roquet: the command line

\`roquet COMMAND --help\` shows what stands here, and so does the man page (\`roquet man\`). Through a link named
\`mqnamesrv\`, \`mqbroker\` or \`mqadmin\` the binary is the command \`namesrv\`, \`broker\` or \`inspector\`.

- Exit code 0: done; 1: failed, also in part; 2: wrong usage or configuration. Errors go to standard error and name
  the cause; a stack is shown only with \`--debug\`.
- Colours only on a terminal, and none with NO_COLOR.`;
}

function inspectorIntro(): string {
  const count = inspectorPages().reduce((sum, { pages }) => sum + pages.length, 0);
  return `## inspector

${count} commands under the names, options and columns of Apache's mqadmin; through a link named \`mqadmin\`
the binary takes them directly. \`roquet inspector COMMAND --help\` shows what stands here.

- The name server is given by \`-n\`, else by NAMESRV_ADDR, else by ROCKETMQ_NAMESRV_ADDR; several are separated by
  semicolons, and the next is asked when one doesn't answer.
- \`-t T\`, \`-tT\`, \`-t=T\`, \`--topic T\`, \`--topic=T\` and \`-topic T\` are the same; command names may be written in any case.
- With \`--json\` a listing is one document, and what may go on for long (printMsg, consumeMessage, clusterList -i,
  clusterRT, several ids) one document a line. Times are milliseconds since 1970.
- What Java prints in the order of its hash tables is sorted here.

Options of every command:

${optionTable(inspectorOptions())}`;
}

function familyText({ pages, title }: PageFamily): string {
  return `## ${title}\n\n${pages.map((page) => pageText(page, "###")).join("\n\n")}`;
}

function pageText({ example, name, options, summary, usage }: CommandPage, mark: string): string {
  const parts = [
    `${mark} ${name.replace(/^inspector /, "")}`,
    summary,
    `\`\`\`\nroquet ${name}${usage}\n\`\`\``,
  ];
  if (options.length > 0) parts.push(optionTable(options));
  parts.push(`Example: \`${example}\``);
  return parts.join("\n\n");
}

function optionTable(options: readonly OptionLine[]): string {
  return table(["option", "meaning"], options.map(({ names, text }) => [`\`${names}\``, text]));
}
