// Consumer groups, their connected members and what they subscribe to. Reports a changed membership at once.
// Never waits and never sends anything itself: notices are the listener's (Java: ConsumerManager, ConsumerGroupInfo).
import type { Logger } from "../../../core/log.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { SubscriptionAgreement } from "./agreement.ts";
import type { Client } from "./client.ts";
import { EXPRESSION_TAG, type Subscription } from "./subscription.ts";

export type ConsumeType = "CONSUME_ACTIVELY" | "CONSUME_PASSIVELY" | "CONSUME_POP";
export type MessageModel = "BROADCASTING" | "CLUSTERING" | "LITE_SELECTIVE";

/** How a group consumes, as its latest heartbeat said. */
export interface ConsumeMode {
  consumeType: string;
  messageModel: string;
  consumeFromWhere: string;
}

export interface ConsumerGroup extends ConsumeMode {
  readonly group: string;
  readonly subscriptions: Map<string, Subscription>;
  readonly members: Map<Connection, Client>;
  lastUpdateMs: number;
}

export type MembershipListener = (group: string, members: Iterable<Client>) => void;

/** Configuration keys by Apache's names. */
export interface ConsumerSettings {
  /** Without a heartbeat for this long a member is dropped and its connection closed. */
  channelExpiredTimeout: number;
  /** How long a subscription that came with pulls only is remembered. */
  subscriptionExpiredTimeout: number;
}

export interface ConsumersOptions {
  clock: Clock;
  log: Logger;
  settings: ConsumerSettings;
}

export class Consumers {
  private readonly groups = new Map<string, ConsumerGroup>();
  private readonly groupsByTopic = new Map<string, Set<string>>();
  /** Groups known from their pulls alone; they show in lag figures, not among the connected. */
  private readonly compensated = new Map<string, ConsumerGroup>();
  /** Whether the members of each group subscribe to the same. */
  readonly agreement: SubscriptionAgreement;
  private listener: MembershipListener = () => {};
  private goneListener: (group: string) => void = () => {};

  constructor(private readonly options: ConsumersOptions) {
    this.agreement = new SubscriptionAgreement(options.log);
  }

  /** Who tells members that their group changed. */
  onMembershipChange(listener: MembershipListener): void {
    this.listener = listener;
  }

  /** Who hears when a group's last member is gone. */
  onGroupGone(listener: (group: string) => void): void {
    this.goneListener = listener;
  }

  group(group: string): ConsumerGroup | undefined {
    return this.groups.get(group);
  }

  /** The connected group, or what its pulls alone have told. */
  groupOrCompensated(group: string): ConsumerGroup | undefined {
    return this.groups.get(group) ?? this.compensated.get(group);
  }

  all(): ReadonlyMap<string, ConsumerGroup> {
    return this.groups;
  }

  /** A group's subscription of a topic, by heartbeat or else by its pulls. */
  subscription(group: string, topic: string): Subscription | undefined {
    return this.groups.get(group)?.subscriptions.get(topic) ??
      this.compensated.get(group)?.subscriptions.get(topic);
  }

  /** Connected groups that subscribe to a topic. */
  groupsOf(topic: string): ReadonlySet<string> {
    return this.groupsByTopic.get(topic) ?? new Set();
  }

  clientOf(group: string, clientId: string): Client | undefined {
    for (const client of this.groups.get(group)?.members.values() ?? []) {
      if (client.clientId === clientId) return client;
    }
    return undefined;
  }

  /**
   * A member's heartbeat. `subscriptions` is null when it says that they are unchanged (version 2). True when the group
   * has a new member or subscribes to other topics; its members are then told, unless it broadcasts or `notify` is off.
   */
  register(
    name: string,
    client: Client,
    mode: ConsumeMode,
    subscriptions: readonly Subscription[] | null,
    notify: boolean,
  ): boolean {
    const group = this.groups.get(name) ?? this.create(this.groups, name, mode);
    for (const subscription of subscriptions ?? group.subscriptions.values()) {
      this.indexTopic(subscription.topic, name);
    }
    const joined = this.heartbeat(group, client, mode);
    if (subscriptions !== null) {
      const { connection, clientId } = client;
      this.agreement.said(name, connection, clientId, mode.messageModel, subscriptions);
    }
    const resubscribed = subscriptions !== null && this.resubscribe(group, subscriptions);
    if (joined || resubscribed) this.membersChanged(group, notify);
    return joined || resubscribed;
  }

  /** A member's goodbye. */
  unregister(name: string, connection: Connection, notify: boolean): void {
    const group = this.groups.get(name);
    if (group === undefined) return;
    group.members.delete(connection);
    this.agreement.left(name, connection);
    this.dropWhenEmpty(group);
    this.membersChanged(group, notify);
  }

  /** Forgets a closed connection in every group and tells the members that are left. */
  connectionClosed(connection: Connection): void {
    for (const group of [...this.groups.values()]) {
      if (!group.members.delete(connection)) continue;
      this.agreement.left(group.group, connection);
      this.dropWhenEmpty(group);
      this.membersChanged(group, true);
    }
  }

  /** Drops members without a recent heartbeat, closes their connections and tells those that are left. */
  expire(nowMs: number): void {
    for (const group of [...this.groups.values()]) {
      const expired = [...group.members.values()].filter((client) =>
        nowMs - client.lastUpdateMs > this.options.settings.channelExpiredTimeout
      );
      for (const client of expired) {
        this.options.log.warn("consumer without a heartbeat dropped", {
          group: group.group,
          clientId: client.clientId,
        });
        group.members.delete(client.connection);
        this.agreement.left(group.group, client.connection);
        client.connection.close(`consumer of ${group.group} without a heartbeat`);
      }
      this.dropWhenEmpty(group);
      if (expired.length > 0) this.membersChanged(group, true);
    }
    this.expireCompensated(nowMs);
  }

  /** What a pull tells about a group that may send no heartbeats. */
  compensate(name: string, consumeType: ConsumeType, messageModel: MessageModel): void {
    const group = this.compensatedGroup(name);
    group.consumeType = consumeType;
    group.messageModel = messageModel;
  }

  /** Remembers a subscription that a pull carried. */
  rememberSubscription(name: string, subscription: Subscription): void {
    this.compensatedGroup(name).subscriptions.set(subscription.topic, subscription);
  }

  /** The subscription that an earlier pull of the group carried, when this one carries the same. */
  repeatedSubscription(
    name: string,
    topic: string,
    expression: string | undefined,
    expressionType: string | undefined,
  ): Subscription | undefined {
    const known = this.compensated.get(name)?.subscriptions.get(topic);
    if (known === undefined || known.subString !== expression) return undefined;
    if (known.expressionType !== (expressionType ?? EXPRESSION_TAG)) return undefined;
    known.subVersion = this.options.clock.nowMs();
    return known;
  }

  private compensatedGroup(name: string): ConsumerGroup {
    return this.compensated.get(name) ??
      this.create(this.compensated, name, {
        consumeType: "CONSUME_PASSIVELY",
        messageModel: "CLUSTERING",
        consumeFromWhere: "",
      });
  }

  private create(
    table: Map<string, ConsumerGroup>,
    name: string,
    mode: ConsumeMode,
  ): ConsumerGroup {
    const group: ConsumerGroup = {
      group: name,
      ...mode,
      subscriptions: new Map(),
      members: new Map(),
      lastUpdateMs: this.options.clock.nowMs(),
    };
    table.set(name, group);
    return group;
  }

  /** True when the client is new to the group. */
  private heartbeat(group: ConsumerGroup, client: Client, mode: ConsumeMode): boolean {
    group.consumeType = mode.consumeType;
    group.messageModel = mode.messageModel;
    group.consumeFromWhere = mode.consumeFromWhere;
    group.lastUpdateMs = client.lastUpdateMs;
    const known = group.members.get(client.connection);
    if (known === undefined || known.clientId !== client.clientId) {
      group.members.set(client.connection, client);
    } else {
      known.lastUpdateMs = client.lastUpdateMs;
    }
    return known === undefined;
  }

  /** True when topics came or went; a newer version of a topic's subscription isn't a change of the group. */
  private resubscribe(group: ConsumerGroup, subscriptions: readonly Subscription[]): boolean {
    let changed = false;
    const topics = new Set<string>();
    for (const subscription of subscriptions) {
      const known = group.subscriptions.get(subscription.topic);
      if (known === undefined) changed = true;
      if (known === undefined || subscription.subVersion > known.subVersion) {
        group.subscriptions.set(subscription.topic, subscription);
      }
      topics.add(subscription.topic);
    }
    for (const topic of group.subscriptions.keys()) {
      if (topics.has(topic)) continue;
      group.subscriptions.delete(topic);
      this.unindexTopic(topic, group.group);
      changed = true;
    }
    return changed;
  }

  private membersChanged(group: ConsumerGroup, notify: boolean): void {
    if (notify && group.messageModel !== "BROADCASTING") {
      this.listener(group.group, group.members.values());
    }
  }

  private dropWhenEmpty(group: ConsumerGroup): void {
    if (group.members.size > 0) return;
    this.groups.delete(group.group);
    for (const topic of group.subscriptions.keys()) this.unindexTopic(topic, group.group);
    this.goneListener(group.group);
  }

  private indexTopic(topic: string, group: string): void {
    const groups = this.groupsByTopic.get(topic);
    if (groups === undefined) this.groupsByTopic.set(topic, new Set([group]));
    else groups.add(group);
  }

  private unindexTopic(topic: string, group: string): void {
    const groups = this.groupsByTopic.get(topic);
    groups?.delete(group);
    if (groups?.size === 0) this.groupsByTopic.delete(topic);
  }

  private expireCompensated(nowMs: number): void {
    const expiryMs = this.options.settings.subscriptionExpiredTimeout;
    for (const [name, group] of this.compensated) {
      for (const [topic, subscription] of group.subscriptions) {
        if (nowMs - subscription.subVersion > expiryMs) group.subscriptions.delete(topic);
      }
      if (group.subscriptions.size === 0) this.compensated.delete(name);
    }
  }
}
