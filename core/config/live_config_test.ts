import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { fixtureLines } from "../../testdata/fixtures.ts";
import type { LiveConfig } from "./live_config.ts";
import { lastValues, parseProperties } from "./properties_file.ts";
import { loadBrokerConfig, loadNamesrvConfig } from "./servers.ts";
import { fromFile, machine } from "./testing.ts";

const load = (text?: string, persist?: (changes: ReadonlyMap<string, string>) => void) =>
  loadBrokerConfig(fromFile(text ?? ""), machine, persist).live;

const update = <V extends object>(live: LiveConfig<V>, changes: Record<string, string>) =>
  live.update(new Map(Object.entries(changes)));

describe("an update at run time", () => {
  test("changes live keys in place, and tells who wanted to know", () => {
    const live = load();
    const { values } = live;
    const told: string[] = [];
    live.onChange(["maxMsgsNumBatch"], () => told.push(`size ${values.maxMsgsNumBatch}`));
    live.onChange(["brokerPermission", "longPollingEnable"], () => told.push("permission"));
    const stop = live.onChange(["maxMsgsNumBatch"], () => told.push("never"));
    stop();
    expect(update(live, { maxMsgsNumBatch: "1024", autoCreateTopicEnable: "false" }))
      .toEqual({ status: "applied", changed: ["maxMsgsNumBatch", "autoCreateTopicEnable"] });
    expect([values.maxMsgsNumBatch, values.autoCreateTopicEnable]).toEqual([1024, false]);
    expect(told).toEqual(["size 1024"]);
    expect(live.updateCount).toBe(1);
  });

  test("that changes nothing is applied and tells nobody", () => {
    const live = load();
    live.onChange(["brokerPermission"], () => {
      throw new Error("told");
    });
    expect(update(live, { brokerPermission: "6" })).toEqual({ status: "applied", changed: [] });
  });

  test("takes keys that have no effect here, as Apache takes them, and checks their values", () => {
    const live = load();
    expect(update(live, { sendMessageThreadPoolNums: "4" })).toMatchObject({ status: "applied" });
    expect(live.render()).toContain("\nsendMessageThreadPoolNums=4\n");
    expect(update(live, { sendMessageThreadPoolNums: "x" })).toMatchObject({ status: "refused" });
  });

  test("is refused as a whole when one entry is wrong, with every reason", () => {
    const live = load();
    const result = update(live, {
      maxMsgsNumBatch: "1024",
      longPollingEnable: "perhaps",
      listenPort: "1",
      maxMsgNumBatch: "1",
    });
    expect(result).toEqual({
      status: "refused",
      problems: [
        {
          name: "longPollingEnable",
          kind: "bad_value",
          text: "longPollingEnable=perhaps: must be true or false",
        },
        { name: "listenPort", kind: "locked", text: "'listenPort' can't be changed at run time" },
        {
          name: "maxMsgNumBatch",
          kind: "unknown",
          text: "unknown key 'maxMsgNumBatch', did you mean 'maxMsgsNumBatch'?",
        },
      ],
    });
    expect(live.values.maxMsgsNumBatch).toBe(64);
    expect(live.updateCount).toBe(0);
  });

  test("never reaches a path, a command, a secret or an address (CVE-2023-33246, CVE-2023-37582)", () => {
    const changes = {
      rocketmqHome: "-c $@|sh . echo curl evil;",
      filterServerNums: "1",
      storePathRootDir: "/etc",
      storePathCommitLog: "/etc",
      brokerConfigPath: "/etc/cron.d/x",
      namesrvAddr: "evil:1",
      configBlackList: "",
      messageStorePlugIn: "org.evil.Store",
      metricsGrpcExporterHeader: "x",
      brokerIP1: "evil",
    };
    const result = update(load(), changes);
    expect(result.status === "refused" && result.problems.map(({ name }) => name))
      .toEqual(Object.keys(changes));
    const namesrv = loadNamesrvConfig({}, machine).live;
    const files = update(namesrv, { configStorePath: "/etc/passwd", kvConfigPath: "/etc/passwd" });
    expect(files.status === "refused" && files.problems.map(({ kind }) => kind))
      .toEqual(["locked", "locked"]);
  });

  test("respects the operator's own black list", () => {
    const live = load("configBlackList = configBlackList; maxMsgsNumBatch");
    expect(update(live, { maxMsgsNumBatch: "1" }).status).toBe("refused");
    expect(update(live, { longPollingEnable: "false" }).status).toBe("applied");
  });

  test("is kept over a restart, or not made at all", () => {
    const kept: string[][] = [];
    const live = load(undefined, (changes) => kept.push([...changes].flat()));
    update(live, { longPollingEnable: "false" });
    expect(kept).toEqual([["longPollingEnable", "false"]]);
    const broken = load(undefined, () => {
      throw new Error("disk full");
    });
    expect(() => update(broken, { longPollingEnable: "false" })).toThrow("disk full");
    expect(broken.values.longPollingEnable).toBe(true);
  });

  test("isn't fooled by names that JavaScript objects have", () => {
    const result = update(load(), { constructor: "1", toString: "2" });
    expect(result.status === "refused" && result.problems.map(({ kind }) => kind))
      .toEqual(["unknown", "unknown"]);
  });
});

describe("the listing", () => {
  test("has the keys and the form of a recorded answer of Apache's broker", () => {
    const [answer] = fixtureLines<{ dir?: string; bodyBase64?: string }>(
      "wire/json/adminTool/getBrokerConfig.jsonl",
    ).filter(({ dir, bodyBase64 }) => dir === "s2c" && bodyBase64);
    const recorded = Buffer.from(answer!.bodyBase64!, "base64").toString("utf8");
    const complete = recorded.slice(0, recorded.lastIndexOf("\n") + 1);
    const names = (text: string) => text.split("\n").map((line) => line.split("=")[0]);
    const ours = load(complete).render();
    expect(names(ours).slice(0, names(complete).length - 1)).toEqual(names(complete).slice(0, -1));
    const values = lastValues(parseProperties(Buffer.from(ours)).properties);
    const differing = [...lastValues(parseProperties(Buffer.from(complete)).properties)]
      .filter(([name, value]) => values.get(name) !== value);
    expect(differing).toEqual([]);
  });

  test("leaves out paths that follow from the root folder, until they are set", () => {
    expect(load("storePathRootDir=/s").render()).not.toContain("storePathCommitLog");
    expect(load("storePathRootDir=/s").render()).not.toContain("storePathEpochFile");
    expect(load("storePathCommitLog=/log").render()).toContain("storePathCommitLog=/log\n");
  });

  test("shows keys of the file that nobody knows, and the value in use of the others", () => {
    const live = load("myKey=1\nlistenPort=1000");
    update(live, { maxMsgsNumBatch: "7" });
    const lines = live.render().split("\n");
    for (
      const line of [
        "myKey=1",
        "listenPort=1000",
        "maxMsgsNumBatch=7",
        "timerRocksDBRollMaxTps=8000.0",
      ]
    ) {
      expect(lines).toContain(line);
    }
    expect(lines).toEqual([...lines.slice(0, -1).sort(), ""]);
  });

  test("never shows a secret, known or not", () => {
    const text = load(
      'initAuthenticationUser={"password":"pw1"}\nmetricsGrpcExporterHeader=token:pw2\n' +
        "objectStoreSecretKey=pw3\nmyPassword=pw4\n",
    ).render();
    expect(text).not.toContain("pw");
    expect(text).toContain("initAuthenticationUser=******\n");
    expect(text).toContain("myPassword=******\n");
  });
});
