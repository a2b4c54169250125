// The name server's composition root: opens the parts, wires them to the remoting server, closes
// them in reverse. Holds no logic of its own: routes are in route_table.ts, answers in
// *_processor.ts.
import type { LiveConfig } from "../../core/config/live_config.ts";
import type { NamesrvConfig } from "../../core/config/tables.ts";
import type { Disk } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import type { Random } from "../../core/random.ts";
import { RemotingClient } from "../../core/remoting/client.ts";
import { SERIALIZE_JSON } from "../../core/remoting/command.ts";
import type { RequestHook } from "../../core/remoting/dispatcher.ts";
import type { FirstBytesHook } from "../../core/remoting/first_bytes.ts";
import { type ListenAddress, RemotingServer } from "../../core/remoting/server.ts";
import type { Transport } from "../../core/remoting/transport.ts";
import { runInBackground } from "../../core/time/background.ts";
import type { Clock } from "../../core/time/clock.ts";
import { MetadataFile } from "../../store/file/metadata_file.ts";
import { serveConfig } from "./config_processor.ts";
import { Departures } from "./departures.ts";
import { isKvConfig, KvConfig } from "./kv_config.ts";
import { serveKvConfig } from "./kv_processor.ts";
import { NOTICE_TIMEOUT_MS } from "./limits.ts";
import { Notifier } from "./notifier.ts";
import { RegistrationProcessor } from "./registration_processor.ts";
import { RouteTable } from "./route_table.ts";
import { TopicProcessor } from "./topic_processor.ts";

/** When the first look for silent brokers is (NamesrvController). */
const FIRST_SCAN_MS = 5000;

export interface NameServerOptions {
  config: LiveConfig<NamesrvConfig>;
  clock: Clock;
  disk: Disk;
  random: Random;
  log: Logger;
  transport: Transport;
  hooks?: readonly RequestHook[];
  firstBytes?: FirstBytesHook;
}

export class NameServer implements AsyncDisposable {
  private constructor(
    private readonly server: RemotingServer,
    private readonly resources: AsyncDisposableStack,
  ) {}

  /**
   * Throws OperationError when the KV configuration can't be read, TransportError when the port
   * can't be had.
   */
  static async open(options: NameServerOptions): Promise<NameServer> {
    await using opening = new AsyncDisposableStack();
    const { config, clock, disk, log, transport } = options;
    const settings = config.values;
    const kv = openKvConfig(settings.kvConfigPath, disk, log);
    const client = opening.use(
      new RemotingClient({
        transport,
        clock,
        log: log.named("notices"),
        serializeType: SERIALIZE_JSON,
        connectTimeoutMs: NOTICE_TIMEOUT_MS,
      }),
    );
    const notifier = new Notifier(client, log);
    const routes = new RouteTable(settings);
    const departures = new Departures(clock, settings.unRegisterBrokerQueueCapacity, (batch) => {
      for (const gone of batch) log.info("broker unregistered", { ...gone });
      for (const change of routes.unregister(batch)) notifier.notify(change);
    });
    const server = opening.use(await openServer(options));
    const notify = notifier.notify.bind(notifier);
    new RegistrationProcessor({ routes, kv, departures, notify, settings, clock, log })
      .serve(server);
    new TopicProcessor({ routes, kv, settings, clock, log }).serve(server);
    serveKvConfig(server, kv, log);
    serveConfig(server, config, log);
    evictOnClose(server, routes, departures);
    opening.use(evictSilent(server, routes, departures, settings, clock, log));
    opening.defer(() => departures.stop());
    server.serve();
    return new NameServer(server, opening.move());
  }

  /** Where it listens, with the real port when 0 was asked for. */
  get addresses(): readonly ListenAddress[] {
    return this.server.addresses;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

function openKvConfig(path: string, disk: Disk, log: Logger): KvConfig {
  return new KvConfig(new MetadataFile({ path, disk, log, isWhole: isKvConfig }));
}

function openServer(options: NameServerOptions): Promise<RemotingServer> {
  const { config, clock, log, transport, hooks, firstBytes } = options;
  return RemotingServer.open({
    transport,
    clock,
    log: log.named("remoting"),
    host: config.values.bindAddress,
    ports: [config.values.listenPort],
    hold: true,
    limits: { idleMsMax: config.values.serverChannelMaxIdleTimeSeconds * 1000 },
    ...(hooks && { hooks }),
    ...(firstBytes && { firstBytes }),
  });
}

/** A broker whose connection ends leaves the routes at once. */
function evictOnClose(server: RemotingServer, routes: RouteTable, departures: Departures): void {
  server.onConnectionClosed((connection) => {
    for (const node of routes.onConnection(connection.id)) {
      for (const gone of routes.eviction(node)) departures.add(gone);
    }
  });
}

function evictSilent(
  server: RemotingServer,
  routes: RouteTable,
  departures: Departures,
  settings: NamesrvConfig,
  clock: Clock,
  log: Logger,
): AsyncDisposable {
  const tick = () => {
    const expired = routes.expired(clock.nowMs());
    const connectionIds = new Set<number>();
    for (const node of expired) {
      const { cluster, brokerName, address, timeoutMs } = node;
      log.warn("a broker was silent for too long", { cluster, brokerName, address, timeoutMs });
      connectionIds.add(node.connectionId);
      for (const gone of routes.eviction(node)) departures.add(gone);
    }
    if (connectionIds.size > 0) closeConnections(server, connectionIds);
    return "idle" as const;
  };
  const intervalMs = settings.scanNotActiveBrokerInterval;
  return runInBackground(
    { name: "silent brokers", intervalMs, initialDelayMs: FIRST_SCAN_MS, tick },
    clock,
    log,
  );
}

function closeConnections(server: RemotingServer, ids: ReadonlySet<number>): void {
  const closing = [...server.connections].filter(({ id }) => ids.has(id));
  for (const connection of closing) connection.close("the broker was silent for too long");
}
