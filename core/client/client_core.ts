// What producers and consumers have in common: identity, life cycle, connections, routes and
// heartbeats. Sends and consumes nothing itself.
import type { Logger } from "../log.ts";
import { randomBelow } from "../random.ts";
import { RemotingClient } from "../remoting/client.ts";
import { HEART_BEAT, UNREGISTER_CLIENT } from "../remoting/codes/groups.ts";
import { runInBackground } from "../time/background.ts";
import { ClientError } from "./client_error.ts";
import type { HookClient } from "./hooks.ts";
import { claimIdentity } from "./identities.ts";
import type { ClientEnvironment } from "./environment.ts";
import { NameServers } from "./name_servers.ts";
import { type ClientEvents, TypedEvents } from "./events.ts";
import { checkNameServers, type CommonOptions } from "./options.ts";
import { ask, mustAsk } from "./remote_calls.ts";
import { MASTER_ID } from "./route.ts";
import { Routes } from "./routes.ts";
import { namespaceHook, signingHook } from "./signing.ts";

/** Where a client is in its life (ServiceState). */
export type ClientState = "created" | "running" | "closed" | "start_failed";

/** What a heartbeat says of one client (HeartbeatData without its id). */
export interface Heartbeat {
  consumerDataSet: readonly Record<string, unknown>[];
  producerDataSet: readonly { groupName: string }[];
}

export interface Membership {
  kind: "producer" | "consumer";
  group: string;
  heartbeat(): Heartbeat;
}

export class ClientCore {
  state: ClientState = "created";
  readonly clientId: string;
  readonly remoting: RemotingClient;
  readonly nameServers: NameServers;
  readonly routes: Routes;
  readonly log: Logger;
  readonly events: TypedEvents<ClientEvents>;
  /** Aborted when the client closes. */
  readonly closing = new AbortController();
  private readonly background = new AsyncDisposableStack();
  private releaseIdentity: () => void = () => {};
  private closed: Promise<void> | null = null;
  private readonly reintroducing = new Map<string, Promise<void>>();
  private readonly beating = new Set<Promise<unknown>>();

  constructor(
    readonly environment: ClientEnvironment,
    readonly options: CommonOptions,
    readonly membership: Membership,
  ) {
    const { clock, transport, random } = environment;
    this.log = environment.log.named(`client.${membership.kind}`);
    const addresses = options.nameServers ??
      (environment.nameServers !== null ? checkNameServers(environment.nameServers) : null);
    if (addresses === null) {
      throw new ClientError(
        "invalid_options",
        "nameServers: give them, or set NAMESRV_ADDR in the environment",
      );
    }
    this.clientId = clientId(environment, options);
    const hooks = [...options.requestHooks];
    if (options.namespaceV2 !== undefined) hooks.push(namespaceHook(options.namespaceV2));
    // What is signed is the request as it is sent.
    if (options.credentials !== undefined) hooks.push(signingHook(options.credentials));
    this.remoting = new RemotingClient({ transport, clock, log: this.log, hooks });
    this.nameServers = new NameServers(this.remoting, addresses, options.requestTimeoutMs, random);
    this.routes = new Routes(this.nameServers, this.log);
    this.events = new TypedEvents(this.log);
    this.remoting.onConnectionClosed((address, reason) =>
      this.events.emit("disconnected", { address, reason })
    );
    this.routes.onChange((topic, { brokers }) =>
      this.events.emit("routeChanged", {
        topic,
        brokers: brokers.map(({ brokerName }) => brokerName),
      })
    );
  }

  /**
   * Brings the client to "running": `begin` does what the kind of client needs. Throws ClientError
   * "already_started" and "duplicate_group", and whatever `begin` throws.
   */
  async start(begin: () => Promise<void>): Promise<void> {
    const { kind, group } = this.membership;
    if (this.state !== "created") {
      throw new ClientError(
        "already_started",
        `the ${kind} of group ${group} is ${this.state}: make a new one to start again`,
      );
    }
    this.releaseIdentity = claimIdentity(this.clientId, kind, group);
    this.state = "running";
    try {
      await begin();
      this.events.emit("state", { state: this.state });
    } catch (error) {
      await this.close("start_failed");
      throw error;
    }
  }

  /** How hooks know this client. */
  hookClient(): HookClient {
    const { clientId, membership, options } = this;
    return { group: membership.group, clientId, unitMode: options.unitMode };
  }

  /** Polls routes and sends heartbeats from now on. */
  keepAlive(): void {
    const { clock } = this.environment;
    const { routePollMs, heartbeatMs } = this.options;
    this.background.use(this.routes.startPolling(clock, routePollMs));
    this.background.use(
      runInBackground(
        { name: "heartbeat", intervalMs: heartbeatMs, tick: () => this.beat() },
        clock,
        this.log,
      ),
    );
  }

  /** Refuses calls from now on, while what was begun comes to its end. */
  refuse(): void {
    if (this.state === "running") this.state = "closed";
  }

  /** Throws ClientError "not_running". */
  checkRunning(): void {
    if (this.state === "running") return;
    const { kind, group } = this.membership;
    throw new ClientError("not_running", `the ${kind} of group ${group} is ${this.state}`);
  }

  /** Ends polling and heartbeats, says good-bye to the brokers and closes the connections. */
  close(state: "closed" | "start_failed" = "closed"): Promise<void> {
    this.closed ??= this.end(state);
    return this.closed;
  }

  private async end(state: "closed" | "start_failed"): Promise<void> {
    const wasStarted = this.state !== "created";
    this.state = state;
    this.closing.abort();
    await this.background.disposeAsync();
    // A broker that serves a heartbeat after the good-bye would keep a member that is gone.
    await Promise.allSettled(this.beating);
    if (wasStarted) await this.unregister();
    await this.remoting[Symbol.asyncDispose]();
    this.releaseIdentity();
    this.events.emit("state", { state });
  }

  /** Tells every known broker that we are here; a broker that doesn't answer is logged. */
  async beat(): Promise<"idle"> {
    await Promise.all(
      this.heartbeatTargets().map(([brokerName, address]) =>
        this.beatTo(brokerName, address).catch((error) => {
          this.log.warn("heartbeat failed", { brokerName, address, error });
        })
      ),
    );
    return "idle";
  }

  /** One heartbeat to the broker's master out of turn; callers at the same time share it. */
  reintroduce(brokerName: string): Promise<void> {
    const address = this.routes.address(brokerName);
    if (address === undefined) return Promise.resolve();
    let beating = this.reintroducing.get(brokerName);
    if (beating === undefined) {
      beating = this.beatTo(brokerName, address)
        .catch((error) => this.log.warn("heartbeat failed", { brokerName, address, error }))
        .finally(() => this.reintroducing.delete(brokerName));
      this.reintroducing.set(brokerName, beating);
    }
    return beating;
  }

  async beatTo(brokerName: string, address: string): Promise<void> {
    if (this.closing.signal.aborted) return;
    const data = { clientID: this.clientId, ...this.membership.heartbeat() };
    const beating = mustAsk(this.remoting, HEART_BEAT, {
      peer: brokerName,
      address,
      fields: {},
      body: new TextEncoder().encode(JSON.stringify(data)),
      timeoutMs: this.options.requestTimeoutMs,
    });
    this.beating.add(beating);
    try {
      await beating;
    } finally {
      this.beating.delete(beating);
    }
  }

  /** Consumers are known to slaves too; producers to masters alone. */
  heartbeatTargets(): [brokerName: string, address: string][] {
    const isProducer = this.membership.kind === "producer";
    return [...this.routes.brokers].flatMap(({ brokerName, addresses }) =>
      [...addresses].filter(([id]) => !isProducer || id === MASTER_ID)
        .map(([, address]): [string, string] => [brokerName, address])
    );
  }

  private async unregister(): Promise<void> {
    const { kind, group } = this.membership;
    const fields = {
      clientID: this.clientId,
      ...(kind === "producer" ? { producerGroup: group } : { consumerGroup: group }),
    };
    const timeoutMs = this.options.requestTimeoutMs;
    await Promise.all(
      this.heartbeatTargets().map(([peer, address]) => {
        if (!this.remoting.isConnected(address)) return;
        return ask(this.remoting, UNREGISTER_CLIENT, { peer, address, fields, timeoutMs })
          .catch((error) => this.log.info("good-bye failed", { peer, address, error }));
      }),
    );
  }
}

/** address@instance, as Apache's clients are called; without a name, one that no other has. */
function clientId(
  environment: ClientEnvironment,
  { instanceName, unitName }: CommonOptions,
): string {
  const { localAddress, processId, random } = environment;
  const unique = () => `${processId}#${randomBelow(random, 2 ** 48).toString(36)}`;
  const unit = unitName === undefined ? "" : `@${unitName}`;
  return `${localAddress}@${instanceName ?? unique()}${unit}`;
}
