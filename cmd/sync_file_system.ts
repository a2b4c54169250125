// Syncs a whole file system through the system's own command, since no runtime offers syncfs(2). For thousands of files
// at once; whoever has few syncs them one by one.
import { spawn } from "node:child_process";

/** False where there is no such command, or it failed. */
export function syncFileSystem(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const sync = spawn("sync", ["-f", path], { stdio: "ignore" });
    sync.once("error", () => resolve(false));
    sync.once("close", (code) => resolve(code === 0));
  });
}
