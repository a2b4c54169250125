// A server's life as a process: open, say "ready", serve until a signal, close, exit code.
// Knows nothing of what is served. A second signal ends the process at once.
import process from "node:process";
import { AssertionError, OperationError, UsageError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { DiskError } from "../core/disk/disk.ts";
import { TransportError } from "../core/remoting/transport.ts";
import type { Console } from "./console.ts";

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** What a composition root opens. */
export interface RunningServer extends AsyncDisposable {
  /** Resolves with the reason when the server can't go on by itself. */
  readonly failed?: Promise<Error>;
}

export interface ServerLife<S extends RunningServer> {
  readonly open: () => Promise<S>;
  /** What the ready line says of it. */
  readonly describe: (server: S) => Record<string, unknown>;
  readonly console: Console;
  readonly log: Logger;
  readonly debug: boolean;
  readonly signals?: SignalSource;
}

export interface SignalSource {
  /** Calls back with each SIGTERM and SIGINT until disposed. */
  listen(callback: (name: string) => void): Disposable;
  /** Ends the process without any cleaning up. */
  exitAtOnce(code: number): void;
}

export const processSignals: SignalSource = {
  listen(callback) {
    const onSignal = withoutEchoes(callback, () => performance.now());
    process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
    return {
      [Symbol.dispose]() {
        process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
      },
    };
  },
  exitAtOnce: (code) => process.exit(code),
};

/** Signals that follow one by less than this are the same request to stop. */
const ECHO_MS_MAX = 300;

/**
 * Passes on each request to stop once. Ctrl-C reaches the whole process group and is forwarded by
 * whoever started us (deno task, npx, timeout) as well: taken for a second request, it would end us
 * before anything is saved.
 */
export function withoutEchoes(
  callback: (name: string) => void,
  monotonicMs: () => number,
): (name: string) => void {
  let lastMs = -Infinity;
  return (name) => {
    const nowMs = monotonicMs();
    const isEcho = nowMs - lastMs < ECHO_MS_MAX;
    lastMs = nowMs;
    if (!isEcho) callback(name);
  };
}

/** Runs a server until it is told to stop; resolves with the exit code. Throws only the UsageError of opening. */
export async function runServer<S extends RunningServer>(life: ServerLife<S>): Promise<number> {
  const { open, describe, console, log, debug, signals = processSignals } = life;
  let count = 0;
  const stop = Promise.withResolvers<"signal">();
  using _ = signals.listen((name) => {
    if (++count > 1) return signals.exitAtOnce(EXIT_FAILED);
    log.info(`stopping on ${name}; a second signal ends at once`);
    stop.resolve("signal");
  });
  try {
    const server = await open();
    // Told to stop while still opening: nobody waits for the ready line any more.
    if (count === 0) console.print(`ready ${JSON.stringify(describe(server))}`);
    const failure = await Promise.race([stop.promise, ...(server.failed ? [server.failed] : [])]);
    await server[Symbol.asyncDispose]();
    if (failure === "signal") return EXIT_DONE;
    console.complain(`roquet: ${explain(failure, debug)}`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    console.complain(`roquet: ${explain(error, debug)}`);
  }
  return EXIT_FAILED;
}

/** An error for a person: the message alone where they can act on it, the stack on demand. */
export function explain(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return String(error);
  if (debug && error.stack) return error.stack;
  if (error instanceof DiskError) return `${error.message}${inWords(error.code)}`;
  if (isExpected(error)) return error.message;
  const kind = error instanceof AssertionError ? "broken invariant" : "unexpected failure";
  return `${kind}: ${error.message} (run with --debug for details)`;
}

function isExpected(error: Error): boolean {
  return error instanceof OperationError || error instanceof TransportError;
}

/** What a person may not know by the system's name. */
const DISK_ERRORS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EEXIST: "something else has this name",
  ENOENT: "no such file or folder",
  ENOSPC: "the disk is full",
  EISDIR: "a folder has this name",
  ENOTDIR: "a part of the path is a file",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
};

function inWords(code: string): string {
  const words = DISK_ERRORS[code];
  return words === undefined ? "" : `, ${words}`;
}
