// mqadmin's commands with flags that few scripts use: as they are typed, with names for what a cluster's setting says.
import { HELD_GROUP, HELD_TOPIC } from "./support/held_clients.ts";
import { type Command, describeSameOutputs } from "./support/mqadmin_runs.ts";

const CLUSTER = "InteropCluster";

/** In this order: some look at what those before them did. */
const LINES = `
  updateTopic -c ${CLUSTER} -t T_flags -r 4 -w 2 -u true -s true
  updateTopic -b BROKER -t T_typed -a +message.type=DELAY
  updateTopic -b BROKER -t T_typed -a -message.type
  updateSubGroup -c ${CLUSTER} -g G_flags -s false -m true -d true -o true -q 2 -r 5 -p 1 -i 0 -w 1 -a +priority.factor=3
  getConsumerConfig -g G_flags
  setConsumeMode -b BROKER -t ${HELD_TOPIC} -g G_flags -m POP -q 2
  queryMsgByKey -t ${HELD_TOPIC} -k TagHold -p T
  updateOrderConf -t ${HELD_TOPIC} -m put -v broker-a:4
  topicRoute -t ${HELD_TOPIC}
  updateNamesrvConfig -k orderMessageEnable -v true
  exportPopRecord -c ${CLUSTER}
  updateColdDataFlowCtrGroupConfig -b BROKER -g ${HELD_GROUP} -v 100
  getColdDataFlowCtrInfo -b BROKER
  setCommitLogReadAheadMode -b BROKER -m 0
  resetMasterFlushOffset -b BROKER -o 0
  rocksDBConfigToJson -b BROKER -t topics
`.trim().split("\n").map((line) => line.trim().split(" "));

/** Each command's words in a cluster's setting. */
const COMMANDS: readonly Command[] = LINES.map((line) => ({
  words: ({ broker, folder }) =>
    line.map((word) => word.replace("BROKER", broker).replace("FOLDER", folder)),
}));

describeSameOutputs("mqadmin's rarer flags print for Roquet what they print for Apache", COMMANDS);
