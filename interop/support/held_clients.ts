// A Java producer and consumer that stay connected, so that admin commands find them; what the suites that compare
// commands with mqadmin's have in common.
import type { Cluster } from "./cluster.ts";
import { driverClassPath, jvmOptions } from "./java.ts";
import { type RunningProcess, startProcess, waitFor } from "./processes.ts";

/** What commands are told of a cluster with held clients. */
export interface Setting {
  broker: string;
  namesrv: string;
  messageId: string;
  offsetMessageId: string;
  folder: string;
}

/** How an output is made comparable, after the common masks. */
export type View = (output: string) => string;

export const HELD_TOPIC = "T_hold";
export const HELD_GROUP = "G_hold_consumer";
const HELD_MESSAGES = 16;

/** For the names of tests. */
export const NAMELESS: Setting = {
  broker: "BROKER",
  namesrv: "NAMESRV",
  messageId: "MSGID",
  offsetMessageId: "OFFSETID",
  folder: "FOLDER",
};

/** Sixteen messages were sent and consumed, and the broker has the group's offsets. */
export async function holdClients(cluster: Cluster): Promise<[RunningProcess, Setting]> {
  const hold = startProcess({
    command: "java",
    args: [
      ...jvmOptions(`${cluster.folder}/hold`),
      "-cp",
      await driverClassPath("5.4.0"),
      "Hold",
      cluster.namesrv.address,
      HELD_TOPIC,
      String(HELD_MESSAGES),
    ],
    logPath: `${cluster.folder}/hold.log`,
  });
  const found = await waitFor(
    "the held clients",
    60_000,
    () => hold.output().match(/^HOLDING (\{.*\})$/m),
  );
  const ids = JSON.parse(found[1]!) as { msgId: string; offsetMsgId: string };
  return [hold, {
    broker: cluster.broker.address,
    namesrv: cluster.namesrv.address,
    messageId: ids.msgId,
    offsetMessageId: ids.offsetMsgId,
    folder: cluster.folder,
  }];
}

/** An output without the folder's name and without what Java's libraries log on standard output. */
export function maskCommon(output: string, { folder }: Setting): string {
  return output
    .replaceAll(folder, "FOLDER")
    .split("\n").filter((line) =>
      !/\|-(INFO|WARN|ERROR) in |NettyClient|RocketmqRemoting/.test(line)
    )
    .join("\n");
}

/** The retry topic's queue shows once the group has committed its offset, any time. */
export const withoutRetries: View = (output) =>
  output.split("\n").filter((line) => !line.startsWith("%RETRY%")).join("\n");

/** Which topics have had messages today shows only after a while. */
export const headerOnly: View = (output) => output.split("\n")[0]!;
