// What the inspector's commands ask of name servers and brokers, with errors that name the cause. Holds no listing and
// prints nothing; answers that don't change within a command are asked for once.
import { nearestName, suggestion } from "../../core/config/suggestion.ts";
import { OperationError, UsageError } from "../../core/errors.ts";
import { groupOfRetryTopic, isRetryTopic, retryTopicOf } from "../../core/message/topic_names.ts";
import type { CallAnswer, GivenFields } from "../../core/remoting/call.ts";
import type { RemotingClient } from "../../core/remoting/client.ts";
import type { CodeRow, Fields } from "../../core/remoting/code_row.ts";
import {
  GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
  GET_BROKER_CLUSTER_INFO,
  GET_ROUTEINFO_BY_TOPIC,
} from "../../core/remoting/codes/namesrv.ts";
import { parseHostAndPort } from "../../core/remoting/host_address.ts";
import { RemotingError } from "../../core/remoting/remoting_error.ts";
import { ResponseCode, responseCodeName } from "../../core/remoting/response_codes.ts";
import type { Transport } from "../../core/remoting/transport.ts";
import type { Clock } from "../../core/time/clock.ts";
import { bodyObject, texts } from "./bodies.ts";
import { groupTable } from "./broker_tables.ts";
import { mapAtOnce } from "./parallel.ts";
import {
  addressesOf,
  addressOf,
  type BrokerData,
  type ClusterInfo,
  clusterInfoOf,
  masterOf,
  type Route,
  routeOf,
} from "./routes.ts";

/** A peer that answered, and said no. */
export class Refusal extends OperationError {
  constructor(readonly code: number, readonly remark: string, peer: string, row: CodeRow) {
    super(
      code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED
        ? `${peer} doesn't serve ${row.name}: is it the right address?`
        : `${peer} refused ${row.name} with ${responseCodeName(code)}: ${
          remark || "no reason given"
        }`,
    );
  }
}

const CALL_TIMEOUT_MS = 5_000;

export interface ClusterOptions {
  client: RemotingClient;
  /** From -n or the environment; undefined when neither names any. */
  nameServers: string | undefined;
  /** For commands that need a client of their own. */
  clock: Clock;
  transport: Transport;
}

export class Cluster {
  readonly clock: Clock;
  readonly transport: Transport;
  private readonly client: RemotingClient;
  private readonly givenNameServers: string | undefined;
  private readonly routes = new Map<string, Promise<Route | null>>();
  private infoAnswer: Promise<ClusterInfo> | undefined;
  private topicsAnswer: Promise<string[]> | undefined;

  constructor(options: ClusterOptions) {
    this.client = options.client;
    this.givenNameServers = options.nameServers;
    this.clock = options.clock;
    this.transport = options.transport;
  }

  /** "host:port" each. Throws UsageError when none is named or one is malformed. */
  get nameServers(): string[] {
    const addresses = (this.givenNameServers ?? "").split(/[;,]/).map((each) => each.trim())
      .filter((each) => each !== "");
    if (addresses.length === 0) {
      throw new UsageError("no name server: give -n HOST:PORT or set NAMESRV_ADDR");
    }
    for (const address of addresses) {
      if (parseHostAndPort(address) === null) {
        throw new UsageError(`name server '${address}' isn't HOST:PORT`);
      }
    }
    return addresses;
  }

  /** A call that any name server may answer; whatever its code. */
  async askNameServer<Q extends Fields, A extends Fields>(
    row: CodeRow<Q, A>,
    fields: GivenFields<Q>,
  ): Promise<CallAnswer<A>> {
    const failures: RemotingError[] = [];
    for (const address of this.nameServers) {
      try {
        const answer = await this.client.call(row, address, fields, undefined, {
          timeoutMs: CALL_TIMEOUT_MS,
        });
        if (answer.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) {
          throw new OperationError(
            `${address} answers, but isn't a name server (its port is 9876 by default)`,
          );
        }
        return answer;
      } catch (error) {
        if (!(error instanceof RemotingError)) throw error;
        failures.push(error);
      }
    }
    throw new OperationError(
      `no name server answers: ${failures.map(problemOf).join("; ")}; give its address with -n`,
      { cause: failures[0] },
    );
  }

  /** A call to one name server or broker that must succeed. Throws OperationError, Refusal among them. */
  async ask<Q extends Fields, A extends Fields>(
    row: CodeRow<Q, A>,
    address: string,
    fields: GivenFields<Q>,
    options: { body?: Uint8Array; timeoutMs?: number } = {},
  ): Promise<CallAnswer<A>> {
    const answer = await this.askAny(row, address, fields, options);
    if (answer.code === ResponseCode.SUCCESS) return answer;
    throw new Refusal(answer.code, answer.remark ?? "", address, row);
  }

  /** The same, with any answer's code. */
  async askAny<Q extends Fields, A extends Fields>(
    row: CodeRow<Q, A>,
    address: string,
    fields: GivenFields<Q>,
    options: { body?: Uint8Array; timeoutMs?: number } = {},
  ): Promise<CallAnswer<A>> {
    if (parseHostAndPort(address) === null) {
      throw new UsageError(`address '${address}' isn't HOST:PORT`);
    }
    const { body, timeoutMs = CALL_TIMEOUT_MS } = options;
    try {
      return await this.client.call(row, address, fields, body, { timeoutMs });
    } catch (error) {
      if (!(error instanceof RemotingError)) throw error;
      throw new OperationError(`no answer from ${problemOf(error)}`, { cause: error });
    }
  }

  /** What was answered before is asked for again. */
  forget(): void {
    this.infoAnswer = undefined;
    this.topicsAnswer = undefined;
    this.routes.clear();
  }

  info(): Promise<ClusterInfo> {
    this.infoAnswer ??= this.askNameServer(GET_BROKER_CLUSTER_INFO, {}).then((answer) =>
      clusterInfoOf(bodyObject(this.checked(GET_BROKER_CLUSTER_INFO, answer).body, "a name server"))
    );
    return this.infoAnswer;
  }

  /** The names of all topics that the name server knows. */
  topicNames(): Promise<string[]> {
    const row = GET_ALL_TOPIC_LIST_FROM_NAMESERVER;
    this.topicsAnswer ??= this.askNameServer(row, {}).then((answer) =>
      texts(bodyObject(this.checked(row, answer).body, "a name server")["topicList"]).sort()
    );
    return this.topicsAnswer;
  }

  /** Null when the name servers don't know the topic. */
  findRoute(topic: string): Promise<Route | null> {
    let route = this.routes.get(topic);
    if (route === undefined) {
      route = this.askRoute(topic);
      this.routes.set(topic, route);
    }
    return route;
  }

  /** Throws OperationError that says why there is none. */
  async route(topic: string): Promise<Route> {
    return await this.findRoute(topic) ?? await this.failMissingTopic(topic);
  }

  /** The addresses to ask about a topic, one for each broker that has it. */
  async addressesOfTopic(topic: string): Promise<string[]> {
    return addressesOf((await this.route(topic)).brokers);
  }

  /** The brokers of a cluster, by name. Throws OperationError for a cluster that doesn't exist. */
  async brokersOfCluster(name: string): Promise<BrokerData[]> {
    const { brokers, clusters } = await this.info();
    const names = clusters.get(name);
    if (names === undefined) {
      if (clusters.size === 0) throw this.noBrokers();
      throw new OperationError(
        `cluster '${name}' doesn't exist${hint(name, clusters.keys(), "the clusters are")}`,
      );
    }
    return names.map((each) => brokers.get(each)).filter((broker) => broker !== undefined);
  }

  /** The masters' addresses. Throws OperationError when the cluster has none. */
  async mastersOfCluster(name: string): Promise<string[]> {
    const brokers = await this.brokersOfCluster(name);
    const masters = brokers.map(masterOf).filter((address) => address !== undefined);
    if (masters.length === 0) throw new OperationError(`cluster '${name}' has no master`);
    return masters;
  }

  async allOfCluster(name: string): Promise<string[]> {
    return (await this.brokersOfCluster(name)).flatMap((broker) => [...broker.addresses.values()]);
  }

  /** The brokers that -b (an address) or -c (a cluster) means: masters, or slaves too. */
  async targets(
    target: { broker: string | undefined; cluster: string | undefined },
    which: "masters" | "all" = "masters",
  ): Promise<string[]> {
    if (target.broker !== undefined) return [target.broker];
    const name = target.cluster ?? "";
    return which === "all" ? await this.allOfCluster(name) : await this.mastersOfCluster(name);
  }

  async brokerByName(name: string): Promise<BrokerData> {
    const { brokers } = await this.info();
    const broker = brokers.get(name);
    if (broker !== undefined) return broker;
    if (brokers.size === 0) throw this.noBrokers();
    throw new OperationError(
      `broker '${name}' isn't registered${hint(name, brokers.keys(), "registered are")}`,
    );
  }

  async addressOfBroker(name: string): Promise<string> {
    const address = addressOf(await this.brokerByName(name));
    if (address === undefined) throw new OperationError(`broker '${name}' has no address`);
    return address;
  }

  /** The groups that have consumed or are configured. */
  async groupNames(): Promise<string[]> {
    const { brokers } = await this.info();
    const configured = await mapAtOnce(addressesOf([...brokers.values()]), async (address) => {
      return Object.keys(await groupTable(this, address));
    });
    const retrying = (await this.topicNames()).filter(isRetryTopic).map(groupOfRetryTopic);
    return [...new Set([...configured.flat(), ...retrying])].sort();
  }

  /** The brokers that know a group. Throws OperationError that says why there are none. */
  async routeOfGroup(group: string): Promise<Route> {
    return await this.findRoute(retryTopicOf(group)) ?? await this.failMissingGroup(group);
  }

  /** Throws an OperationError: the group doesn't exist, or exists and nobody has consumed in it. */
  async failMissingGroup(group: string): Promise<never> {
    const [{ brokers }, groups] = await Promise.all([this.info(), this.groupNames()]);
    if (brokers.size === 0) throw this.noBrokers();
    throw new OperationError(
      groups.includes(group)
        ? `no consumer of group '${group}' is online`
        : `group '${group}' doesn't exist${hint(group, groups, null)}`,
    );
  }

  /** Throws an OperationError that says why a topic has no route. */
  async failMissingTopic(topic: string, advice = ""): Promise<never> {
    const [{ brokers }, topics] = await Promise.all([this.info(), this.topicNames()]);
    if (brokers.size === 0) throw this.noBrokers();
    throw new OperationError(`topic '${topic}' doesn't exist${hint(topic, topics, null)}${advice}`);
  }

  private async askRoute(topic: string): Promise<Route | null> {
    const answer = await this.askNameServer(GET_ROUTEINFO_BY_TOPIC, {
      topic,
      acceptStandardJsonOnly: true,
    });
    if (answer.code === ResponseCode.TOPIC_NOT_EXIST) return null;
    const { body } = this.checked(GET_ROUTEINFO_BY_TOPIC, answer);
    return routeOf(bodyObject(body, "a name server"));
  }

  private noBrokers(): OperationError {
    return new OperationError(`no broker is registered with ${this.nameServers.join(", ")}`);
  }

  private checked<A extends Fields>(row: CodeRow<Fields, A>, answer: CallAnswer<A>): CallAnswer<A> {
    if (answer.code === ResponseCode.SUCCESS) return answer;
    throw new Refusal(answer.code, answer.remark ?? "", "a name server", row);
  }
}

function problemOf(error: RemotingError): string {
  if (error.code === "timeout") return `${error.address}: nothing came in time`;
  // A transport's error names the address too.
  return error.message.replace(`${error.address}: ${error.address}: `, `${error.address}: `);
}

/** ", did you mean 'x'?", or the names there are when they are few and none is near. */
function hint(name: string, names: Iterable<string>, there: string | null): string {
  const all = [...names];
  if (nearestName(name, all) !== null) return suggestion(name, all);
  return there !== null && all.length > 0 && all.length <= 10 ? `; ${there} ${all.join(", ")}` : "";
}
