// The Go client's driver (interop/go), built from the Go module proxy's modules.
import { mkdirSync } from "node:fs";
import { workFolder } from "./java.ts";
import { runToEnd } from "./processes.ts";

const source = new URL("../go", import.meta.url).pathname;

/** The driver's path; built anew each time, which costs nothing when nothing changed. */
export async function goDriver(): Promise<string> {
  mkdirSync(workFolder, { recursive: true });
  const binary = `${workFolder}/go-driver`;
  const built = await runToEnd("go", ["build", "-o", binary, "."], {
    cwd: source,
    timeoutMs: 300_000,
  });
  if (built.code !== 0) throw new Error(`go build failed:\n${built.stderr}`);
  return binary;
}
