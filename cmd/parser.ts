// The command line: every command with its options, help and an example. Only describes; main.ts acts.
import { merge, object, or } from "@optique/core/constructs";
import { commandLine, type Message, message, text } from "@optique/core/message";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { command, constant, flag, option, passThrough } from "@optique/core/primitives";
import { choice, integer, string } from "@optique/core/valueparser";
import type { InferValue } from "@optique/core/parser";
import { SHARD_PORT_STRIDE, SHARDS_MAX } from "./shards/shard_plan.ts";

const configFile = optional(option("-c", "--configFile", string({ metavar: "FILE" }), {
  description: message`Configuration file, in Apache's key=value form.`,
}));

const settings = multiple(option("--set", string({ metavar: "KEY=VALUE" }), {
  description: message`Sets one key, over the file. May be repeated.`,
}));

const strict = withDefault(
  flag("--strict", { description: message`Unknown and repeated keys are errors, not warnings.` }),
  false,
);

const printAll = withDefault(
  flag("-p", "--printConfigItem", {
    description: message`Prints every key with its value, and exits.`,
  }),
  false,
);

const debug = withDefault(
  flag("--debug", { description: message`Logs everything, and shows stacks of errors.` }),
  false,
);

const logging = object("Logging", {
  logLevel: withDefault(
    option("--log-level", choice(["debug", "info", "warn", "error"] as const), {
      description: message`Least level that is logged: debug, info, warn or error.`,
    }),
    "info" as const,
  ),
  logJson: withDefault(
    flag("--log-json", { description: message`Logs one JSON object a line.` }),
    false,
  ),
  logFile: optional(option("--log-file", string({ metavar: "FILE" }), {
    description: message`Logs to this file too; it is rotated by size.`,
  })),
  debug,
});

const namesrv = command(
  "namesrv",
  merge(
    object({ command: constant("namesrv"), configFile, settings, strict, printAll }),
    logging,
  ),
  {
    brief: message`Runs a name server.`,
    description: message`Runs a name server until SIGTERM or SIGINT.`,
    footer: message`Example: ${
      commandLine("roquet namesrv -c namesrv.conf --set listenPort=9876")
    }`,
  },
);

const broker = command(
  "broker",
  merge(
    object({
      command: constant("broker"),
      configFile,
      namesrvAddr: optional(option("-n", "--namesrvAddr", string({ metavar: "ADDRESSES" }), {
        description: message`Name servers: host:port, separated by semicolons.`,
      })),
      settings,
      shards: optional(option("--shards", integer({ metavar: "N", min: 1, max: SHARDS_MAX }), {
        description:
          message`Runs N brokers, a process each: brokerName-0 and so on, listenPort every ${
            text(String(SHARD_PORT_STRIDE))
          } ports, stores below storePathRootDir.`,
      })),
      strict,
      printAll,
      printImportant: withDefault(
        flag("-m", "--printImportantConfig", {
          description: message`Prints the important keys with their values, and exits.`,
        }),
        false,
      ),
    }),
    logging,
  ),
  {
    brief: message`Runs a broker.`,
    description: message`Runs a broker until SIGTERM or SIGINT.`,
    footer: message`Example: ${
      commandLine(
        "roquet broker -c broker.conf -n 127.0.0.1:9876 --set storePathRootDir=/data/store",
      )
    }`,
  },
);

const quickstart = command(
  "quickstart",
  object({
    command: constant("quickstart"),
    keep: withDefault(
      flag("--keep", { description: message`Keeps both servers running until SIGINT.` }),
      false,
    ),
    debug,
  }),
  {
    brief: message`Shows a message's way through a name server and a broker.`,
    description: message`Starts a name server and a broker in this process on free ports and a new
      store, sends messages, consumes them and shows it. Nothing is left behind.`,
    footer: message`Example: ${commandLine("roquet quickstart")}`,
  },
);

/** A command that reads its own arguments: here it is only listed and completed. */
function listed<const N extends string>(name: N, brief: Message) {
  const args = passThrough({ format: "greedy" });
  return command(name, object({ command: constant(name), args }), { brief });
}

const producerBench = listed("producer-bench", message`Measures sending, as Apache's benchmark.`);
const consumerBench = listed("consumer-bench", message`Measures consuming, as Apache's benchmark.`);
const inspector = listed("inspector", message`Looks at a cluster and changes it, as mqadmin.`);
const man = listed("man", message`Prints the man page.`);

export const rootParser = or(
  namesrv,
  broker,
  producerBench,
  consumerBench,
  inspector,
  quickstart,
  man,
);
export type Command = InferValue<typeof rootParser>;
export type NamesrvCommand = Extract<Command, { command: "namesrv" }>;
export type BrokerCommand = Extract<Command, { command: "broker" }>;
export type QuickstartCommand = Extract<Command, { command: "quickstart" }>;
