// A process around a benchmark that only remembers what was printed. Used by tests alone.
import { createNodeTransport } from "../../core/remoting/transport_node.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { type BenchCommand, type BenchEnvironment, runBench } from "./bench_command.ts";

export interface BenchStage {
  out: string[];
  err: string[];
  /** Runs the command; the words are separated by blanks. */
  run(line: string): Promise<number>;
  interrupt(): void;
}

export function benchStage(command: BenchCommand, nameServer: string): BenchStage {
  const out: string[] = [];
  const err: string[] = [];
  let signal = () => {};
  const environment: BenchEnvironment = {
    console: { print: (text) => void out.push(text), complain: (text) => void err.push(text) },
    clock: systemClock,
    client: { transport: createNodeTransport(systemClock), localAddress: "127.0.0.1" },
    signals: {
      listen(callback) {
        signal = () => callback("SIGINT");
        return { [Symbol.dispose]() {} };
      },
      exitAtOnce: (code) => void err.push(`exit at once ${code}`),
    },
    variables: { NAMESRV_ADDR: nameServer },
    screen: null,
    cpuMicroseconds: () => 0,
    colors: false,
  };
  const run = (line: string) => runBench(command, line.split(" "), environment);
  return { out, err, run, interrupt: () => signal() };
}
