// Child processes of the interop suites and benches: started with their output kept, ended by their own pid.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { createServer } from "node:net";

export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  readonly logPath: string;
  /** Resolves with the exit code (or -1 for a signal). */
  readonly exited: Promise<number>;
  /** What it has written so far, both streams; not what an earlier process wrote to the same file. */
  output(): string;
  kill(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGINT"): void;
}

export interface StartOptions {
  command: string;
  args: readonly string[];
  logPath: string;
  env?: Record<string, string>;
  cwd?: string;
  stdin?: "ignore" | "pipe";
}

/** Starts a process whose output goes to a file. Disposing ends it: SIGTERM, and SIGKILL after 10 s. */
export function startProcess(options: StartOptions): RunningProcess {
  mkdirSync(dirname(options.logPath), { recursive: true });
  const earlierBytes = existsSync(options.logPath) ? statSync(options.logPath).size : 0;
  const log = createWriteStream(options.logPath, { flags: "a" });
  const child: ChildProcess = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [options.stdin ?? "ignore", "pipe", "pipe"],
  });
  child.stdout!.pipe(log, { end: false });
  child.stderr!.pipe(log, { end: false });
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? -1));
  });
  exited.catch(() => {});
  return {
    pid: child.pid ?? -1,
    logPath: options.logPath,
    exited,
    output: () => readFileSync(options.logPath).subarray(earlierBytes).toString("utf8"),
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        const killer = setTimeout(() => child.kill("SIGKILL"), 10_000);
        await exited.catch(() => {});
        clearTimeout(killer);
      }
      log.end();
    },
  };
}

/** Runs a command to its end and returns what it wrote. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; timeoutMs?: number; input?: string } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  child.stdout!.on("data", (chunk: Uint8Array) => stdout.push(chunk));
  child.stderr!.on("data", (chunk: Uint8Array) => stderr.push(chunk));
  if (options.input !== undefined) child.stdin!.end(options.input);
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 120_000);
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exit) => resolve(exit ?? -1));
  });
  clearTimeout(timer);
  return { code, stdout: String(Buffer.concat(stdout)), stderr: String(Buffer.concat(stderr)) };
}

/** What a probe throws when waiting longer makes no sense. */
export class GivenUp extends Error {
  override readonly name = "GivenUp";
}

/** Waits until `probe` gives a value; throws with `what` and the last error after `timeoutMs`, a GivenUp at once. */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  probe: () => T | undefined | null | false | Promise<T | undefined | null | false>,
): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadlineMs) {
    try {
      const value = await probe();
      if (value) return value;
    } catch (error) {
      if (error instanceof GivenUp) throw error;
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no ${what} within ${timeoutMs} ms${last ? `: ${last}` : ""}`);
}

/** A port p such that p − 2, p and p + 1 are free (a broker's fast, main and HA ports). */
export async function freeBrokerPort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    if (await isFree(port - 2) && await isFree(port) && await isFree(port + 1)) return port;
  }
  throw new Error("no free ports");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
