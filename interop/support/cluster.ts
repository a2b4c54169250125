// A name server and a broker, each Apache's or Roquet's, in a temporary folder: what the suites run against.
import type { ServerVersion } from "./java.ts";
import { type Server, startApacheBroker, startApacheNamesrv } from "./apache.ts";
import { startRoquetBroker, startRoquetNamesrv } from "./roquet.ts";
import type { Conf } from "./server_conf.ts";
import { waitUntilRegistered } from "./registered.ts";
import { tempFolder } from "./temp.ts";

export type Make = "apache" | "roquet";

export interface Cluster extends AsyncDisposable {
  readonly folder: string;
  readonly namesrv: Server;
  readonly broker: Server;
}

/** Retries come after a second each, so that a DLQ is reached within a test. */
export const SHORT_DELAYS = Array.from({ length: 18 }, () => "1s").join(" ");

/** On a loaded machine a message may wait, and a write may take, longer than the 200 ms and the second of Apache's. */
const PATIENCE = { waitTimeMillsInSendQueue: 30_000, osPageCacheBusyTimeOutMills: 30_000 };

/** Starts a broker or a name server of a make once more, on the port and the store of the one that is gone. */
export function startAgain(make: Make, cluster: Cluster) {
  const { broker, folder, namesrv } = cluster;
  const isApache = make === "apache";
  return {
    namesrv: (): Promise<Server> =>
      isApache
        ? startApacheNamesrv(`${folder}/namesrv-again`, { conf: { listenPort: namesrv.port } })
        : startRoquetNamesrv(`${folder}/namesrv-again`, { listenPort: namesrv.port }),
    broker: (conf: Conf): Promise<Server> =>
      (isApache ? startApacheBroker : startRoquetBroker)(
        `${folder}/broker-again`,
        namesrv.address,
        {
          port: broker.port,
          storePath: broker.storePath,
          conf: { messageDelayLevel: SHORT_DELAYS, ...PATIENCE, ...conf },
        },
      ),
  };
}

export async function startCluster(
  makes: { namesrv: Make; broker: Make; version?: ServerVersion },
  conf: Conf = {},
): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const temp = stack.use(tempFolder(`${makes.namesrv}-${makes.broker}`));
  const namesrv = stack.use(
    makes.namesrv === "apache"
      ? await startApacheNamesrv(`${temp.path}/namesrv`, { version: makes.version })
      : await startRoquetNamesrv(`${temp.path}/namesrv`),
  );
  const options = { conf: { messageDelayLevel: SHORT_DELAYS, ...PATIENCE, ...conf } };
  const broker = stack.use(
    makes.broker === "apache"
      ? await startApacheBroker(`${temp.path}/broker`, namesrv.address, {
        ...options,
        version: makes.version,
      })
      : await startRoquetBroker(`${temp.path}/broker`, namesrv.address, options),
  );
  await waitUntilRegistered(namesrv.address, broker.address);
  const owned = stack.move();
  return {
    folder: temp.path,
    namesrv,
    broker,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
