// Runs the suites that need foreign peers: Apache's servers and Java clients, Go and Node clients.
//   deno task interop [NAME…]     only the suites whose file names contain one of the names
// In CI a missing tool is a failure; elsewhere it is said and nothing runs.
import { readdirSync } from "node:fs";
import { spawn } from "node:child_process";
import { jars, missingPeerTools } from "./support/java.ts";

const root = new URL("..", import.meta.url).pathname;
const SUITE_TIMEOUT_MS = 300_000;

const missing = await missingPeerTools();
if (missing.length > 0) {
  console.error(
    `interop needs what isn't on this machine:\n${missing.map((tool) => `  ${tool}\n`).join("")}`,
  );
  process.exit(process.env.CI ? 1 : 0);
}
await jars("5.4.0");
await jars("4.9.8");
await jars("4.9.7");
await jars("proxy-5.4.0");
await jars("grpc");

const wanted = process.argv.slice(2);
const suites = readdirSync(`${root}interop`)
  .filter((name) => name.endsWith("_test.ts"))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .map((name) => `./interop/${name}`);
if (suites.length === 0) {
  console.error(`no suite's name contains ${wanted.join(" or ")}`);
  process.exit(2);
}
const child = spawn(
  `${root}node_modules/.bin/bun`,
  ["test", "--timeout", String(SUITE_TIMEOUT_MS), ...suites],
  { cwd: root, stdio: "inherit" },
);
child.once("exit", (code) => process.exit(code ?? 1));
