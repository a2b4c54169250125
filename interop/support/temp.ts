// Temporary folders of the interop suites, gone at the end unless KEEP_INTEROP is set.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

export function tempFolder(name: string): { path: string } & Disposable {
  const path = mkdtempSync(`${tmpdir()}/roquet-${name}-`);
  return {
    path,
    [Symbol.dispose]() {
      if (process.env.KEEP_INTEROP === undefined) rmSync(path, { recursive: true, force: true });
    },
  };
}
