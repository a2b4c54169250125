// Apache's mqadmin against Roquet and against Apache itself: what it prints is the same, but for what can't be.
import {
  headerOnly,
  HELD_GROUP as GROUP,
  HELD_TOPIC as TOPIC,
  withoutRetries,
} from "./support/held_clients.ts";
import { type Command, describeSameOutputs } from "./support/mqadmin_runs.ts";

/** Lines in no order. */
const sorted = (output: string) => output.split("\n").sort().join("\n");
/** The words before the first ":" or "=" of each line, without paths: which keys there are. */
const keysOnly = (output: string) =>
  output.split("\n").map((line) => line.split(/[:=]/)[0]!.trim().replace(/_\/.*/, "_PATH")).filter((
    line,
  ) => line !== "").sort().join("\n");
/** Tables of figures: names stay, numbers go. */
const namesOnly = (output: string) => sorted(output.replace(/\b\d+(\.\d+)?\b/g, "N"));

/** Resets of one broker's queues; each given as what follows "-s". */
function resets(...cases: readonly string[][]): Command[] {
  return cases.map((words) => ({
    words: ({ broker }) => [
      "resetOffsetByTime",
      "-g",
      GROUP,
      "-t",
      TOPIC,
      "-b",
      broker,
      "-s",
      ...words,
    ],
  }));
}

function configUpdates(...updates: readonly [key: string, value: string][]): Command[] {
  return updates.map(([key, value]) => ({
    words: ({ broker }) => ["updateBrokerConfig", "-b", broker, "-k", key, "-v", value],
  }));
}

const COMMANDS: readonly Command[] = [
  { words: () => ["clusterList"], view: namesOnly },
  { words: () => ["clusterList", "-m"], view: namesOnly },
  { words: ({ broker }) => ["brokerStatus", "-b", broker], view: keysOnly },
  { words: () => ["topicList"], view: sorted },
  { words: () => ["topicList", "-c"], view: sorted },
  { words: () => ["topicRoute", "-t", TOPIC] },
  { words: () => ["topicStatus", "-t", TOPIC] },
  { words: () => ["topicClusterList", "-t", TOPIC] },
  {
    words: (
      { broker },
    ) => ["updateTopic", "-b", broker, "-t", "T_made", "-r", "3", "-w", "3", "-p", "6"],
  },
  {
    words: () => [
      "updateTopic",
      "-c",
      "InteropCluster",
      "-t",
      "T_order",
      "-r",
      "8",
      "-w",
      "8",
      "-o",
      "true",
    ],
  },
  { words: () => ["topicRoute", "-t", "T_made"] },
  { words: ({ broker }) => ["updateTopicPerm", "-b", broker, "-t", "T_made", "-p", "4"] },
  { words: () => ["deleteTopic", "-c", "InteropCluster", "-t", "T_order"] },
  { words: () => ["topicRoute", "-t", "T_order"] },
  {
    words: ({ broker }) => ["updateTopic", "-b", broker, "-t", "bad topic!", "-r", "3", "-w", "3"],
  },
  {
    words: (
      { broker },
    ) => ["updateTopic", "-b", broker, "-t", "T_type", "-a", "+message.type=FIFO"],
  },
  { words: ({ broker }) => ["updateTopic", "-b", broker, "-t", "T_type", "-a", "+no.such=FIFO"] },
  { words: ({ broker }) => ["updateSubGroup", "-b", broker, "-g", "G_made"] },
  { words: () => ["getConsumerConfig", "-g", "G_made"] },
  { words: ({ broker }) => ["deleteSubGroup", "-b", broker, "-g", "G_made"] },
  { words: () => ["consumerProgress"], view: namesOnly },
  { words: () => ["consumerProgress", "-g", GROUP], view: withoutRetries },
  { words: () => ["consumerProgress", "-g", "G_absent"] },
  { words: () => ["consumerConnection", "-g", GROUP] },
  { words: () => ["consumerConnection", "-g", "G_absent"] },
  { words: () => ["producerConnection", "-g", "G_hold_producer", "-t", TOPIC] },
  { words: ({ broker }) => ["producer", "-b", broker], view: sorted },
  { words: () => ["consumerStatus", "-g", GROUP] },
  { words: ({ offsetMessageId }) => ["queryMsgById", "-i", offsetMessageId, "-t", TOPIC] },
  { words: () => ["queryMsgByKey", "-t", TOPIC, "-k", "hold-3"] },
  { words: () => ["queryMsgByKey", "-t", TOPIC, "-k", "absent"] },
  { words: ({ messageId }) => ["queryMsgByUniqueKey", "-t", TOPIC, "-i", messageId] },
  { words: () => ["queryMsgByOffset", "-t", TOPIC, "-b", "broker-a", "-i", "0", "-o", "1"] },
  { words: () => ["printMsg", "-t", TOPIC], view: sorted },
  { words: () => ["printMsgByQueue", "-t", TOPIC, "-a", "broker-a", "-i", "0", "-p", "true"] },
  {
    words: () => [
      "consumeMessage",
      "-t",
      TOPIC,
      "-g",
      "G_tool",
      "-b",
      "broker-a",
      "-i",
      "0",
      "-o",
      "0",
      "-c",
      "2",
    ],
  },
  { words: ({ broker }) => ["getBrokerConfig", "-b", broker], view: keysOnly },
  {
    words: (
      { broker },
    ) => [
      "updateBrokerConfig",
      "-b",
      broker,
      "-k",
      "maxTransferCountOnMessageInMemory",
      "-v",
      "31",
    ],
  },
  { words: () => ["statsAll", "-t", TOPIC], view: namesOnly },
  { words: ({ broker }) => ["brokerConsumeStats", "-b", broker], view: withoutRetries },
  { words: () => ["allocateMQ", "-t", TOPIC, "-i", "a,b"] },
  { words: ({ namesrv }) => ["wipeWritePerm", "-b", "broker-a", "-n", namesrv], view: namesOnly },
  { words: () => ["topicRoute", "-t", TOPIC] },
  { words: ({ namesrv }) => ["addWritePerm", "-b", "broker-a", "-n", namesrv], view: namesOnly },
  { words: ({ namesrv }) => ["getNamesrvConfig", "-n", namesrv], view: keysOnly },
  { words: () => ["updateKvConfig", "-s", "ns", "-k", "k", "-v", "v"] },
  { words: () => ["deleteKvConfig", "-s", "ns", "-k", "k"] },
  { words: () => ["resetOffsetByTime", "-g", GROUP, "-t", TOPIC, "-s", "now"] },
  { words: () => ["resetOffsetByTime", "-g", GROUP, "-t", TOPIC, "-s", "-1"] },
  { words: () => ["cloneGroupOffset", "-s", GROUP, "-d", "G_clone", "-t", TOPIC] },
  { words: ({ broker }) => ["cleanUnusedTopic", "-b", broker] },
  { words: ({ broker }) => ["cleanExpiredCQ", "-b", broker] },
  { words: ({ broker }) => ["deleteExpiredCommitLog", "-b", broker] },
  {
    words: ({ broker }) => ["queryCq", "-t", TOPIC, "-q", "0", "-i", "0", "-c", "4", "-b", broker],
  },
  {
    words: ({ broker }) => [
      "queryCq",
      "-t",
      TOPIC,
      "-q",
      "0",
      "-i",
      "0",
      "-c",
      "4",
      "-b",
      broker,
      "-g",
      GROUP,
    ],
    view: (output) => output.replace(/"subVersion":\S+/g, ""),
  },
  { words: ({ broker }) => ["queryCq", "-t", TOPIC, "-q", "77", "-i", "0", "-b", broker] },
  { words: () => ["queryMsgByOffset", "-t", TOPIC, "-b", "broker-a", "-i", "0", "-o", "99"] },
  {
    words: ({ offsetMessageId }) => [
      "queryMsgById",
      "-i",
      offsetMessageId.replace(/.{4}$/, "0FFF"),
      "-t",
      TOPIC,
    ],
  },
  { words: ({ broker }) => ["haStatus", "-b", broker] },
  { words: ({ broker }) => ["getBrokerEpoch", "-b", broker] },
  { words: ({ folder }) => ["exportMetadata", "-c", "InteropCluster", "-f", folder] },
  { words: ({ folder }) => ["exportMetrics", "-c", "InteropCluster", "-f", folder] },
  { words: () => ["consumerProgress", "-g", GROUP, "-t", TOPIC], view: withoutRetries },
  { words: () => ["topicStatus", "-t", "T_absent"] },
  { words: () => ["statsAll", "-a"], view: headerOnly },
  {
    words: ({ broker }) => ["brokerConsumeStats", "-b", broker, "-o", "true"],
    view: withoutRetries,
  },
  { words: () => ["producerConnection", "-g", "P_absent", "-t", TOPIC] },
  { words: () => ["skipAccumulatedMessage", "-g", GROUP, "-t", TOPIC] },
  ...resets(["0", "-q", "1", "-o", "2"], ["0", "-q", "1", "-o", "200"]),
  { words: () => ["resetOffsetByTime", "-g", "G_nobody", "-t", TOPIC, "-s", "now"] },
  { words: () => ["resetOffsetByTime", "-g", GROUP, "-t", "T_absent", "-s", "now"] },
  ...configUpdates(["brokerConfigPath", "x"], ["noSuchKey", "x"], ["brokerPermission", "4"]),
  { words: () => ["topicRoute", "-t", TOPIC] },
  ...configUpdates(["brokerPermission", "6"]),
  { words: () => ["topicRoute", "-t", TOPIC] },
  { words: () => ["deleteTopic", "-c", "InteropCluster", "-t", "SELF_TEST_TOPIC"] },
  { words: ({ broker }) => ["updateTopic", "-b", broker, "-t", "TBW102", "-r", "1", "-w", "1"] },
  {
    words:
      () => ["sendMessage", "-t", TOPIC, "-p", "from the tool", "-k", "tool-key", "-c", "TagTool"],
    view: namesOnly,
  },
];

describeSameOutputs("mqadmin prints for Roquet what it prints for Apache", COMMANDS);
