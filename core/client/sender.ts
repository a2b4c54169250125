// Sends prepared messages: finds their topic's queues, writes their frames straight into the
// connection's outgoing bytes, and lets no more be on their way than a limit.
import type { Buffer } from "node:buffer";
import { CLIENT_UNSENT_BYTES_MAX } from "../limits.ts";
import { AUTO_CREATE_TOPIC } from "../message/topic_names.ts";
import { randomBelow } from "../random.ts";
import { requestCommand } from "../remoting/answers.ts";
import type { RemotingClient } from "../remoting/client.ts";
import type { RemotingCommand } from "../remoting/command.ts";
import type { RemotingConnection } from "../remoting/connection.ts";
import { RemotingError } from "../remoting/remoting_error.ts";
import type { Clock } from "../time/clock.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import type { FaultTracker } from "./fault_tracker.ts";
import { SENDS_IN_FLIGHT_BYTES_MAX } from "./limits.ts";
import { checkTopic, type MessageQueue, type SendResult } from "./message.ts";
import { PendingSend, type PreparedSend } from "./pending_send.ts";
import { PublishQueues } from "./publish_queues.ts";
import { callError } from "./remote_calls.ts";
import { autoCreateRoute, publishQueues, type TopicRoute } from "./route.ts";
import { sendFields, sendHeadBytesMax, sendTemplate, writeSendHead } from "./send_frame.ts";

/** Bodies from here on are queued as they are, behind their header, instead of being copied. */
const BODY_BYTES_UNCOPIED = 16 * 1024;
/** So many begun sends are dropped from the list of waiting ones together. */
const COMPACTED_FROM = 1024;

export interface SenderOptions {
  group: string;
  retriesMax: number;
  retriesWhenNotStoredAsAsked: boolean;
  sendsInFlightMax: number;
  sendsWaitingMax: number;
  autoCreateQueues: number;
  /** Sends go to the brokers' fast ports. */
  vipChannel: boolean;
  unitMode: boolean;
}

export class Sender {
  readonly clock: Clock;
  readonly remoting: RemotingClient;
  readonly retriesMax: number;
  readonly retriesWhenNotStoredAsAsked: boolean;
  private readonly queuesByTopic = new Map<string, PublishQueues>();
  private readonly templates = new WeakMap<MessageQueue, Buffer>();
  private inFlight = 0;
  private inFlightBytes = 0;
  private readonly waiting: PendingSend[] = [];
  private waitingFrom = 0;
  private startingWaiting = false;
  private readonly idleListeners: (() => void)[] = [];
  private readonly refreshing = new Set<string>();

  constructor(
    private readonly core: ClientCore,
    private readonly options: SenderOptions,
    readonly faults: FaultTracker | null,
  ) {
    this.clock = core.environment.clock;
    this.remoting = core.remoting;
    this.retriesMax = options.retriesMax;
    this.retriesWhenNotStoredAsAsked = options.retriesWhenNotStoredAsAsked;
    core.routes.onChange((topic, route) => {
      if (this.queuesByTopic.has(topic)) this.takeRoute(topic, route);
    });
  }

  /** Sends that are on their way or wait. */
  get pending(): number {
    return this.inFlight + this.waiting.length - this.waitingFrom;
  }

  /** Whether a send to the topic can begin without asking for its route. */
  knows(topic: string): boolean {
    const queues = this.queuesByTopic.get(topic)?.queues;
    return queues !== undefined && queues.length > 0;
  }

  /** The queues of a topic that take messages now; empty before `learn`. */
  queuesOf(topic: string): readonly MessageQueue[] {
    return this.queuesByTopic.get(topic)?.queues ?? [];
  }

  /**
   * Asks for a topic's route, or for that of the auto-create topic when there is none. Throws
   * ClientError.
   */
  async learn(topic: string): Promise<void> {
    checkTopic(topic);
    const { routes } = this.core;
    const route = await routes.refresh(topic);
    routes.watch(topic);
    if (route !== null) return this.takeRoute(topic, route);
    const template = routes.get(AUTO_CREATE_TOPIC) ?? await routes.refresh(AUTO_CREATE_TOPIC);
    if (template === null) {
      throw new ClientError(
        "no_route",
        `the name servers don't know the topic ${topic}, nor a broker that would make it: none is ` +
          "registered, or autoCreateTopicEnable=false",
      );
    }
    routes.watch(AUTO_CREATE_TOPIC);
    this.takeRoute(topic, autoCreateRoute(template, this.options.autoCreateQueues));
  }

  /** Begins a send; its callbacks tell how it went. Throws ClientError "too_many_sends". */
  begin(
    prepared: PreparedSend,
    resolved: (result: SendResult) => void,
    rejected: (error: unknown) => void,
  ): PendingSend {
    const send = new PendingSend(this, prepared, resolved, rejected);
    if (this.waiting.length === this.waitingFrom && this.hasRoom(prepared.body.length)) {
      this.start(send);
    } else if (this.waiting.length - this.waitingFrom < this.options.sendsWaitingMax) {
      this.waiting.push(send);
    } else {
      throw new ClientError(
        "too_many_sends",
        `${this.pending} sends are on their way or wait: await some of them first`,
        { retriable: true },
      );
    }
    return send;
  }

  /** Sends without an answer. Rejects with ClientError when it can't be handed to the network. */
  async oneway(prepared: PreparedSend): Promise<void> {
    const queue = prepared.fixedQueue ?? this.select(prepared.topic, null);
    const address = queue === null ? undefined : this.addressOf(queue.brokerName);
    if (queue === null || address === undefined) {
      throw new ClientError("no_broker", `no broker takes ${prepared.topic} now`, {
        retriable: true,
      });
    }
    try {
      if (this.remoting.hasHooks) {
        const command = this.command(prepared, queue);
        return await this.remoting.invokeOneway(address, command, prepared.timeoutMs);
      }
      const connection = this.remoting.openConnection(address) ??
        await this.remoting.connectTo(address, prepared.timeoutMs);
      checkRoom(connection);
      this.write(connection, prepared, queue, this.remoting.takeOpaque());
    } catch (error) {
      throw callError(error, queue.brokerName);
    }
  }

  select(topic: string, failedBroker: string | null): MessageQueue | null {
    const queues = this.queuesByTopic.get(topic);
    return queues?.select(failedBroker, this.faults) ?? null;
  }

  addressOf(brokerName: string): string | undefined {
    const address = this.core.routes.address(brokerName);
    return address !== undefined && this.options.vipChannel ? fastAddress(address) : address;
  }

  /** A known topic that has queues at the broker. */
  topicOf(brokerName: string): string | undefined {
    for (const [topic, { queues }] of this.queuesByTopic) {
      if (queues.some((queue) => queue.brokerName === brokerName)) return topic;
    }
    return undefined;
  }

  /** The broker stops: go on with a new connection. */
  leave(brokerName: string): void {
    const address = this.addressOf(brokerName);
    if (address !== undefined) this.remoting.leaveConnection(address);
  }

  /** A broker of the topic didn't answer: its route may have changed. */
  unreachable(topic: string): void {
    if (this.refreshing.has(topic)) return;
    this.refreshing.add(topic);
    this.core.routes.refresh(topic)
      .catch((error) => this.core.log.debug("no newer route", { topic, error }))
      .finally(() => this.refreshing.delete(topic));
  }

  /** Writes an attempt and registers it for the answer. */
  transmit(
    connection: RemotingConnection,
    send: PendingSend,
    queue: MessageQueue,
    timeoutMs: number,
  ): void {
    try {
      checkRoom(connection);
      if (this.remoting.hasHooks) return this.transmitHooked(connection, send, queue, timeoutMs);
      const opaque = this.remoting.takeOpaque();
      this.write(connection, send.prepared, queue, opaque);
      connection.answers().expect(opaque, timeoutMs, send);
    } catch (error) {
      if (!(error instanceof RemotingError)) throw error;
      send.reject(error);
    }
  }

  /** The long way, for hooks that want to see requests and answers. */
  private transmitHooked(
    connection: RemotingConnection,
    send: PendingSend,
    queue: MessageQueue,
    timeoutMs: number,
  ): void {
    const { remoting } = this;
    const command = this.command(send.prepared, queue);
    try {
      remoting.beforeRequest(connection, command);
    } catch (error) {
      return send.forbid(error);
    }
    command.opaque = remoting.takeOpaque();
    const waiter = {
      deadlineMs: 0,
      timeoutMs,
      resolve: (answer: RemotingCommand) => {
        remoting.afterAnswer(connection, command, answer);
        send.resolve(answer);
      },
      reject: (error: RemotingError) => send.reject(error),
    };
    connection.answers().expect(command.opaque, timeoutMs, waiter);
    send.deadlineMs = waiter.deadlineMs;
    send.timeoutMs = timeoutMs;
    connection.send(command);
  }

  private command(prepared: PreparedSend, queue: MessageQueue): RemotingCommand {
    const { group, autoCreateQueues, unitMode } = this.options;
    const extFields = sendFields({ group, queue, autoCreateQueues, unitMode }, prepared);
    return requestCommand(prepared.code, { extFields, body: prepared.body });
  }

  /** A send is settled: those that wait may begin. */
  done(send: PendingSend): void {
    // One that was given up while it waited stays in the list until its turn.
    if (!send.started) return;
    this.inFlight--;
    this.inFlightBytes -= send.prepared.body.length;
    if (this.waitingFrom < this.waiting.length) this.startWaiting();
    if (this.inFlight === 0) { for (const listener of this.idleListeners.splice(0)) listener(); }
  }

  /** Resolves once nothing is on its way. */
  drained(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleListeners.push(resolve));
  }

  private hasRoom(bytes: number): boolean {
    if (this.inFlight === 0) return true;
    return this.inFlight < this.options.sendsInFlightMax &&
      this.inFlightBytes + bytes <= SENDS_IN_FLIGHT_BYTES_MAX;
  }

  private start(send: PendingSend): void {
    this.inFlight++;
    this.inFlightBytes += send.prepared.body.length;
    send.start();
  }

  private startWaiting(): void {
    // A send that fails at once settles inside of this loop: it must not begin another one.
    if (this.startingWaiting) return;
    this.startingWaiting = true;
    while (this.waitingFrom < this.waiting.length) {
      const next = this.waiting[this.waitingFrom]!;
      if (!next.settled && !this.hasRoom(next.prepared.body.length)) break;
      this.waitingFrom++;
      if (!next.settled) this.start(next);
    }
    if (this.waitingFrom >= COMPACTED_FROM || this.waitingFrom === this.waiting.length) {
      this.waiting.splice(0, this.waitingFrom);
      this.waitingFrom = 0;
    }
    this.startingWaiting = false;
  }

  private write(
    connection: RemotingConnection,
    prepared: PreparedSend,
    queue: MessageQueue,
    opaque: number,
  ): void {
    const { body } = prepared;
    const template = this.templateOf(queue);
    const copied = body.length < BODY_BYTES_UNCOPIED;
    const room = sendHeadBytesMax(template, prepared) + (copied ? body.length : 0);
    const { buffer, start } = connection.reserve(room);
    const bodyAt = writeSendHead(buffer, start, template, opaque, prepared, body.length);
    if (copied) buffer.set(body, bodyAt);
    connection.commit(bodyAt - start + (copied ? body.length : 0));
    if (!copied) connection.sendBytes(body);
  }

  private templateOf(queue: MessageQueue): Buffer {
    let template = this.templates.get(queue);
    if (template === undefined) {
      template = sendTemplate({ ...this.options, queue });
      this.templates.set(queue, template);
    }
    return template;
  }

  private takeRoute(topic: string, route: TopicRoute): void {
    const queues = publishQueues(topic, route);
    const first = randomBelow(this.core.environment.random, queues.length);
    this.queuesByTopic.set(topic, new PublishQueues(queues, first));
  }
}

/** Two below the main port (MixAll.brokerVIPChannel). */
function fastAddress(address: string): string {
  const colon = address.lastIndexOf(":");
  return `${address.slice(0, colon)}:${Number(address.slice(colon + 1)) - 2}`;
}

function checkRoom(connection: RemotingConnection): void {
  const { unsentBytes, remoteAddress } = connection;
  if (connection.closed) {
    throw new RemotingError("closed", remoteAddress, "the connection is closed");
  }
  if (unsentBytes > CLIENT_UNSENT_BYTES_MAX) {
    throw new RemotingError("too_many", remoteAddress, `${unsentBytes} bytes wait for the peer`);
  }
}
