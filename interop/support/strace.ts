// What a running process does to its files and sockets, as the kernel sees it: strace, attached and read back as writes,
// syncs, renames and sent bytes, each with when it began and when it had ended.
import { readFileSync } from "node:fs";
import { runToEnd, startProcess, waitFor } from "./processes.ts";

const CALLS =
  "pwrite64,pwritev,write,writev,sendto,sendmsg,fdatasync,fsync,rename,renameat,renameat2";
/** Bytes of each buffer that are shown: an answer's message id must be among them. */
const SHOWN_BYTES = 4096;

export interface Traced {
  call: string;
  /** Of a rename: the old path. */
  path: string;
  /** Of a rename: the new path. */
  to: string;
  /** What stands between the brackets. */
  text: string;
  /** Bytes and position of a write to a file. */
  length: number;
  position: number;
  /** Lines of the trace. */
  beganAt: number;
  /** Infinity when it never ended. */
  endedAt: number;
}

/** Why no process can be traced here; null when it can. */
export async function whyNoStrace(): Promise<string | null> {
  try {
    const { code, stderr } = await runToEnd("strace", ["-o", "/dev/null", "true"]);
    return code === 0 ? null : `strace can't trace here: ${stderr.trim()}`;
  } catch {
    return "strace isn't on this machine";
  }
}

/** Traces a process until it is stopped; gives what was seen. */
export async function startStrace(
  pid: number,
  folder: string,
): Promise<{ stop(): Promise<Traced[]> }> {
  const tracePath = `${folder}/strace.trace`;
  const process = startProcess({
    command: "strace",
    args: [
      "-f",
      "-yy",
      "-s",
      `${SHOWN_BYTES}`,
      "-o",
      tracePath,
      "-e",
      `trace=${CALLS}`,
      "-p",
      `${pid}`,
    ],
    logPath: `${folder}/strace.log`,
  });
  await waitFor("strace to attach", 20_000, () => process.output().includes("attached"));
  return {
    async stop() {
      process.kill("SIGINT");
      await process.exited;
      await process[Symbol.asyncDispose]();
      return parseTrace(readFileSync(tracePath, "latin1"));
    },
  };
}

/** The calls of a trace, in the order in which they began. */
export function parseTrace(trace: string): Traced[] {
  const calls: Traced[] = [];
  const open = new Map<string, Traced>();
  trace.split("\n").forEach((line, at) => {
    const resumed = /^(\d+) +<\.\.\. \w+ resumed>/.exec(line);
    if (resumed !== null) {
      const call = open.get(resumed[1]!);
      if (call !== undefined && !/= -1 /.test(line)) call.endedAt = at;
      return;
    }
    const begun = /^(\d+) +(\w+)\((.*)$/.exec(line);
    if (begun === null) return;
    const call = tracedCall(begun[2]!, begun[3]!, at);
    calls.push(call);
    if (line.includes("<unfinished ...>")) open.set(begun[1]!, call);
    else if (!/= -1 /.test(line)) call.endedAt = at;
  });
  return calls;
}

function tracedCall(call: string, text: string, beganAt: number): Traced {
  const [, first = "", to = ""] = call.startsWith("rename")
    ? /"([^"]*)".*"([^"]*)"/.exec(text) ?? []
    : /^\d+<([^>]*)>/.exec(text) ?? [];
  const [, length = "0", position = "0"] = /, (\d+), (\d+)(?:\)| <unfinished)/.exec(text) ?? [];
  return {
    call,
    path: first,
    to,
    text,
    length: Number(length),
    position: Number(position),
    beganAt,
    endedAt: Infinity,
  };
}
