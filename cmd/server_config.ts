// What namesrv and broker do alike before they open: read the configuration, say what is odd about it, or print it.
import type { ConfigSource } from "../core/config/load.ts";
import type { KeyTable, Machine } from "../core/config/key.ts";
import type { ServerConfig } from "../core/config/servers.ts";
import type { Logger } from "../core/log.ts";
import { keepChanges, readConfigFile } from "./config_file.ts";
import type { Console } from "./console.ts";

export interface ConfigOptions {
  readonly configFile: string | undefined;
  readonly settings: readonly string[];
  readonly strict: boolean;
}

type Load<V extends object> = (
  source: ConfigSource,
  machine: Machine,
  persist?: (changes: ReadonlyMap<string, string>) => void,
) => ServerConfig<V>;

/** Throws ConfigError with all problems. */
export function readServerConfig<V extends object>(
  options: ConfigOptions,
  flags: NonNullable<ConfigSource["flags"]>,
  machine: Machine,
  load: Load<V>,
): ServerConfig<V> {
  const { configFile, settings, strict } = options;
  const source = { overrides: settings, flags, strict };
  if (configFile === undefined) return load(source, machine);
  const file = readConfigFile(configFile);
  return load({ ...source, file }, machine, keepChanges(configFile));
}

/** Warnings, and the keys that were set in vain: once, at start. */
export function reportConfig<V extends object>(config: ServerConfig<V>, log: Logger): void {
  for (const warning of config.warnings) log.warn(warning);
  const byReason = Map.groupBy(config.ignored, ({ because }) => because);
  for (const [because, keys] of byReason) {
    log.info(`set without effect: ${keys.map(({ name }) => name).join(", ")} (${because})`);
  }
}

/** -p and -m: "key=value" each, sorted, nothing after the = of an unset one, secrets masked. */
export function printConfig<V extends object>(
  config: ServerConfig<V>,
  table: KeyTable,
  onlyImportant: boolean,
  console: Console,
): void {
  const lines = config.live.entries()
    .filter(([name]) => !onlyImportant || table[name]?.important === true)
    .map(([name, value]) => `${name}=${value ?? ""}`);
  console.print(lines.join("\n"));
}
