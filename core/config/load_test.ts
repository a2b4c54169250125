import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { fastListenPortOf, loadBrokerConfig, loadNamesrvConfig } from "./servers.ts";
import { fromFile, machine, problemsOf } from "./testing.ts";
import type { ConfigSource } from "./load.ts";

const broker = (source: ConfigSource = {}, on = machine) => loadBrokerConfig(source, on);
const brokerProblems = (source: ConfigSource) => problemsOf(() => broker(source));

describe("a broker without a file", () => {
  test("has Apache's defaults, with what depends on the machine", () => {
    const { values } = broker();
    expect(values.listenPort).toBe(10911);
    expect(values.haListenPort).toBe(10912);
    expect(fastListenPortOf(values)).toBe(10909);
    expect(values.brokerName).toBe("box-1");
    expect(values.brokerIP1).toBe("10.1.2.3");
    expect(values.storePathRootDir).toBe("/home/mq/store");
    expect(values.storePathCommitLog).toBe("/home/mq/store/commitlog");
    expect(values.flushDiskType).toBe("ASYNC_FLUSH");
    expect(values.namesrvAddr).toBeNull();
    expect(values.sendMessageThreadPoolNums).toBe(4);
  });

  test("takes its name servers from the NAMESRV_ADDR variable", () => {
    const on = { ...machine, namesrvAddr: "ns1:9876;ns2:9876" };
    expect(broker({}, on).values.namesrvAddr).toBe("ns1:9876;ns2:9876");
    expect(broker(fromFile("namesrvAddr=ns3:1"), on).values.namesrvAddr).toBe("ns3:1");
  });
});

describe("a file", () => {
  test("in the style of Apache's samples loads without a warning", () => {
    const { values, warnings, ignored } = broker(fromFile(`
# Licensed to nobody
brokerClusterName = DefaultCluster
brokerName=broker-a
brokerId=0
deleteWhen=04
fileReservedTime=48
brokerRole=ASYNC_MASTER
flushDiskType=SYNC_FLUSH
osPageCacheBusyTimeOutMills=1000
`));
    expect(values.brokerName).toBe("broker-a");
    expect(values.flushDiskType).toBe("SYNC_FLUSH");
    expect(values.fileReservedTime).toBe(48);
    expect(warnings).toEqual([]);
    expect(ignored.map(({ name }) => name)).toEqual(["osPageCacheBusyTimeOutMills"]);
  });

  test("is beaten by --set, and that by a flag", () => {
    const { values } = broker(fromFile("namesrvAddr=a:1\nlistenPort=1000\nbrokerName=file", {
      overrides: ["listenPort=2000", "namesrvAddr=b:1", "regionId=a=b"],
      flags: [{ flag: "-n", name: "namesrvAddr", value: "c:1" }],
    }));
    expect([values.namesrvAddr, values.listenPort, values.brokerName, values.regionId])
      .toEqual(["c:1", 2000, "file", "a=b"]);
  });

  test("has every mistake reported at once, with its line", () => {
    expect(brokerProblems(fromFile(
      `listenPort=http
autoCreateTopicEnable=yes

flushDiskType=async
maxMessageSize = -1
haListenPort=70000
mappedFileSizeCommitLog=12.5
messageDelayLevel=1s 2x
brokerName=a/b
namesrvAddr=127.0.0.1
`,
      { overrides: ["defaultTopicQueueNums=0", "oops"] },
    ))).toEqual([
      "broker.conf:1: listenPort=http: must be a whole number",
      "broker.conf:2: autoCreateTopicEnable=yes: must be true or false",
      "broker.conf:4: flushDiskType=async: must be one of ASYNC_FLUSH, SYNC_FLUSH",
      "broker.conf:5: maxMessageSize=-1: must be at least 1",
      "broker.conf:6: haListenPort=70000: must be at most 65535",
      "broker.conf:7: mappedFileSizeCommitLog=12.5: must be a whole number",
      "broker.conf:8: messageDelayLevel=1s 2x: must be delays such as '1s 30s 5m 2h 1d', separated by blanks",
      "broker.conf:9: brokerName=a/b: must be 1 to 127 letters, digits, or any of % | _ . -",
      "broker.conf:10: namesrvAddr=127.0.0.1: must be host:port, separated by semicolons",
      "--set oops: must be key=value",
      "--set: defaultTopicQueueNums=0: must be at least 1",
    ]);
  });

  test("with an unknown key is warned about it, with the nearest name, and refused under --strict", () => {
    const source = fromFile("\n\nbrokerIp1=1.2.3.4\nzzz=1\n");
    const { warnings, extras, values } = broker(source);
    expect(warnings).toEqual([
      "broker.conf:3: unknown key 'brokerIp1', did you mean 'brokerIP1'?",
      "broker.conf:4: unknown key 'zzz'",
    ]);
    expect(extras).toEqual({ brokerIp1: "1.2.3.4", zzz: "1" });
    expect(values.brokerIP1).toBe("10.1.2.3");
    expect(brokerProblems({ ...source, strict: true })).toEqual([...warnings]);
    expect(broker({ overrides: ["lisenPort=1"] }).warnings)
      .toEqual(["--set: unknown key 'lisenPort', did you mean 'listenPort'?"]);
  });

  test("that sets a key twice uses the last one and says so; an error under --strict", () => {
    const source = fromFile("listenPort=1000\nbrokerName=a\nlistenPort=2000\n");
    const { values, warnings } = broker(source);
    expect(values.listenPort).toBe(2000);
    expect(warnings).toEqual(["broker.conf:3: 'listenPort' is set again, line 1 has no effect"]);
    expect(brokerProblems({ ...source, strict: true })).toEqual([...warnings]);
  });

  test("with names that JavaScript objects have is only a file with unknown keys", () => {
    const { extras, warnings } = broker(fromFile("constructor=1\n__proto__=2\nhasOwnProperty=3"));
    expect(warnings.length).toBe(3);
    expect(Object.keys(extras)).toContain("constructor");
  });

  test("may spell a value with blanks around it, and booleans in any case", () => {
    const { values } = broker(fromFile("listenPort = 1000  \nlongPollingEnable = FALSE \n"));
    expect([values.listenPort, values.longPollingEnable]).toEqual([1000, false]);
  });

  test("may use DLedger's wrong spellings", () => {
    const { values } = broker(fromFile("dLedgerSelfId=n0\ndLedgerPeers=n0-a:1"));
    expect([values.dLegerSelfId, values.dLegerPeers]).toEqual(["n0", "n0-a:1"]);
  });
});

describe("paths", () => {
  test("follow storePathRootDir unless they are given", () => {
    const { values } = broker(fromFile("storePathRootDir=/data/mq"));
    expect(values.storePathCommitLog).toBe("/data/mq/commitlog");
    const own = broker(fromFile("storePathRootDir=/data/mq\nstorePathCommitLog=/log/mq"));
    expect(own.values.storePathCommitLog).toBe("/log/mq");
  });

  test("have ~, ${user.home} and ${ROCKETMQ_HOME} filled in, and start at the current folder", () => {
    const root = (text: string, on = machine) =>
      broker({ overrides: [`storePathRootDir=${text}`] }, on).values.storePathRootDir;
    expect(root("~/s")).toBe("/home/mq/s");
    expect(root("${user.home}/s")).toBe("/home/mq/s");
    expect(root("${ROCKETMQ_HOME}/s", { ...machine, rocketmqHome: "/opt/mq" })).toBe("/opt/mq/s");
    expect(root("data/s")).toBe("/srv/data/s");
    expect(root("a~b")).toBe("/srv/a~b");
    expect(brokerProblems({ overrides: ["storePathRootDir="] }))
      .toEqual(["--set: storePathRootDir=: must be a path"]);
  });
});

describe("ports", () => {
  test("0 means a free one, for the fast and the replication port too", () => {
    const { values } = broker({ overrides: ["listenPort=0"] });
    expect([values.listenPort, fastListenPortOf(values), values.haListenPort]).toEqual([0, 0, 0]);
    const given = broker({ overrides: ["haListenPort=0"] });
    expect([given.values.listenPort, given.values.haListenPort]).toEqual([10911, 0]);
  });

  test("that can't be had together are refused", () => {
    const problems = (overrides: string[]) => brokerProblems({ overrides });
    expect(problems(["listenPort=2"]))
      .toEqual(["listenPort=2: must be 0, or above 2: the fast port is two below it"]);
    expect(problems(["listenPort=65535"]))
      .toEqual(["listenPort=65535: must be below 65535, or haListenPort be set"]);
    expect(problems(["haListenPort=10909"]))
      .toEqual(["haListenPort=10909: is a port of the broker's already"]);
  });
});

describe("a setting that isn't implemented and would change safety or format", () => {
  for (
    const [setting, ...reasons] of [
      ["brokerRole=SLAVE", "replication", "Apache's broker"],
      ["inSyncReplicas=2", "replication", "set it to 1"],
      ["allAckInSyncStateSet=true", "replication"],
      ["enableDLegerCommitLog=true", "DLedger"],
      ["enableDLedger=true", "DLedger"],
      ["enableControllerMode=true", "controller"],
      ["enableSlaveActingMaster=true", "master"],
      ["storeType=defaultRocksDB", "RocksDB"],
      ["configManagerVersion=v2", "RocksDB"],
      ["useSingleRocksDBForAllConfigs=true", "RocksDB"],
      ["timerRocksDBEnable=true", "RocksDB"],
      ["transRocksDBEnable=true", "RocksDB"],
      ["indexRocksDBEnable=true", "RocksDB"],
      ["rocksdbCQDoubleWriteEnable=true", "RocksDB"],
      ["popConsumerKVServiceEnable=true", "RocksDB"],
      ["messageStorePlugIn=org.example.Store", "built-in store"],
      ["aclEnable=true", "protect the port"],
      ["authenticationEnabled=true", "protect the port"],
      ["authorizationEnabled=true", "protect the port"],
      ["useTLS=true", "TLS"],
      ["fetchNamesrvAddrByAddressServer=true", "namesrvAddr"],
      ["readOnlyCommitLogStorePaths=/a", "several folders"],
    ]
  ) {
    test(`stops the start: ${setting}`, () => {
      const problems = brokerProblems(fromFile(`# one\n${setting}\n`));
      expect(problems.length).toBe(1);
      expect(problems[0]).toStartWith("broker.conf:2: ");
      expect(problems[0]).toContain(" is refused: ");
      for (const reason of reasons) expect(problems[0]).toContain(reason);
    });
  }

  test("shows no secret in the error", () => {
    const [problem] = brokerProblems({ overrides: ['socksProxyConfig={"a":{"password":"pw"}}'] });
    expect(problem).toStartWith("--set: socksProxyConfig is refused");
    expect(problem).not.toContain("pw");
  });

  test("a controller in the name server stops its start", () => {
    const source = { overrides: ["enableControllerInNamesrv=true"] };
    expect(problemsOf(() => loadNamesrvConfig(source, machine))[0]).toContain("controller");
  });
});

test("a setting that promises less than it seems to is warned about", () => {
  const { values, warnings } = broker(fromFile("brokerRole=SYNC_MASTER\nbrokerId=3\n"));
  expect(values.brokerId).toBe(0);
  expect(warnings).toEqual([
    "brokerId=3: taken as 0, since brokerRole=SYNC_MASTER is a master's",
    "brokerRole=SYNC_MASTER promises nothing: with inSyncReplicas=1 nobody is waited for",
  ]);
});

describe("a name server", () => {
  test("has Apache's defaults", () => {
    const { values } = loadNamesrvConfig({}, machine);
    expect(values.listenPort).toBe(9876);
    expect(values.kvConfigPath).toBe("/home/mq/namesrv/kvConfig.json");
  });

  test("doesn't know a broker's keys", () => {
    const file = { name: "namesrv.conf", bytes: Buffer.from("brokerName=a\n") };
    expect(loadNamesrvConfig({ file }, machine).warnings[0])
      .toStartWith("namesrv.conf:1: unknown key 'brokerName'");
  });
});
