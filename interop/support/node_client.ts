// The Node client (ali-ons from npm), installed below interop/.work and run with Node.
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { workFolder } from "./java.ts";
import { runToEnd } from "./processes.ts";

const source = new URL("../node", import.meta.url).pathname;

/** The folder in which `node driver.cjs` runs. */
export async function nodeClientFolder(): Promise<string> {
  const folder = `${workFolder}/node`;
  mkdirSync(folder, { recursive: true });
  copyFileSync(`${source}/driver.cjs`, `${folder}/driver.cjs`);
  if (existsSync(`${folder}/node_modules/ali-ons`)) return folder;
  copyFileSync(`${source}/package.json`, `${folder}/package.json`);
  const installed = await runToEnd("npm", ["install", "--no-audit", "--no-fund"], {
    cwd: folder,
    timeoutMs: 300_000,
  });
  if (installed.code !== 0) throw new Error(`npm install failed:\n${installed.stderr}`);
  return folder;
}
