// Apache's mqadmin on a list of commands, in one JVM.
import { mkdirSync, writeFileSync } from "node:fs";
import { driverClassPath, jvmOptions } from "./java.ts";
import { runToEnd } from "./processes.ts";

/** What stands for the output of commands that the JVM didn't live to run. */
export const NO_OUTPUT = "(no output";

/** What each command printed on standard output, in order. */
export async function mqadmin(
  namesrvAddress: string,
  commands: readonly (readonly string[])[],
  folder: string,
): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/commands-${Date.now()}.txt`;
  writeFileSync(file, commands.map((words) => `${words.join("\t")}\n`).join(""));
  const { stdout, stderr } = await runToEnd("java", [
    ...jvmOptions(folder),
    "-XX:TieredStopAtLevel=1",
    `-Drocketmq.namesrv.addr=${namesrvAddress}`,
    "-cp",
    await driverClassPath("5.4.0"),
    "Admin",
    file,
  ], {
    env: { ROCKETMQ_HOME: folder, NAMESRV_ADDR: namesrvAddress },
    // Some commands write files where they are run.
    cwd: folder,
    timeoutMs: 280_000,
  });
  const outputs = commands.map((_, index) => {
    const next = index + 1 < commands.length ? String(index + 1) : "end";
    const found = stdout.split(`@@ ${index}\n`)[1]?.split(`@@ ${next}\n`)[0];
    return found ?? `${NO_OUTPUT}; the JVM said: ${stderr.slice(-1000)})`;
  });
  return outputs;
}
