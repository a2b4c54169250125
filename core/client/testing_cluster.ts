// A fake cluster on free ports: a name server that answers routes, and fake brokers. For tests of the
// client alone; everything closes with it.
import { Buffer } from "node:buffer";
import { createLogger, type LogEntry, silentLogger } from "../log.ts";
import { writeJson } from "../json/json_writer.ts";
import { LenientMap } from "../json/json_value.ts";
import { AUTO_CREATE_TOPIC } from "../message/topic_names.ts";
import { seededRandom } from "../random.ts";
import { GET_ROUTEINFO_BY_TOPIC } from "../remoting/codes/namesrv.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import { RemotingServer } from "../remoting/server.ts";
import { createSystemTransport } from "../remoting/system_transport.ts";
import { systemClock } from "../time/system_clock.ts";
import type { ClientEnvironment } from "./environment.ts";
import { FakeBroker } from "./testing_broker.ts";

export interface FakeTopic {
  queues: number;
  perm?: number;
  /** Default: all brokers. */
  brokers?: string[];
}

/** Clients of different clusters have different ids, as they do in life. */
let clustersMade = 0;

export class FakeCluster implements AsyncDisposable {
  readonly topics = new Map<string, FakeTopic>();
  readonly brokers: FakeBroker[] = [];
  /** Brokers that the routes leave out. */
  readonly hidden = new Set<string>();
  /** What the clients have logged. */
  readonly entries: LogEntry[] = [];
  routeQuestions = 0;
  private readonly random = seededRandom(++clustersMade);
  private readonly stack = new AsyncDisposableStack();

  private constructor(readonly nameServer: RemotingServer) {
    nameServer.handle(GET_ROUTEINFO_BY_TOPIC, ({ fields }) => this.route(fields.topic));
  }

  /** A name server and brokers "a", "b" …; topics are added by the test. */
  static async open(brokerCount = 1): Promise<FakeCluster> {
    const nameServer = await RemotingServer.open({
      transport: createSystemTransport(systemClock),
      clock: systemClock,
      log: silentLogger,
      host: "127.0.0.1",
      ports: [0],
      limits: { stopMsMax: 0 },
    });
    const cluster = new FakeCluster(nameServer);
    cluster.stack.use(nameServer);
    for (let index = 0; index < brokerCount; index++) {
      const broker = await FakeBroker.open(String.fromCharCode(97 + index));
      cluster.brokers.push(cluster.stack.use(broker));
    }
    return cluster;
  }

  get nameServers(): string {
    return `127.0.0.1:${this.nameServer.addresses[0]!.port}`;
  }

  /** The first broker: most tests have no other. */
  get broker(): FakeBroker {
    return this.brokers[0]!;
  }

  /** What tests give their clients: fixed identity and randomness, and a log to look at. */
  get environment(): Partial<ClientEnvironment> {
    return {
      random: this.random,
      log: createLogger((entry) => this.entries.push(entry)),
      localAddress: "127.0.0.1",
      nameServers: this.nameServers,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stack.disposeAsync();
  }

  private route(topic: string) {
    this.routeQuestions++;
    const known = this.topics.get(topic) ??
      (topic.startsWith("%RETRY%") ? { queues: 1, brokers: ["a"] } : undefined);
    if (known === undefined) {
      return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `no topic ${topic}` };
    }
    const brokers = this.brokers.filter(({ name }) =>
      !this.hidden.has(name) && (known.brokers === undefined || known.brokers.includes(name))
    );
    const body = writeJson({
      brokerDatas: brokers.map(({ name, address }) => ({
        // Bare keys, as 4.9 name servers write them.
        brokerAddrs: new LenientMap([[0, address]]),
        brokerName: name,
        cluster: "c",
      })),
      queueDatas: brokers.map(({ name }) => ({
        brokerName: name,
        perm: known.perm ?? 6,
        readQueueNums: known.queues,
        writeQueueNums: known.queues,
        topicSysFlag: 0,
      })),
    });
    return { body: Buffer.from(body) };
  }
}

/** Lets brokers create topics on their first message. */
export function allowAutoCreate(cluster: FakeCluster): void {
  cluster.topics.set(AUTO_CREATE_TOPIC, { queues: 8, perm: 7 });
}

/** Waits until the condition holds; the test's own time-out is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(2);
}
