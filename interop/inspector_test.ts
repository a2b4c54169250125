// The inspector beside Java's mqadmin on the same cluster, Apache's and Roquet's: the same commands print the same
// columns. Orders that Java takes from hash tables are ours sorted, so lines are compared sorted where that shows.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { processEnvironment, runInspector } from "../cmd/inspector/main.ts";
import { type Cluster, type Make, startCluster } from "./support/cluster.ts";
import {
  headerOnly,
  HELD_GROUP as GROUP,
  HELD_TOPIC as TOPIC,
  holdClients,
  maskCommon,
  NAMELESS,
  type Setting,
  type View,
  withoutRetries,
} from "./support/held_clients.ts";
import { mqadmin } from "./support/mqadmin.ts";
import type { RunningProcess } from "./support/processes.ts";

interface Comparison {
  words: (setting: Setting) => string[];
  /** How two outputs are made comparable, after the common masks. Default: as they are. */
  view?: View;
  /** Exit code of ours; Java's is always 0. */
  code?: number;
}

const CLUSTER = "InteropCluster";

const sorted: View = (output) => output.split("\n").map((line) => line.trimEnd()).sort().join("\n");
/** Numbers go, and with them the widths of columns that hold them. */
const namesOnly: View = (output) =>
  sorted(output.replace(/-?\b\d+(\.\d+)?(E-?\d+)?\b/g, "N").replace(/ +/g, " "));
/** The text before the first ":" or "=" of each line: which keys there are. */
const keysOnly: View = (output) =>
  sorted(output.split("\n").map((line) => line.split(/[:=]/)[0]!).join("\n"));
/** A group's rate falls from one command to the next. */
const withoutRates: View = (output) => sorted(output.replace(/(CLUSTERING +)\d+/g, "$1N"));
/** Which queues there are, whoever gets them. */
const queuesOnly: View = (output) => (output.match(/"queueId":\d+/g) ?? []).sort().join("\n");
/** What is an error of ours is an empty or a stack trace in Java. */
const nothing: View = () => "";

const words = (text: string) => (setting: Setting) =>
  text.split(" ").map((word) =>
    word.replace("BROKER", setting.broker).replace("NAMESRV", setting.namesrv)
      .replace("OFFSETID", setting.offsetMessageId).replace("MSGID", setting.messageId)
      .replace("FOLDER", setting.folder)
  );

function compare(text: string, view?: View, code?: number): Comparison {
  return { words: words(text), ...(view && { view }), ...(code !== undefined && { code }) };
}

const READS: readonly Comparison[] = [
  compare("clusterList", namesOnly),
  compare("clusterList -m", namesOnly),
  compare(`clusterList -c ${CLUSTER}`, namesOnly),
  compare("brokerStatus -b BROKER", keysOnly),
  compare(`brokerStatus -c ${CLUSTER}`, keysOnly),
  compare("topicList", sorted),
  compare("topicList -c", sorted),
  compare(`topicRoute -t ${TOPIC}`),
  compare(`topicRoute -t ${TOPIC} -l`),
  compare("topicRoute -t T_absent", nothing, 1),
  compare(`topicStatus -t ${TOPIC}`, (output) => output.replace(/TPS: .*/, "TPS:")),
  compare(`topicStatus -t ${TOPIC} -c ${CLUSTER}`, (output) => output.replace(/TPS: .*/, "TPS:")),
  compare(`topicClusterList -t ${TOPIC}`),
  compare(`getConsumerConfig -g ${GROUP}`),
  compare("getConsumerConfig -g G_absent", nothing, 1),
  compare("consumerProgress", withoutRates),
  compare(`consumerProgress -g ${GROUP}`, withoutRetries),
  compare(`consumerProgress -g ${GROUP} -t ${TOPIC}`),
  compare(`consumerProgress -g ${GROUP} -s true`, withoutRetries),
  compare("consumerProgress -g G_absent", nothing, 1),
  compare(`consumerConnection -g ${GROUP}`),
  compare(`consumerConnection -g ${GROUP} -b BROKER`),
  compare("consumerConnection -g G_absent", nothing, 1),
  compare(`consumerStatus -g ${GROUP}`),
  compare(`producerConnection -g G_hold_producer -t ${TOPIC}`),
  compare(`producerConnection -g G_absent -t ${TOPIC}`, nothing, 1),
  compare("producer -b BROKER", sorted),
  compare(`queryMsgById -i OFFSETID -t ${TOPIC}`),
  compare(`queryMsgById -i MSGID -t ${TOPIC}`),
  compare(`queryMsgById -i OFFSETID -t ${TOPIC} -f UTF-8`),
  compare(`queryMsgByKey -t ${TOPIC} -k hold-3`),
  compare(`queryMsgByKey -t ${TOPIC} -k absent`, nothing, 1),
  compare(`queryMsgByUniqueKey -t ${TOPIC} -i MSGID`),
  compare("getBrokerConfig -b BROKER", sorted),
  compare(`getBrokerConfig -c ${CLUSTER}`, sorted),
  compare("getNamesrvConfig -n NAMESRV", sorted),
  compare(`statsAll -t ${TOPIC}`, namesOnly),
  compare("statsAll", namesOnly),
  compare("statsAll -a", headerOnly),
  compare("brokerConsumeStats -b BROKER", withoutRetries),
  compare(`allocateMQ -t ${TOPIC} -i a,b`, queuesOnly),
  compare(`queryCq -t ${TOPIC} -q 0 -i 0`),
  compare(`queryCq -t ${TOPIC} -q 0 -i 1 -c 2 -b BROKER -g ${GROUP}`),
];

/** Java's tool becomes a consumer for these, which makes groups and retry topics. */
const QUEUE_READS: readonly Comparison[] = [
  compare(`queryMsgByOffset -t ${TOPIC} -b broker-a -i 0 -o 1`),
  compare(`queryMsgByOffset -t ${TOPIC} -b broker-a -i 0 -o 99`, nothing, 1),
  compare(`printMsg -t ${TOPIC}`, sorted),
  compare(`printMsg -t ${TOPIC} -s TagHold -d false`, sorted),
  compare(`printMsgByQueue -t ${TOPIC} -a broker-a -i 0 -p true -d true`),
  compare(`printMsgByQueue -t ${TOPIC} -a broker-a -i 0 -f true`),
  compare(`consumeMessage -t ${TOPIC} -g G_tool -b broker-a -i 0 -o 0 -c 2`),
];

const CHANGES: readonly Comparison[] = [
  compare("updateTopic -b BROKER -t T_made -r 3 -w 3 -p 6"),
  compare(`updateTopic -c ${CLUSTER} -t T_order -r 8 -w 8 -o true`),
  compare("updateTopic -b BROKER -t T_order -o true"),
  compare("updateTopic -b BROKER -t T_type -a +message.type=FIFO"),
  compare("updateTopic -b BROKER -t T_type -a +no.such=FIFO", nothing, 1),
  compare("updateTopic -b BROKER -t bad!topic", nothing, 1),
  compare("updateTopicPerm -b BROKER -t T_made -p 4"),
  compare("updateTopicPerm -b BROKER -t T_made -p 4"),
  compare(`updateTopicPerm -c ${CLUSTER} -t T_made -p 6`),
  compare("topicRoute -t T_order"),
  compare(`deleteTopic -c ${CLUSTER} -t T_order`),
  compare("updateSubGroup -b BROKER -g G_made"),
  compare(`updateSubGroup -c ${CLUSTER} -g G_made -q 2 -r 3 -d true -m true -s false`),
  compare("getConsumerConfig -g G_made"),
  compare("deleteSubGroup -b BROKER -g G_made"),
  compare("updateSubGroup -b BROKER -g G_made"),
  compare(`deleteSubGroup -c ${CLUSTER} -g G_made -r true`),
  compare("updateBrokerConfig -b BROKER -k maxTransferCountOnMessageInMemory -v 31"),
  compare(`updateBrokerConfig -c ${CLUSTER} -k maxTransferCountOnMessageInMemory -v 32`),
  compare("updateNamesrvConfig -n NAMESRV -k orderMessageEnable -v false"),
  compare("wipeWritePerm -b broker-a -n NAMESRV"),
  compare("addWritePerm -b broker-a -n NAMESRV"),
  compare("updateKvConfig -s ns -k k -v v"),
  compare("deleteKvConfig -s ns -k k"),
  compare(`resetOffsetByTime -g ${GROUP} -t ${TOPIC} -s now`, sorted),
  compare(`resetOffsetByTime -g ${GROUP} -t ${TOPIC} -s -1`, sorted),
  compare(`resetOffsetByTime -g ${GROUP} -t ${TOPIC} -s 2020-01-01#00:00:00:000`, sorted),
  compare(`resetOffsetByTime -g ${GROUP} -t ${TOPIC} -s now -b BROKER -q 0 -o 2`),
  compare(`cloneGroupOffset -s ${GROUP} -d G_nobody -t ${TOPIC}`, nothing, 1),
  compare("updateSubGroup -b BROKER -g G_clone"),
  compare(`cloneGroupOffset -s ${GROUP} -d G_clone -t ${TOPIC}`),
  compare("cleanUnusedTopic -b BROKER"),
  compare("cleanExpiredCQ -b BROKER"),
  compare("deleteExpiredCommitLog -b BROKER"),
  compare(`cleanExpiredCQ -c ${CLUSTER}`),
  compare(`exportMetadata -c ${CLUSTER} -f FOLDER/export`),
  compare("sendMessage -t T_made -p body -k tool-key -c TagTool", namesOnly),
  compare("checkMsgSendRT -t T_made -a 3", namesOnly),
];

/** Java's tool can run these once a process. */
const ONCE_MORE: readonly Comparison[] = [
  compare(`consumeMessage -t ${TOPIC} -b broker-a -i 1`),
  compare("sendMessage -t T_made -p body -b broker-a -i 1"),
];

const PARTS = [READS, QUEUE_READS, CHANGES, ONCE_MORE];

/** Takes out what differs between two runs of one command on one cluster. */
function mask(output: string, setting: Setting): string {
  return maskCommon(output, setting)
    .replace(/timestamp\(long\)\[\d+\]/g, "timestamp(long)[MS]")
    .replace(/\b1[78]\d{11}(?=\/)/g, "MS")
    .replace(/(lastUpdateTimestamp=)\d+/g, "$1MS")
    .replace(/(Consume TPS: ).*/g, "$1N")
    .replace(/(\d+\.\d\d +){2}/g, "RATES ")
    .replace(/[ \t]+$/gm, "")
    .trim();
}

/** Sent by different producers. */
const maskIds = (output: string) => output.replace(/\b[0-9A-F]{32}\b/g, "ID");

interface Run {
  cluster: Cluster;
  hold: RunningProcess;
  setting: Setting;
  /** Outputs by the comparison's place in PARTS. */
  java: string[];
  ours: { output: string; errors: string; code: number }[];
}

async function inspect(args: readonly string[], namesrv: string, folder: string) {
  const lines: string[] = [];
  const errors: string[] = [];
  const before = process.cwd();
  process.chdir(folder);
  try {
    const code = await runInspector(args, {
      ...processEnvironment({
        print: (text) => void lines.push(text),
        complain: (text) => void errors.push(text),
      }),
      isTerminal: false,
      variables: { NAMESRV_ADDR: namesrv },
    });
    return { output: lines.join("\n"), errors: errors.join("\n"), code };
  } finally {
    process.chdir(before);
  }
}

async function run(make: Make): Promise<Run> {
  const cluster = await startCluster({ namesrv: make, broker: make });
  const [hold, setting] = await holdClients(cluster);
  const java: string[] = [];
  const ours: Run["ours"] = [];
  for (const part of PARTS) {
    const commands = part.map((comparison) => comparison.words(setting));
    java.push(...await mqadmin(setting.namesrv, commands, `${cluster.folder}/mqadmin`));
    for (const args of commands) ours.push(await inspect(args, setting.namesrv, cluster.folder));
  }
  return { cluster, hold, setting, java, ours };
}

for (const make of ["apache", "roquet"] as const) {
  describe(`the inspector prints what mqadmin prints of ${make}'s cluster`, () => {
    let done: Run;

    beforeAll(async () => {
      done = await run(make);
    }, 300_000);

    afterAll(async () => {
      await done?.hold[Symbol.asyncDispose]();
      await done?.cluster[Symbol.asyncDispose]();
    });

    for (
      const [index, { code = 0, view = (output: string) => output, words }] of PARTS.flat()
        .entries()
    ) {
      test(`${index} ${words(NAMELESS).join(" ")}`, () => {
        const { code: ourCode, errors, output } = done.ours[index]!;
        expect({ code: ourCode, errors: code === 0 ? errors : "" }).toEqual({ code, errors: "" });
        if (view === nothing) return expect(errors).not.toBe("");
        const isSend = words(NAMELESS)[0] === "sendMessage";
        const shown = (text: string) => {
          const masked = mask(text, done.setting);
          return view(isSend ? maskIds(masked) : masked);
        };
        expect(shown(output)).toBe(shown(done.java[index]!));
      });
    }

    test("the exported metadata is JSON with the topics and groups that users made", () => {
      const text = readFileSync(`${done.setting.folder}/export/metadata.json`, "utf8");
      const { subscriptionGroupTable, topicConfigTable } = JSON.parse(text) as Record<
        string,
        object
      >;
      expect(Object.keys(topicConfigTable!)).toEqual(expect.arrayContaining([TOPIC, "T_made"]));
      expect(Object.keys(subscriptionGroupTable!)).toContain(GROUP);
    });
  });
}
