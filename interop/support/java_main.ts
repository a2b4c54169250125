// Runs one of the driver's main classes (interop/java/src) beside Driver: to its end, or in the background.
import { type ClientVersion, driverClassPath, jvmOptions } from "./java.ts";
import { type RunningProcess, runToEnd, startProcess } from "./processes.ts";

/** Output of a main class that must end with 0. */
export async function runJavaMain(
  mainClass: string,
  args: readonly string[],
  folder: string,
  version: ClientVersion = "5.4.0",
): Promise<string> {
  const options = await optionsOf(mainClass, args, folder, version);
  const { code, stdout, stderr } = await runToEnd("java", options, { timeoutMs: 200_000 });
  if (code !== 0) throw new Error(`${mainClass} ${args.join(" ")}: ended with ${code}\n${stderr}`);
  return stdout;
}

export async function startJavaMain(
  mainClass: string,
  args: readonly string[],
  folder: string,
): Promise<RunningProcess> {
  return startProcess({
    command: "java",
    args: await optionsOf(mainClass, args, folder),
    logPath: `${folder}/${mainClass}-${Date.now()}.log`,
  });
}

async function optionsOf(
  mainClass: string,
  args: readonly string[],
  folder: string,
  version: ClientVersion = "5.4.0",
): Promise<string[]> {
  return [
    ...jvmOptions(`${folder}/home`),
    "-XX:TieredStopAtLevel=1",
    "-cp",
    await driverClassPath(version),
    mainClass,
    ...args,
  ];
}
