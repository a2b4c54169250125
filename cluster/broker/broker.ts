// The broker's composition root: opens its parts in order, gives each what it uses, and closes them in reverse. Holds no
// logic of its own, and no part is given the broker.
import os from "node:os";
import process from "node:process";
import { firstFailure } from "../../core/errors.ts";
import type { BrokerConfig } from "../../core/config/tables.ts";
import { fastListenPortOf } from "../../core/config/servers.ts";
import type { LiveConfig } from "../../core/config/live_config.ts";
import type { Disk } from "../../core/disk/disk.ts";
import { type FileLocks, systemFileLocks } from "../../core/disk/file_lock.ts";
import type { Logger } from "../../core/log.ts";
import { UniqueKeyGenerator } from "../../core/message/message_id.ts";
import { type Random, randomBelow } from "../../core/random.ts";
import type { HostAddress } from "../../core/remoting/handler.ts";
import { type ListenAddress, RemotingServer } from "../../core/remoting/server.ts";
import type { Transport } from "../../core/remoting/transport.ts";
import { runInBackground } from "../../core/time/background.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { StoreThresholds } from "../../store/file_message_store_options.ts";
import { FileMessageStore } from "../../store/message_store_impl.ts";
import { openAdmin } from "./admin/open_admin.ts";
import { CLIENT_SCAN_INTERVAL_MS } from "./clients/client.ts";
import { registerClientCodes } from "./clients/client_codes.ts";
import { Consumers } from "./clients/consumers.ts";
import { MemberNotices } from "./clients/member_notices.ts";
import { Producers } from "./clients/producers.ts";
import { filterBitMaps } from "./filters/bit_maps.ts";
import { FILTER_SAVE_INTERVAL_MS } from "./filters/filter_table.ts";
import { registerGroupCodes } from "./groups/group_codes.ts";
import { registerLockCodes } from "./locks/lock_codes.ts";
import { BROADCAST_SCAN_INTERVAL_MS, BroadcastOffsets } from "./offsets/broadcast_offsets.ts";
import { registerOffsetCodes } from "./offsets/offset_codes.ts";
import { isFirstEntryInMemory } from "./offsets/queue_memory.ts";
import { isNotOnFastPort } from "./ports.ts";
import { servePop } from "./pop/serve_pop.ts";
import { registerPullCodes } from "./pull/pull_codes.ts";
import { Pulls } from "./pull/pulls.ts";
import { PutRules } from "./put_rules.ts";
import { openQuery } from "./query/open_query.ts";
import { openRegistration } from "./registration/open_registration.ts";
import { DelayedDelivery } from "./schedule/delayed_delivery.ts";
import { registerSendBack } from "./send_back/send_back.ts";
import { openSend } from "./send/open_send.ts";
import { openStats, type Statistics } from "./stats/open_stats.ts";
import type { StatsSink } from "./stats_sink.ts";
import { storeConfigOf } from "./store_config.ts";
import { storeAddressOf } from "./store_host.ts";
import { clampOffsets, openTables, saveAtTheEnd, type Tables } from "./tables.ts";
import { type OpenedTimer, openTimer } from "./timer/open_timer.ts";
import { registerTimerCodes } from "./timer/timer_codes.ts";
import { TimerRules } from "./timer/timer_rules.ts";
import { registerTopicCodes } from "./topics/topic_codes.ts";
import { openTransactions, type Transactions } from "./transactions/open_transactions.ts";

export interface BrokerOptions {
  config: LiveConfig<BrokerConfig>;
  clock: Clock;
  disk: Disk;
  /** Default: those of this runtime. */
  locks?: FileLocks;
  random: Random;
  log: Logger;
  transport: Transport;
  /** For simulations, whose stores are small. Default: the store's. */
  thresholds?: Partial<StoreThresholds>;
}

/** What every group of codes is made of. */
export interface BrokerParts extends Tables {
  config: LiveConfig<BrokerConfig>;
  clock: Clock;
  random: Random;
  log: Logger;
  stats: StatsSink;
  statistics: Statistics;
  disk: Disk;
  server: RemotingServer;
  store: FileMessageStore;
  storeHost: HostAddress;
  producers: Producers;
  consumers: Consumers;
  rules: PutRules;
  /** Null while timerWheelEnable is false. */
  timer: OpenedTimer | null;
  broadcastOffsets: BroadcastOffsets;
  pulls: Pulls;
  physicalMemoryBytes: number;
}

export class Broker implements AsyncDisposable {
  private constructor(
    /** What it listens on, with the real ports when 0 was asked for: the main port, then the fast one. */
    readonly addresses: readonly ListenAddress[],
    private readonly opened: AsyncDisposableStack,
  ) {}

  /** Resolves when requests are served. Throws UsageError, OperationError or TransportError; then all is closed again. */
  static async open(options: BrokerOptions): Promise<Broker> {
    try {
      return await Broker.openAll(options);
    } catch (error) {
      // What fails at the closing again doesn't hide why.
      throw firstFailure(error);
    }
  }

  private static async openAll(options: BrokerOptions): Promise<Broker> {
    await using stack = new AsyncDisposableStack();
    const server = await listen(options);
    // Should a later part fail to open, nobody was served yet.
    stack.use(server);
    const parts = await openParts(options, server, stack);
    const transactions = stack.use(
      await openTransactions({ ...parts, settings: parts.config.values }),
    );
    registerCodes(parts, transactions);
    startBackground(parts, stack);
    const delivery = stack.use(
      new DelayedDelivery({ ...parts, levels: parts.delayLevels, offsets: parts.delayOffsets }),
    );
    stack.use(parts.timer?.service);
    // From here on the order of closing begins: leave the name servers, take no more requests, stop what works.
    stack.use(server);
    servePop({ ...options, ...parts }, stack);
    const listenPort = server.addresses[0]!.port;
    const registration = openRegistration({ ...options, ...parts, listenPort }, stack);
    server.serve();
    delivery.start();
    parts.timer?.service.start();
    transactions.start();
    await registration.registerNow();
    return new Broker(server.addresses, stack.move());
  }

  /** Stops cleanly: no new requests, everything flushed and saved, out of the name servers. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.opened.disposeAsync();
    } catch (error) {
      throw firstFailure(error);
    }
  }
}

function listen({ config, clock, log, transport }: BrokerOptions): Promise<RemotingServer> {
  const { bindAddress, listenPort, serverChannelMaxIdleTimeSeconds } = config.values;
  return RemotingServer.open({
    transport,
    clock,
    log: log.named("remoting"),
    host: bindAddress,
    ports: [
      listenPort,
      { port: fastListenPortOf(config.values), excludes: isNotOnFastPort },
    ],
    hold: true,
    limits: { idleMsMax: serverChannelMaxIdleTimeSeconds * 1000 },
  });
}

async function openParts(
  options: BrokerOptions,
  server: RemotingServer,
  stack: AsyncDisposableStack,
): Promise<BrokerParts> {
  const { config, clock, disk, log, random, thresholds } = options;
  const settings = config.values;
  const tables = openTables({ settings, clock, disk, log });
  const address = await storeAddressOf(settings.brokerIP1);
  const storeHost = { address, port: server.addresses[0]!.port };
  const fileLocks = options.locks ?? await systemFileLocks();
  const storeParts = { disk, clock, log: log.named("store"), locks: fileLocks };
  const storeConfig = storeConfigOf({ config: settings, storeHost, thresholds, ...tables });
  const store = stack.use(await FileMessageStore.open(storeConfig, storeParts));
  if (settings.enableConsumeQueueExt && settings.enableCalcFilterBitMap) {
    store.setBitMaps(filterBitMaps(tables.filters.table, store));
  }
  tables.restoreLost(store);
  saveAtTheEnd(tables, store, stack);
  await clampOffsets(tables, store, options);
  const physicalMemoryBytes = os.totalmem();
  const consumers = new Consumers({ clock, log, settings });
  const notices = new MemberNotices(server, settings);
  consumers.onMembershipChange((group, members) => notices.groupChanged(group, members));
  const producers = new Producers();
  server.onConnectionClosed((connection) => {
    producers.connectionClosed(connection);
    consumers.connectionClosed(connection);
  });
  const broadcastOffsets = new BroadcastOffsets(
    tables.offsets,
    clock,
    settings,
    (topic, queueId) =>
      isFirstEntryInMemory({ store, settings, physicalMemoryBytes }, topic, queueId)
        ? 0
        : store.queueBounds(topic, queueId)?.maxOffset ?? 0,
  );
  const common = { ...tables, config, clock, random, log, server, store, storeHost, consumers };
  const statistics = stack.use(openStats({
    clock,
    log,
    settings,
    isSystemTopic: (topic) => tables.topics.isSystem(topic),
    storeStats: () => store.stats(),
  }));
  const stats = statistics.sink;
  const timerRules = new TimerRules(settings, random);
  const timer = openTimer({ ...options, settings, store, stats, timerRules });
  const rules = new PutRules(tables.delayLevels, settings, timerRules);
  const pulls = stack.use(
    new Pulls({ ...common, broadcastOffsets, stats, settings, physicalMemoryBytes }),
  );
  tables.offsets.onReset((topic, queueId, group) => pulls.held.wake(topic, queueId, group));
  return {
    ...common,
    stats,
    statistics,
    disk,
    producers,
    rules,
    timer,
    broadcastOffsets,
    pulls,
    physicalMemoryBytes,
  };
}

function registerCodes(parts: BrokerParts, { counts }: Transactions): void {
  const { server, random } = parts;
  const settings = parts.config.values;
  const withSettings = { ...parts, settings };
  registerTopicCodes(server, withSettings);
  registerGroupCodes(server, withSettings);
  registerClientCodes(server, withSettings);
  registerOffsetCodes(server, withSettings);
  registerLockCodes(server, parts.locks);
  registerPullCodes(server, parts);
  registerSendBack(server, withSettings);
  registerTimerCodes(server, withSettings);
  const keys = new UniqueKeyGenerator({
    clock: parts.clock,
    address: parts.storeHost.address,
    processId: process.pid,
    instanceHash: randomBelow(random, 2 ** 32),
  });
  const prepared = (topic: string) => counts.add(topic, 1);
  const sends = openSend({ ...withSettings, prepared, newUniqueKey: () => keys.next() });
  openQuery(withSettings);
  openAdmin({ ...parts, sends, brokerAddress: `${settings.brokerIP1}:${parts.storeHost.port}` });
}

function startBackground(parts: BrokerParts, stack: AsyncDisposableStack): void {
  const { clock, log, store, consumers, producers, broadcastOffsets, offsets, filters } = parts;
  const settings = parts.config.values;
  const every = (name: string, intervalMs: number, work: () => void | Promise<void>) => {
    const tick = async () => {
      await work();
      return "idle" as const;
    };
    stack.use(runInBackground({ name, intervalMs, tick }, clock, log));
  };
  every("client expiry", CLIENT_SCAN_INTERVAL_MS, () => {
    producers.expire(clock.nowMs());
    consumers.expire(clock.nowMs());
  });
  every("broadcast offsets", BROADCAST_SCAN_INTERVAL_MS, () => {
    broadcastOffsets.scan((group, clientId) => consumers.clientOf(group, clientId) !== undefined);
  });
  every(
    "saving consumer offsets",
    settings.flushConsumerOffsetInterval,
    () => offsets.saveWhenDirty(),
  );
  every("saving filters", FILTER_SAVE_INTERVAL_MS, () => filters.table.saveWhenChanged());
  every(
    "saving delay offsets",
    settings.flushDelayOffsetInterval,
    () => parts.saveDelayOffsets(store),
  );
}
