// What a process costs, by the kernel's own accounting. Linux only: it reads /proc.
import { readFileSync } from "node:fs";

/** Clock ticks a second in /proc's times; 100 on every Linux that Bun runs on. */
const TICKS_A_SECOND = 100;

/** CPU time that a process has used, user and system, all its threads, in µs. */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * (1e6 / TICKS_A_SECOND);
}

/** Resident memory in MB (10^6 bytes). */
export function residentMb(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) * 1024 / 1e6;
}

/**
 * How long a process's main thread has waited for a core so far, in ms: beside other processes a broker can't be quicker
 * than the scheduler lets it.
 */
export function coreWaitMs(pid: number): number {
  const [, waitedNs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ");
  return Number(waitedNs) / 1e6;
}

/** How long the machine's cores were taken away by its hypervisor so far, in ms, all cores together. */
export function stolenMs(): number {
  const [, , , , , , , , stolen] = readFileSync("/proc/stat", "utf8").split(/\s+/, 9);
  return Number(stolen) * (1000 / TICKS_A_SECOND);
}
