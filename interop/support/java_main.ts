// Runs one of the driver's main classes (interop/java/src) beside Driver: to its end, or in the background.
import { driverClassPath, jvmOptions } from "./java.ts";
import { type RunningProcess, runToEnd, startProcess } from "./processes.ts";

/** Output of a main class that must end with 0. */
export async function runJavaMain(
  mainClass: string,
  args: readonly string[],
  folder: string,
): Promise<string> {
  const { code, stdout, stderr } = await runToEnd("java", await options(mainClass, args, folder), {
    timeoutMs: 120_000,
  });
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
    args: await options(mainClass, args, folder),
    logPath: `${folder}/${mainClass}-${Date.now()}.log`,
  });
}

async function options(
  mainClass: string,
  args: readonly string[],
  folder: string,
): Promise<string[]> {
  return [
    ...jvmOptions(`${folder}/home`),
    "-XX:TieredStopAtLevel=1",
    "-cp",
    await driverClassPath("5.4.0"),
    mainClass,
    ...args,
  ];
}
