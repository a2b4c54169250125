// Apache's own proxy in cluster mode: serves 5.x clients over gRPC from the brokers of a cluster.
import { mkdirSync, writeFileSync } from "node:fs";
import { jars, jvmOptions } from "./java.ts";
import { freeBrokerPort, GivenUp, startProcess, waitFor } from "./processes.ts";

export interface ProxyServer extends AsyncDisposable {
  /** Where gRPC clients connect. */
  readonly endpoint: string;
}

const BOOT_MS_MAX = 90_000;

export async function startApacheProxy(
  folder: string,
  namesrvAddress: string,
  clusterName: string,
): Promise<ProxyServer> {
  mkdirSync(folder, { recursive: true });
  const port = await freeBrokerPort();
  const file = `${folder}/proxy.json`;
  const conf = {
    rocketMQClusterName: clusterName,
    namesrvAddr: namesrvAddress,
    proxyMode: "CLUSTER",
    grpcServerPort: port,
    remotingListenPort: port + 1,
    // Clients are told to come to the address that they came to.
    useEndpointPortFromRequest: true,
    localServeAddr: "127.0.0.1",
  };
  writeFileSync(file, JSON.stringify(conf));
  const lib = await jars("proxy-5.4.0");
  const process = startProcess({
    command: "java",
    args: [
      ...jvmOptions(folder),
      "-cp",
      `${lib}/*`,
      "org.apache.rocketmq.proxy.ProxyStartup",
      "-n",
      namesrvAddress,
      "-pm",
      "cluster",
      "-pc",
      file,
    ],
    logPath: `${folder}/stdout.log`,
    env: { RMQ_PROXY_HOME: folder },
  });
  let ended = false;
  process.exited.then(() => ended = true, () => ended = true);
  await waitFor("Apache's proxy", BOOT_MS_MAX, () => {
    if (ended) throw new GivenUp(process.output().slice(-2000));
    return process.output().includes("startup successfully") || undefined;
  });
  return {
    endpoint: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
