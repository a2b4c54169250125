// publish and subscribe with the process's input, output and signals played. Used by tests alone.
import { silentLogger } from "../core/log.ts";
import { RemotingClient } from "../core/remoting/client.ts";
import { createNodeTransport } from "../core/remoting/transport_node.ts";
import { systemClock } from "../core/time/system_clock.ts";
import { Cluster } from "./inspector/cluster.ts";
import type { CommandRow } from "./inspector/command.ts";
import { parseArguments } from "./inspector/parse_arguments.ts";
import { Report } from "./inspector/report.ts";
import { publishCommand } from "./publish.ts";
import type { Input } from "./publish_input.ts";
import type { SignalSource } from "./server_process.ts";
import { subscribeCommand } from "./subscribe.ts";
import type { WriteBytes } from "./subscribe_output.ts";

/** Signals that a test sends. */
export class PlayedSignals implements SignalSource {
  exits: number[] = [];
  private callback: (name: string) => void = () => {};

  listen(callback: (name: string) => void): Disposable {
    this.callback = callback;
    return { [Symbol.dispose]: () => this.callback = () => {} };
  }

  exitAtOnce(code: number): void {
    this.exits.push(code);
  }

  send(): void {
    this.callback("SIGINT");
  }
}

export interface Played {
  /** What the report printed, and what it complained of. */
  out: string;
  err: string;
  failed: boolean;
}

async function play(row: CommandRow, line: string, nameServer: string): Promise<Played> {
  const out: string[] = [];
  const err: string[] = [];
  const given = parseArguments(row, line.split(" "));
  const clock = systemClock;
  const transport = createNodeTransport(clock);
  await using client = new RemotingClient({ transport, clock, log: silentLogger });
  const output = {
    print: (text: string) => void out.push(text),
    complain: (text: string) => void err.push(text),
  };
  const report = new Report({ output, asJson: given.json, isTerminal: false, colors: false });
  await row.run({
    options: given.values,
    cluster: new Cluster({ client, nameServers: nameServer, clock, transport }),
    report,
    clock,
    sleep: (milliseconds) => clock.sleep(milliseconds),
  });
  report.flush();
  return { out: out.join("\n"), err: err.join("\n"), failed: report.hasFailed };
}

/** Runs publish over an input of these parts. */
export function publish(
  nameServer: string,
  line: string,
  input: Input | string,
  signals = new PlayedSignals(),
): Promise<Played> {
  const given = typeof input === "string" ? textInput(input) : input;
  return play(publishCommand({ input: () => given, signals }), line, nameServer);
}

/** Runs subscribe; resolves with what was written. */
export async function subscribe(
  nameServer: string,
  line: string,
  options: { write?: WriteBytes; signals?: PlayedSignals } = {},
): Promise<string> {
  const written: string[] = [];
  const write: WriteBytes = options.write ?? ((bytes) => {
    written.push(new TextDecoder().decode(bytes));
    return Promise.resolve();
  });
  const row = subscribeCommand({ write, signals: options.signals ?? new PlayedSignals() });
  await play(row, line, nameServer);
  return written.join("");
}

function textInput(text: string): Input {
  return { chunks: ReadableStream.from([new TextEncoder().encode(text)]), isTerminal: false };
}
