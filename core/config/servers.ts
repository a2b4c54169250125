// What a broker's and a name server's configuration adds to its table: values that follow from several keys, and ports.
import { type ConfigSource, type Findings, loadConfig, type LoadedConfig } from "./load.ts";
import type { Machine } from "./key.ts";
import { LiveConfig } from "./live_config.ts";
import { type BrokerConfig, brokerKeys, type NamesrvConfig, namesrvKeys } from "./tables.ts";

const CONSUME_QUEUE_UNIT_BYTES = 20;
const BATCH_CONSUME_QUEUE_UNIT_BYTES = 46;
const PORT_MAX = 65535;

/** Apache's classes whose keys a getBrokerConfig lists even when they aren't set (BrokerController). */
const BROKER_LISTED = [
  "BrokerConfig",
  "NettyServerConfig",
  "NettyClientConfig",
  "MessageStoreConfig",
];
/** The same for getNamesrvConfig (NamesrvController). */
const NAMESRV_LISTED = ["NamesrvConfig", "NettyServerConfig"];

const NOTHING_FOUND: Findings = { problems: [], warnings: [] };
/** Paths that Apache's getters make from storePathRootDir while they aren't set (MessageStoreConfig, BrokerConfig). */
const BROKER_DERIVED = new Set([
  "storePathCommitLog",
  "storePathEpochFile",
  "storePathBrokerIdentity",
]);

export interface ServerConfig<V extends object> extends LoadedConfig<V> {
  readonly live: LiveConfig<V>;
}

type Persist = (changes: ReadonlyMap<string, string>) => void;

/** Throws ConfigError with all problems. `persist` keeps run-time changes; without it they end with the process. */
export function loadBrokerConfig(
  source: ConfigSource,
  machine: Machine,
  persist?: Persist,
): ServerConfig<BrokerConfig> {
  const loaded = loadConfig<BrokerConfig>(brokerKeys, deriveBroker, source, machine);
  const { values, given, extras } = loaded;
  const live = new LiveConfig({
    table: brokerKeys,
    values,
    given,
    listedOwners: BROKER_LISTED,
    derived: BROKER_DERIVED,
    extras,
    persist,
  });
  return { ...loaded, live };
}

/** Throws ConfigError with all problems. */
export function loadNamesrvConfig(
  source: ConfigSource,
  machine: Machine,
  persist?: Persist,
): ServerConfig<NamesrvConfig> {
  const loaded = loadConfig<NamesrvConfig>(namesrvKeys, () => NOTHING_FOUND, source, machine);
  const { values, given, extras } = loaded;
  const live = new LiveConfig({
    table: namesrvKeys,
    values,
    given,
    listedOwners: NAMESRV_LISTED,
    extras,
    persist,
  });
  return { ...loaded, live };
}

/** The port that serves all but pulls: two below the broker's, or a free one when that is free. */
export function fastListenPortOf(config: Pick<BrokerConfig, "listenPort">): number {
  return config.listenPort === 0 ? 0 : config.listenPort - 2;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function deriveBroker(raw: Record<string, unknown>, given: ReadonlySet<string>): Findings {
  const values = raw as Writable<BrokerConfig>;
  const warnings = oddities(values);
  const root = values.storePathRootDir;
  if (values.storePathCommitLog === "") values.storePathCommitLog = `${root}/commitlog`;
  if (values.storePathEpochFile === "") values.storePathEpochFile = `${root}/epochFileCheckpoint`;
  if (values.storePathBrokerIdentity === "") {
    values.storePathBrokerIdentity = `${root}/brokerIdentity`;
  }
  // BrokerStartup: the id of a master is 0, whatever the file says.
  values.brokerId = 0;
  values.mappedFileSizeConsumeQueue = roundUp(
    values.mappedFileSizeConsumeQueue,
    CONSUME_QUEUE_UNIT_BYTES,
  );
  values.mapperFileSizeBatchConsumeQueue = roundUp(
    values.mapperFileSizeBatchConsumeQueue,
    BATCH_CONSUME_QUEUE_UNIT_BYTES,
  );
  return { problems: derivePorts(values, given), warnings };
}

/** What is allowed, and likely not what was meant. */
function oddities({ brokerId, brokerRole }: BrokerConfig): string[] {
  const warnings: string[] = [];
  if (brokerId !== 0) {
    warnings.push(`brokerId=${brokerId}: taken as 0, since brokerRole=${brokerRole} is a master's`);
  }
  if (brokerRole === "SYNC_MASTER") {
    warnings.push(
      "brokerRole=SYNC_MASTER promises nothing: with inSyncReplicas=1 nobody is waited for",
    );
  }
  return warnings;
}

function derivePorts(values: Writable<BrokerConfig>, given: ReadonlySet<string>): string[] {
  const { listenPort } = values;
  if (values.haListenPort === 0 && listenPort > 0 && !given.has("haListenPort")) {
    values.haListenPort = listenPort + 1;
  }
  const problems: string[] = [];
  if (listenPort === 1 || listenPort === 2) {
    problems.push(`listenPort=${listenPort}: must be 0, or above 2: the fast port is two below it`);
  }
  if (values.haListenPort > PORT_MAX) {
    problems.push(`listenPort=${listenPort}: must be below ${PORT_MAX}, or haListenPort be set`);
  }
  const { haListenPort } = values;
  if (haListenPort !== 0 && (haListenPort === listenPort || haListenPort === listenPort - 2)) {
    problems.push(`haListenPort=${haListenPort}: is a port of the broker's already`);
  }
  return problems;
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
