// The completion script in a real bash, which asks the program as it does when a user presses Tab.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import process from "node:process";
import { openTestCluster, type TestCluster } from "./testing.ts";

const MAIN = new URL("../main.ts", import.meta.url).pathname;
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await openTestCluster();
  await cluster.json("updateTopic -c TestCluster -t OrdersPaid");
  await cluster.json("updateSubGroup -c TestCluster -g billing");
});

afterAll(() => cluster?.[Symbol.asyncDispose]());

/** What bash offers at the end of each line, all in one shell. */
function offered(lines: readonly string[]): Promise<string[][]> {
  const script = `
    roquet() { '${process.execPath}' run '${MAIN}' "$@"; }
    source <(roquet completion bash)
    tab() {
      COMP_LINE=$1 COMP_POINT=\${#1}
      read -ra COMP_WORDS <<< "$1"
      [[ $1 == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _roquet roquet "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
      echo "= \${COMPREPLY[*]}"
    }
    ${lines.map((line) => `tab '${line}'`).join("\n    ")}`;
  const bash = spawn("bash", ["--norc", "-c", script], {
    env: { ...process.env, NAMESRV_ADDR: cluster.nameServer },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  bash.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  return new Promise((resolve) =>
    bash.on("close", () =>
      resolve(
        out.split("\n").filter((line) => line.startsWith("="))
          .map((line) => line.slice(1).split(" ").filter((word) => word !== "")),
      ))
  );
}

test("bash completes commands, options, and the names of topics and groups that there are", async () => {
  const [commands, inspector, topics, benchTopics, groups, keys] = await offered([
    "roquet ",
    "roquet inspector topicR",
    "roquet inspector topicRoute -t Ord",
    "roquet producer-bench -t OrdersP",
    "roquet inspector subscribe -t OrdersPaid -g bil",
    "roquet broker --config",
  ]);
  expect(commands).toEqual(
    expect.arrayContaining([
      "namesrv",
      "broker",
      "producer-bench",
      "consumer-bench",
      "inspector",
      "quickstart",
      "man",
    ]),
  );
  expect(inspector).toEqual(["topicRoute"]);
  expect(topics).toEqual(["OrdersPaid"]);
  expect(benchTopics).toEqual(["OrdersPaid"]);
  expect(groups).toEqual(["billing"]);
  expect(keys).toEqual(["--configFile"]);
});
