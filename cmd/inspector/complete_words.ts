// roquet completion SHELL inspector WORD…: prints what may complete the last word, as the shell's script expects it.
import type { ShellCompletion } from "@optique/core/completion";
import { message, text } from "@optique/core/message";
import { silentLogger } from "../../core/log.ts";
import { RemotingClient } from "../../core/remoting/client.ts";
import { Cluster } from "./cluster.ts";
import { commands } from "./commands.ts";
import { complete } from "./completion.ts";
import type { InspectorEnvironment } from "./main.ts";

/** A shell waits while this runs. */
const CONNECT_MS_MAX = 300;

/** Resolves with the exit code; null when the shell isn't known here. */
export async function completeWords(
  shell: string,
  words: readonly string[],
  environment: InspectorEnvironment,
): Promise<number | null> {
  const shells: Record<string, ShellCompletion> = { ...await import("@optique/core/completion") };
  const encoder = shells[shell];
  if (encoder === undefined) return null;
  const { clock, output, transport, variables } = environment;
  await using client = new RemotingClient({
    transport,
    clock,
    log: silentLogger,
    connectTimeoutMs: CONNECT_MS_MAX,
  });
  const found = await complete(commands, words, (nameServers) =>
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
