// What a read of the inspector takes from the shell's view, on a broker with a hundred topics, with mqadmin's time beside:
// each call is a process of its own, as scripts call them.
import { startCluster } from "../../interop/support/cluster.ts";
import { driverClassPath, jvmOptions } from "../../interop/support/java.ts";
import { runToEnd } from "../../interop/support/processes.ts";
import { roquetCommand } from "../../interop/support/roquet.ts";
import { processEnvironment, runInspector } from "../../cmd/inspector/main.ts";
import { PullConsumer } from "../../core/client/pull_consumer.ts";
import { Producer } from "../../core/client/producer.ts";
import { type ComparisonResult, ownResult } from "../compare.ts";
import { atMost } from "../scale/goals.ts";
import { median, printTable, short } from "../support/figures.ts";

const TOPICS = 100;
const TOPIC = "Read050";
const GROUP = "G_reads";
const WALL_MS_MAX = 200;

/** mqadmin, which takes seconds, runs the first `theirsMax` of the commands. */
export async function inspectorReads(
  folder: string,
  rounds: number,
  theirsMax = Infinity,
): Promise<ComparisonResult> {
  await using cluster = await startCluster({ namesrv: "roquet", broker: "roquet" });
  const nameServers = cluster.namesrv.address;
  const lines = await filled(nameServers, cluster.broker.address);
  const { command, args } = roquetCommand();
  const env = { NAMESRV_ADDR: nameServers, ROCKETMQ_HOME: folder };
  const java = [...jvmOptions(`${folder}/mqadmin`), "-cp", await driverClassPath("5.4.0")];
  const rows: { line: string; ours: number; theirs: number }[] = [];
  for (const line of lines) {
    const words = line.split(" ");
    const ours: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await wallMs(command, [...args, "inspector", ...words], env));
    }
    const theirs = rows.length < theirsMax
      ? await wallMs(
        "java",
        [...java, "org.apache.rocketmq.tools.command.MQAdminStartup", ...words],
        env,
      )
      : NaN;
    rows.push({ line, ours: median(ours), theirs });
  }
  console.log(
    `\ninspector: a broker with ${TOPICS} topics, wall ms of a call, medians of ${rounds}`,
  );
  printTable([
    ["", "mqadmin", "roquet inspector"],
    ...rows.map(({ line, ours, theirs }) => [line.slice(0, 60), short(theirs), short(ours)]),
  ]);
  const slowest = Math.max(...rows.map(({ ours }) => ours));
  return ownResult("inspector", [atMost("ms of the slowest read", slowest, WALL_MS_MAX)]);
}

/** Topics, messages and a group; gives the commands to read them with. */
async function filled(nameServers: string, broker: string): Promise<string[]> {
  const quiet = processEnvironment({ print: () => {}, complain: () => {} });
  for (let n = 0; n < TOPICS; n++) {
    const line = `updateTopic -b ${broker} -t Read${String(n).padStart(3, "0")} -n ${nameServers}`;
    if (await runInspector(line.split(" "), quiet) !== 0) throw new Error(`can't ${line}`);
  }
  await using producer = await Producer.open({ nameServers });
  const { messageId, offsetMessageId, queue } = await producer.send({
    topic: TOPIC,
    keys: "a-key",
    body: "one",
  });
  await using consumer = await PullConsumer.open({ nameServers, group: GROUP });
  await consumer.commit(queue, 1);
  return [
    "clusterList",
    "clusterList -m",
    `brokerStatus -b ${broker}`,
    "topicList",
    "topicList -c",
    `topicRoute -t ${TOPIC}`,
    `topicStatus -t ${TOPIC}`,
    `topicClusterList -t ${TOPIC}`,
    `getConsumerConfig -g ${GROUP}`,
    "consumerProgress",
    `consumerProgress -g ${GROUP}`,
    `producer -b ${broker}`,
    `queryMsgById -i ${offsetMessageId} -t ${TOPIC}`,
    `queryMsgByKey -t ${TOPIC} -k a-key`,
    `queryMsgByUniqueKey -t ${TOPIC} -i ${messageId}`,
    `queryMsgByOffset -t ${TOPIC} -b ${queue.brokerName} -i ${queue.queueId} -o 0`,
    `queryCq -t ${TOPIC} -q ${queue.queueId} -i 0`,
    `printMsgByQueue -t ${TOPIC} -a ${queue.brokerName} -i ${queue.queueId} -p true`,
    `getBrokerConfig -b ${broker}`,
    `getNamesrvConfig -n ${nameServers}`,
    "statsAll",
    `brokerConsumeStats -b ${broker}`,
    `allocateMQ -t ${TOPIC} -i a,b`,
  ];
}

async function wallMs(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  const beganMs = performance.now();
  const { code, stderr } = await runToEnd(command, args, { env });
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
  return performance.now() - beganMs;
}
