// What the commands' tests share: the command line as a child process, its output, and folders that go away.
// Used by tests alone.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const MAIN = new URL("./main.ts", import.meta.url).pathname;

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** Another program than this runtime with main.ts. */
  readonly program?: readonly string[];
}

/** A running command; `line` waits for a line of its standard output. */
export class Running {
  out = "";
  err = "";
  readonly finished: Promise<Finished>;
  private waiting: (() => void)[] = [];

  constructor(readonly child: ChildProcess) {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.out += text;
      this.wake();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
      this.wake();
    });
    this.finished = new Promise((resolve) => {
      child.on("close", (code, signal) => {
        resolve({ code, signal, out: this.out, err: this.err });
        this.wake();
      });
    });
  }

  /** Resolves when what was written so far matches; rejects when the process ends first. */
  async until(stream: "out" | "err", pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match) return match;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        await this.finished;
        throw new Error(
          `ended (${this.child.exitCode}) before ${pattern}:\n${this.out}${this.err}`,
        );
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** The fields of the ready line. */
  async ready(): Promise<Record<string, unknown>> {
    const [, json] = await this.until("out", /^ready (\{.*\})$/m);
    return JSON.parse(json!) as Record<string, unknown>;
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Starts `roquet ARGS`. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const [program, ...first] = options.program ?? [process.execPath, "run", MAIN];
  const env = { ...process.env, NAMESRV_ADDR: "", ROCKETMQ_HOME: "", ...options.env };
  return new Running(
    spawn(program!, [...first, ...args], {
      env,
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
}

/** Runs `roquet ARGS` to its end. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return start(args, options).finished;
}

/** A folder for one test. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "roquet-cmd-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
