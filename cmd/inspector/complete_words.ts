// roquet completion SHELL COMMAND WORD…: prints what may complete the last word, as the shell's script expects it, for the
// commands whose options are tables here. The others, and the scripts themselves, are the parser's business.
import type { ShellCompletion } from "@optique/core/completion";
import { message, text } from "@optique/core/message";
import { silentLogger } from "../../core/log.ts";
import { RemotingClient } from "../../core/remoting/client.ts";
import type { Console } from "../console.ts";
import { Cluster } from "./cluster.ts";
import type { CommandFace } from "./command.ts";
import { complete } from "./completion.ts";
import { processEnvironment } from "./main.ts";

/** A shell waits while this runs. */
const CONNECT_MS_MAX = 300;

/** `args` come after "completion". Resolves with the exit code; null when this isn't for here. */
export async function completeWords(
  args: readonly string[],
  console: Console,
): Promise<number | null> {
  const [shell = "", command = "", ...words] = args;
  const faces = words.length === 0 ? null : await facesOf(command);
  if (faces === null) return null;
  const shells: Record<string, ShellCompletion> = { ...await import("@optique/core/completion") };
  const encoder = shells[shell];
  if (encoder === undefined) return null;
  const { clock, output, transport, variables } = processEnvironment(console);
  await using client = new RemotingClient({
    transport,
    clock,
    log: silentLogger,
    connectTimeoutMs: CONNECT_MS_MAX,
  });
  const line = command === "inspector" ? words : [command, ...words];
  const found = await complete(faces, line, (nameServers) =>
    new Cluster({
      client,
      clock,
      transport,
      nameServers: nameServers ?? (variables["NAMESRV_ADDR"] ||
        variables["ROCKETMQ_NAMESRV_ADDR"] || undefined),
    }));
  const suggestions = found.map(({ summary, text: word }) => ({
    kind: "literal" as const,
    text: word,
    ...(summary !== "" && { description: message`${text(summary)}` }),
  }));
  const encoded = [...encoder.encodeSuggestions(suggestions)].join("");
  if (encoded !== "") output.print(encoded.replace(/\n$/, ""));
  return 0;
}

async function facesOf(command: string): Promise<readonly CommandFace[] | null> {
  switch (command) {
    case "inspector":
      return (await import("./commands.ts")).commands;
    case "producer-bench":
      return [(await import("../producer_bench.ts")).producerBench];
    case "consumer-bench":
      return [(await import("../consumer_bench.ts")).consumerBench];
    default:
      return null;
  }
}
