// The examples in the doc comments and in docs/CLIENT.md run, one after the other, against a broker in this process.
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as roquet from "./mod.ts";
import { startRoquet } from "../../cmd/embedded.ts";

const folder = new URL(".", import.meta.url).pathname;

interface Example {
  file: string;
  code: string;
}

function examples(): Example[] {
  return readdirSync(folder).sort().filter((name) =>
    /^[a-z_]+\.ts$/.test(name) && !/_test\.ts$/.test(name)
  )
    .flatMap((file) => {
      const text = readFileSync(`${folder}${file}`, "utf8");
      return [...text.matchAll(/^ *\* ```ts\n([^]*?)^ *\* ```$/gm)].map((match) => ({
        file,
        code: match[1]!.replaceAll(/^ *\* ?/gm, ""),
      }));
    });
}

/** The guide's blocks: what each program of its readers begins with. */
function guide(): Example[] {
  const file = "CLIENT.md";
  const text = readFileSync(`${folder}../../docs/${file}`, "utf8");
  return [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => ({ file, code: code! }));
}

type Run = (
  names: typeof roquet & {
    producer: roquet.Producer;
    console: { log(...values: unknown[]): void };
  },
) => Promise<void>;

/** The example as a function of what it imports; Bun makes a module of it. */
async function load(code: string, path: string, nameServers: string): Promise<Run> {
  const imported = [...code.matchAll(/^import \{ (.*) \} from "roquet";$/gm)]
    .flatMap((match) => match[1]!.split(", "));
  const body = code.replaceAll(/^import .*$/gm, "").replaceAll("127.0.0.1:9876", nameServers);
  const names = [...new Set(["producer", "console", ...imported])]
    .filter((name) => name !== "producer" || !/using producer/.test(code));
  writeFileSync(path, `export default async ({ ${names.join(", ")} }) => {\n${body}\n};\n`);
  return (await import(path)).default;
}

test("every example in a doc comment and in the guide runs", async () => {
  await using cluster = await startRoquet({
    broker: { defaultTopicQueueNums: 1, recallMessageEnable: true },
  });
  const nameServers = cluster.nameServer;
  await using producer = await roquet.Producer.open({ nameServers, group: "p" });
  await producer.send({ topic: "Orders", body: "1", tags: "paid" });
  await producer.send({ topic: "Orders", body: "2", tags: "last" });
  const temporary = mkdtempSync(`${tmpdir()}/roquet-examples-`);
  const found = [...examples(), ...guide()];
  expect(found.map(({ file }) => file)).toEqual([
    "client_error.ts",
    "hooks.ts",
    "lite_pull_consumer.ts",
    ...Array(3).fill("pop_consumer.ts"),
    ...Array(7).fill("producer.ts"),
    "pull_consumer.ts",
    "push_consumer.ts",
    "push_consumer.ts",
    "selectors.ts",
    ...Array(5).fill("CLIENT.md"),
  ]);
  try {
    for (const [index, { file, code }] of found.entries()) {
      // For the loop: it goes on where the listener of its group was.
      await producer.send({ topic: "Orders", body: "3", tags: "last" });
      const run = await load(code, `${temporary}/${index}.ts`, nameServers);
      const printed: unknown[][] = [];
      await run({
        ...roquet,
        producer,
        console: { log: (...values) => printed.push(values) },
      });
      const prints = code.includes("console.log") && file !== "client_error.ts" &&
        !code.includes("paid || refunded");
      if (prints) expect(printed.length).toBeGreaterThan(0);
    }
  } finally {
    rmSync(temporary, { recursive: true });
  }
});
