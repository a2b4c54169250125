// One shard as a child process of this binary: started, watched, told to stop. Its log lines go to standard error under
// its name. Decides nothing about restarts.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { PARENT_PIPE_VARIABLE } from "./parent_watch.ts";
import type { Shard } from "./shard_plan.ts";

const READY = /^ready (\{.*\})$/;
/** Where `bun build --compile` puts the program's files. */
const COMPILED_ROOTS = ["/$bunfs/", "B:/~BUN/"];

export interface ShardEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export class ShardProcess {
  /** The fields of its ready line; null when it ended before. */
  readonly ready: Promise<Record<string, unknown> | null>;
  readonly ended: Promise<ShardEnd>;
  private readonly child: ChildProcess;

  /** `say` gets whole lines. A child that can't be started ends with code 1. */
  constructor(readonly shard: Shard, say: (line: string) => void) {
    const [program, ...first] = thisProgram();
    this.child = spawn(program!, [...first, ...shard.args], {
      // A process group of its own: Ctrl-C in a terminal reaches the parent alone, which forwards it once.
      detached: true,
      argv0: "roquet",
      env: { ...process.env, [PARENT_PIPE_VARIABLE]: "1" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown> | null>();
    this.ready = promise;
    this.ended = new Promise((resolveEnd) => {
      this.child.once("error", (error) => {
        say(`roquet: can't be started: ${error.message}`);
        resolveEnd({ code: 1, signal: null });
      });
      this.child.once("close", (code, signal) => resolveEnd({ code, signal }));
    });
    void this.ended.then(() => resolve(null));
    createInterface({ input: this.child.stderr! }).on("line", say);
    createInterface({ input: this.child.stdout! }).on("line", (line) => {
      const ready = READY.exec(line);
      if (ready) resolve(JSON.parse(ready[1]!));
      else say(line);
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Asks it to stop; a second time ends it at once. */
  signal(): void {
    this.child.kill("SIGTERM");
  }
}

/** What starts this binary again, or this runtime with the same entry. */
function thisProgram(): string[] {
  const entry = process.argv[1] ?? "";
  const isCompiled = COMPILED_ROOTS.some((root) => entry.startsWith(root));
  return isCompiled ? [process.execPath] : [process.execPath, ...process.execArgv, entry];
}
