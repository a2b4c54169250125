// NamesrvConfig, and ControllerConfig and JraftConfig as far as they stand in the same file. Declarations only.
import {
  bool,
  ignored,
  int,
  type KeyFlags,
  keysOf,
  type Kind,
  live,
  long,
  optionalPath,
  optionalText,
  path,
  refused,
  text,
  used,
} from "../key.ts";
import { CONTROLLER, NO_POOLS } from "./reasons.ts";

export const nameServerKeys = keysOf("NamesrvConfig", {
  rocketmqHome: used(
    optionalPath((machine) => machine.rocketmqHome),
    "Stands for ${ROCKETMQ_HOME} in paths. Unset: the ROCKETMQ_HOME variable.",
    { apacheDefault: "null", defaultText: "$ROCKETMQ_HOME" },
  ),
  listenPort: used(
    int(9876, "", { max: 65535 }),
    "TCP port of the name server; 0 picks a free one.",
    { apacheDefault: "none" },
  ),
  kvConfigPath: used(
    path((machine) => `${machine.homeDirectory}/namesrv/kvConfig.json`),
    "File that keeps the key-value configuration.",
    { defaultText: "${user.home}/namesrv/kvConfig.json" },
  ),
  configStorePath: ignored(
    path((machine) => `${machine.homeDirectory}/namesrv/namesrv.properties`),
    "the file that is read and updated is the one named by -c",
    "File that settings changed at run time are written to.",
    { defaultText: "${user.home}/namesrv/namesrv.properties" },
  ),
  productEnvName: ignored(
    text("center"),
    "there are no product environments",
    "Environment whose topics a cluster test takes over.",
  ),
  clusterTest: refused(
    bool(false),
    {
      when: (on) => on,
      because: "there are no product environments",
      instead: "set it to false",
    },
    "Asks another environment for topics that are unknown here.",
  ),
  orderMessageEnable: live(
    bool(false),
    "Adds the order configuration of a topic to its route.",
  ),
  returnOrderTopicConfigToBroker: live(
    bool(true),
    "Answers a registration with the order configuration of topics.",
  ),
  scanNotActiveBrokerInterval: used(
    long(5000, "ms", { min: 1 }),
    "Between two looks for brokers without a heartbeat.",
  ),
  unRegisterBrokerQueueCapacity: used(
    int(3000, "requests", { min: 1 }),
    "Unregistrations that may wait at once.",
  ),
  supportActingMaster: live(
    bool(false),
    "Shows clients a slave in the place of a master that is gone.",
  ),
  enableAllTopicList: live(bool(true), "Answers requests for the list of all topics."),
  enableTopicList: live(bool(true), "Answers requests for the topics of a cluster or unit."),
  notifyMinBrokerIdChanged: used(
    bool(false),
    "Tells a group's brokers when its lowest broker id changes.",
  ),
  needWaitForService: used(
    bool(false),
    "After a start, answers routes only once brokers have had time to register.",
  ),
  waitSecondsForService: used(int(45, "s"), "That time."),
  deleteTopicWithBrokerRegistration: live(
    bool(false),
    "Forgets topics that a broker's registration no longer lists.",
  ),
  configBlackList: used(
    text("configBlackList;configStorePath;kvConfigPath"),
    "Keys that may not be changed at run time, besides those that never may.",
  ),
  enableControllerInNamesrv: refused(
    bool(false),
    { when: (on) => on, because: CONTROLLER, instead: "set it to false" },
    "Runs a controller in the name server.",
  ),
  clientRequestThreadPoolNums: ignored(int(8, "threads"), NO_POOLS, "Threads for routes."),
  clientRequestThreadPoolQueueCapacity: ignored(
    int(50_000, "requests"),
    NO_POOLS,
    "Requests for routes that may wait.",
  ),
  defaultThreadPoolNums: ignored(int(16, "threads"), NO_POOLS, "Threads for other requests."),
  defaultThreadPoolQueueCapacity: ignored(
    int(10_000, "requests"),
    NO_POOLS,
    "Other requests that may wait.",
  ),
});

const controller = <T>(kind: Kind<T>, meaning: string, flags: KeyFlags = {}) =>
  ignored(kind, CONTROLLER, meaning, flags);

/** Keys that only matter with enableControllerInNamesrv, which is refused. */
export const controllerKeys = keysOf("ControllerConfig", {
  controllerType: controller(text("DLedger"), "Kind of consensus: DLedger or jRaft."),
  controllerDLegerGroup: controller(optionalText(), "Name of the controllers' group."),
  controllerDLegerPeers: controller(optionalText(), "Controllers: id-host:port, by semicolons."),
  controllerDLegerSelfId: controller(optionalText(), "This controller's id."),
  controllerStorePath: controller(text(""), "Folder of the controller's log."),
  mappedFileSize: controller(int(1_073_741_824, "bytes"), "Size of a file of that log."),
  controllerThreadPoolNums: controller(int(16, "threads"), "Threads for requests."),
  controllerRequestThreadPoolQueueCapacity: controller(
    int(50_000, "requests"),
    "Requests that may wait.",
  ),
  electMasterMaxRetryCount: controller(int(3), "Tries to elect a master."),
  enableElectUncleanMaster: controller(
    bool(false),
    "May elect a replica that doesn't have every message.",
  ),
  isProcessReadEvent: controller(bool(false), "Reads go through the log too.", {
    aliases: ["processReadEvent"],
  }),
  notifyBrokerRoleChanged: controller(bool(true), "Tells brokers about a new master."),
  scanInactiveMasterInterval: controller(long(5000, "ms"), "Between two looks for dead masters."),
  metricsExporterType: controller(text("DISABLE"), "How metrics are exported."),
  metricsGrpcExporterTarget: controller(text(""), "Where the OTLP exporter sends to."),
  metricsGrpcExporterHeader: controller(text(""), "Headers that it sends.", { secret: true }),
  metricGrpcExporterTimeOutInMills: controller(long(3000, "ms"), "How long an export may take."),
  metricGrpcExporterIntervalInMills: controller(long(60_000, "ms"), "Between two OTLP exports."),
  metricLoggingExporterIntervalInMills: controller(long(10_000, "ms"), "Between two in the log."),
  metricsPromExporterPort: controller(int(5557), "Port that Prometheus scrapes."),
  metricsPromExporterHost: controller(text(""), "Address of that port."),
  metricsLabel: controller(text(""), "Labels for all metrics."),
  metricsInDelta: controller(bool(false), "Exports differences instead of totals."),
  jraftConfig: controller(text(""), "Not a setting: holds the jRaft keys.", {
    apacheDefault: "(object)",
  }),
});

export const jraftKeys = keysOf("JraftConfig", {
  jRaftElectionTimeoutMs: controller(int(1000, "ms"), "Silence that starts an election."),
  jRaftScanWaitTimeoutMs: controller(int(1000, "ms"), "How long a scan waits."),
  jRaftSnapshotIntervalSecs: controller(int(3600, "s"), "Between two snapshots."),
  jRaftGroupId: controller(text("jRaft-Controller"), "Name of the group."),
  jRaftServerId: controller(text("localhost:9880"), "This member."),
  jRaftInitConf: controller(
    text("localhost:9880,localhost:9881,localhost:9882"),
    "Members at first.",
  ),
  jRaftControllerRPCAddr: controller(
    text("localhost:9770,localhost:9771,localhost:9772"),
    "Their addresses for brokers.",
  ),
});
