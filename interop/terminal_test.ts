// The commands as a person at a terminal sees them: the progress bar, Ctrl-C, and lines that are typed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { PullConsumer } from "../core/client/mod.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { waitFor } from "./support/processes.ts";
import { roquetCommand } from "./support/roquet.ts";
import { type Terminal, terminals } from "./support/terminal_bun.ts";

const SHOWN_MS_MAX = 60_000;
const BAR = /\[#*\.+\] +\d+%/;
const CTRL_C = "\x03";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ namesrv: "roquet", broker: "roquet" });
}, SHOWN_MS_MAX);
afterAll(() => cluster?.[Symbol.asyncDispose]());

let scripts = 0;

/** A script that runs `roquet …`, tells its exit code, and stays. */
function scriptOf(line: string): string[] {
  const { command, args } = roquetCommand();
  const roquet = [command, ...args].map((word) => `'${word}'`).join(" ");
  const path = `${cluster.folder}/terminal-${scripts++}.sh`;
  writeFileSync(
    path,
    `trap : INT
export NAMESRV_ADDR=${cluster.namesrv.address}
${roquet} ${line}
echo "exit code $?"
sleep 600
`,
  );
  return ["bash", path];
}

function shows(terminal: Terminal, what: string, pattern: RegExp): Promise<string> {
  return waitFor(what, SHOWN_MS_MAX, async () => {
    const screen = await terminal.screen();
    return pattern.test(screen) && screen;
  });
}

/** Messages in a topic. */
async function countOf(topic: string): Promise<number> {
  await using consumer = await PullConsumer.open({
    nameServers: cluster.namesrv.address,
    group: "G_terminal",
  });
  const queues = await consumer.queues(topic);
  const offsets = await Promise.all(queues.map((queue) => consumer.maxOffset(queue)));
  return offsets.reduce((sum, offset) => sum + offset, 0);
}

describe.each(await terminals())("in %s", (_, open) => {
  test("producer-bench draws how far it is, and ends with its last report on Ctrl-C", async () => {
    const line = "producer-bench -t Drawn -w 2 --rate 200 --duration 300 -ri 60000";
    await using terminal = await open(scriptOf(line));
    await shows(terminal, "a progress bar", BAR);
    await terminal.type(CTRL_C);
    const screen = await shows(terminal, "the end", /exit code \d/);
    expect(screen).toContain("exit code 0");
    expect(screen).toMatch(/Status: SEND_OK \d+/);
    expect(screen).not.toMatch(BAR);
  });

  test("publish stores the lines that were typed, and ends on Ctrl-C", async () => {
    const topic = `Typed${scripts}`;
    await using terminal = await open(scriptOf(`inspector publish -t ${topic}`));
    await terminal.type("one\ntwo\n");
    await waitFor("both lines", SHOWN_MS_MAX, async () => await countOf(topic) === 2);
    await terminal.type(CTRL_C);
    const screen = await shows(terminal, "the end", /exit code \d/);
    expect(screen).toContain(`2 messages stored in ${topic}`);
    expect(screen).toContain("exit code 0");
  });
});
