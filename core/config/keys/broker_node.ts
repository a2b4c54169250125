// BrokerConfig, first part: who the broker is, where it listens, which name servers it registers with.
// Declarations only.
import {
  bool,
  choice,
  ignored,
  important,
  int,
  keysOf,
  live,
  long,
  optionalAddresses,
  optionalPath,
  pattern,
  refused,
  text,
  used,
} from "../key.ts";
import {
  ACTING_MASTER,
  ADDRESS_SERVER,
  ALWAYS_SO,
  CONTROLLER,
  LOGS,
  NO_CONTAINER,
  NO_PLUGIN,
} from "./reasons.ts";

const NAME = /^[%|a-zA-Z0-9_.-]{1,127}$/;
const NAME_FORM = "1 to 127 letters, digits, or any of % | _ . -";

export const brokerNodeKeys = keysOf("BrokerConfig", {
  brokerName: important(used(
    pattern((machine) => machine.hostName, NAME, NAME_FORM),
    "Name of the broker, shared by a master and its slaves.",
    { defaultText: "(host name)" },
  )),
  brokerClusterName: important(used(
    pattern("DefaultCluster", NAME, NAME_FORM),
    "Cluster that the broker registers in.",
  )),
  brokerId: important(used(
    long(0, "", { min: -1 }),
    "0 for a master, above 0 for a slave. A master's is always taken as 0, as Apache does.",
  )),
  listenPort: important(used(
    int(10911, "", { max: 65535 }),
    "TCP port of the broker; 0 picks a free one. The fast port is two below it.",
    { apacheDefault: "6888" },
  )),
  brokerIP1: important(used(
    text((machine) => machine.localAddress),
    "Address that clients are told to use.",
    { defaultText: "(first local address)" },
  )),
  brokerIP2: used(
    text((machine) => machine.localAddress),
    "Address that slaves are told to use.",
    { defaultText: "(first local address)" },
  ),
  namesrvAddr: important(used(
    optionalAddresses((machine) => machine.namesrvAddr),
    "Name servers to register with: host:port, separated by semicolons. Unset: the NAMESRV_ADDR " +
      "variable; without it the broker runs alone.",
    { apacheDefault: "null", defaultText: "$NAMESRV_ADDR" },
  )),
  rocketmqHome: used(
    optionalPath((machine) => machine.rocketmqHome),
    "Stands for ${ROCKETMQ_HOME} in paths. Unset: the ROCKETMQ_HOME variable.",
    { apacheDefault: "null", defaultText: "$ROCKETMQ_HOME" },
  ),
  brokerConfigPath: ignored(
    optionalPath(),
    "the file that is read and updated is the one named by -c",
    "Path of the configuration file.",
  ),
  regionId: live(
    pattern(
      "DefaultRegion",
      /^\P{Cc}{0,127}$/u,
      "up to 127 characters, none of them a control character",
    ),
    "Region given to clients with each stored message.",
  ),
  brokerPermission: live(
    int(6, "", { max: 7 }),
    "Permission of the whole broker: 4 read, 2 write, 6 both. Changing it registers at once.",
  ),
  registerNameServerPeriod: used(
    int(30_000, "ms", { min: 1000 }),
    "Between two registrations. Taken as 10 s at least and 60 s at most, as Apache does.",
  ),
  registerBrokerTimeoutMills: live(
    int(24_000, "ms", { min: 1 }),
    "How long one registration may take.",
  ),
  forceRegister: live(
    bool(true),
    "Registers every period even when the name server already has this version.",
  ),
  compressedRegister: live(bool(false), "Compresses registrations with zlib."),
  brokerHeartbeatInterval: ignored(
    int(1000, "ms", { min: 1 }),
    ACTING_MASTER,
    "Between two light heartbeats to the name servers.",
  ),
  sendHeartbeatTimeoutMillis: ignored(
    int(1000, "ms", { min: 1 }),
    ACTING_MASTER,
    "How long one light heartbeat may take.",
  ),
  brokerNotActiveTimeoutMillis: ignored(
    long(10_000, "ms", { min: 1 }),
    ACTING_MASTER,
    "Silence after which name servers drop a broker under enableSlaveActingMaster; 120 s without.",
  ),
  updateNameServerAddrPeriod: ignored(
    int(120_000, "ms"),
    ADDRESS_SERVER,
    "Between two looks for changed name server addresses.",
  ),
  fetchNamesrvAddrInterval: ignored(
    long(10_000, "ms"),
    ADDRESS_SERVER,
    "Between two look-ups of name server addresses.",
  ),
  fetchNamesrvAddrByAddressServer: important(refused(
    bool(false),
    {
      when: (on) => on,
      because: "there is no address server client, the broker would register nowhere",
      instead: "list the name servers in namesrvAddr",
    },
    "Asks an HTTP address server for the name servers.",
  )),
  fetchNameSrvAddrByDnsLookup: important(refused(
    bool(false),
    {
      when: (on) => on,
      because: "name server addresses aren't looked up as DNS records",
      instead: "list the name servers in namesrvAddr; host names are fine",
    },
    "Takes namesrvAddr for a DNS name that lists the name servers.",
  )),
  compatibleWithOldNameSrv: ignored(
    bool(true),
    ALWAYS_SO,
    "Asks name servers in the way that older ones understand too.",
  ),
  enableSingleTopicRegister: ignored(
    bool(false),
    "a changed topic is sent with a whole registration",
    "Registers a changed topic by itself.",
  ),
  enableSplitRegistration: ignored(
    bool(false),
    "a registration always carries every topic",
    "Sends a registration of many topics in parts.",
  ),
  splitRegistrationSize: ignored(
    int(800),
    "a registration always carries every topic",
    "Topics in one part of a split registration.",
  ),
  enableSplitMetadata: live(bool(true), "Lets peers fetch topics and groups in pages."),
  splitMetadataSize: live(
    int(2000, "", { min: 1 }),
    "Topics or groups in one page at most.",
  ),
  messageStorePlugIn: refused(
    text(""),
    {
      when: (name) => name !== "",
      because: NO_PLUGIN,
      instead: "leave it empty",
    },
    "Java classes that wrap the store, tiered storage among them.",
  ),
  configBlackList: used(
    text("configBlackList;brokerConfigPath"),
    "Keys that may not be changed at run time, besides those that never may.",
  ),
  configManagerVersion: refused(
    choice("v1", ["v1", "v2"]),
    {
      when: (version) => version !== "v1",
      because: "v2 keeps topics, groups and offsets in RocksDB",
      instead: "use v1, after exporting the metadata with Apache's mqadmin",
    },
    "Where topics, groups and offsets are kept: v1 in JSON files.",
  ),
  useSingleRocksDBForAllConfigs: refused(
    bool(false),
    {
      when: (on) => on,
      because: "metadata in RocksDB isn't supported",
      instead: "set it to false, after exporting the metadata with Apache's mqadmin",
    },
    "One RocksDB for all metadata.",
  ),
  isBrokerContainer: ignored(bool(false), NO_CONTAINER, "Set by Apache's container itself."),
  isInBrokerContainer: ignored(bool(false), NO_CONTAINER, "Set by Apache's container itself.", {
    aliases: ["inBrokerContainer"],
  }),
  isolateLogEnable: ignored(bool(false), LOGS, "A log folder for each broker of a machine."),
  skipPreOnline: ignored(bool(false), ACTING_MASTER, "Skips the catch-up before going online."),
  enableSlaveActingMaster: refused(
    bool(false),
    {
      when: (on) => on,
      because: ACTING_MASTER,
      instead: "set it to false",
    },
    "Lets a slave answer for a master that is gone.",
  ),
  enableRemoteEscape: ignored(
    bool(false),
    ACTING_MASTER,
    "Hands messages to another master while this node can't store them.",
  ),
  syncBrokerMemberGroupPeriod: ignored(
    int(1000, "ms"),
    ACTING_MASTER,
    "Between two looks at which members of the group are alive.",
  ),
  lockInStrictMode: ignored(
    bool(false),
    ACTING_MASTER,
    "An orderly queue is locked only if a majority of replicas agrees.",
  ),
  enableControllerMode: refused(
    bool(false),
    { when: (on) => on, because: CONTROLLER, instead: "set it to false" },
    "Lets a controller choose this broker's role.",
  ),
  controllerAddr: ignored(text(""), CONTROLLER, "Controllers: host:port, separated by semicolons."),
  fetchControllerAddrByDnsLookup: ignored(
    bool(false),
    CONTROLLER,
    "Takes controllerAddr for a DNS name that lists the controllers.",
  ),
  syncBrokerMetadataPeriod: ignored(
    long(5000, "ms"),
    CONTROLLER,
    "Between two fetches of the master's and the SyncStateSet's state.",
  ),
  checkSyncStateSetPeriod: ignored(
    long(5000, "ms"),
    CONTROLLER,
    "Between two checks of which replicas keep up.",
  ),
  syncControllerMetadataPeriod: ignored(
    long(10_000, "ms"),
    CONTROLLER,
    "Between two looks for the leading controller.",
  ),
  controllerHeartBeatTimeoutMills: ignored(
    long(10_000, "ms"),
    CONTROLLER,
    "Silence after which the controller takes this broker for dead.",
  ),
  brokerElectionPriority: ignored(
    int(2_147_483_647),
    CONTROLLER,
    "Rank in an election of a master; lower wins.",
  ),
});
