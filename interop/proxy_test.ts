// Apache's proxy 5.4.0 in cluster mode in front of Roquet's name server and broker, used by a 5.x client over gRPC.
import { expect, test } from "bun:test";
import { startCluster } from "./support/cluster.ts";
import { grpcClassPath, jvmOptions } from "./support/java.ts";
import { mqadmin } from "./support/mqadmin.ts";
import { runToEnd } from "./support/processes.ts";
import { startApacheProxy } from "./support/proxy.ts";

const MESSAGES = 20;

test(
  "a gRPC client sends, receives, puts off, acknowledges and is pushed to through Apache's proxy",
  async () => {
    await using cluster = await startCluster({ namesrv: "roquet", broker: "roquet" });
    const { broker, folder, namesrv } = cluster;
    const inBroker = ["-b", broker.address];
    await mqadmin(namesrv.address, [
      [
        "updateTopic",
        ...inBroker,
        "-t",
        "Grpc",
        "-r",
        "4",
        "-w",
        "4",
        "-a",
        "+message.type=NORMAL",
      ],
      ["updateSubGroup", ...inBroker, "-g", "grpc_simple"],
      ["updateSubGroup", ...inBroker, "-g", "grpc_push"],
    ], `${folder}/admin`);
    await using proxy = await startApacheProxy(
      `${folder}/proxy`,
      namesrv.address,
      "InteropCluster",
    );
    const { code, stdout, stderr } = await runToEnd("java", [
      ...jvmOptions(`${folder}/grpc`, 256),
      "-cp",
      await grpcClassPath(),
      "GrpcDriver",
      proxy.endpoint,
      "Grpc",
      String(MESSAGES),
    ], { timeoutMs: 200_000 });
    expect(code === 0 ? "" : stderr).toBe("");
    expect(stdout.split("\n").filter((line) => line !== "")).toEqual([
      `SENT ${MESSAGES}`,
      "AGAIN attempt 2",
      `RECEIVED ${MESSAGES}`,
      `PUSHED ${MESSAGES}`,
    ]);
  },
  280_000,
);
