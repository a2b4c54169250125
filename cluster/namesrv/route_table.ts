// The registry: which brokers there are, which topics they have, and the routes that follow from
// both. Pure: times are passed in, connections are numbers, notices to brokers are returned and not
// sent.
import {
  type BrokerGroup,
  BrokerGroups,
  hasMaster,
  minBrokerId,
  minBrokerIdChange,
  removeAddress,
  viewOf,
} from "./broker_groups.ts";
import { type LiveBroker, LiveBrokers } from "./live_brokers.ts";
import {
  type BrokerView,
  type DataVersion,
  MASTER_ID,
  type MinBrokerIdChange,
  PERM_WRITE,
  type QueueView,
  type RegisterOutcome,
  type Registration,
  sameVersion,
  type TopicRoute,
  type TopicTableContent,
  type Unregistration,
} from "./route_model.ts";
import { routeOf } from "./topic_route.ts";
import { TopicTable } from "./topic_table.ts";

/**
 * How long a node may be silent when it doesn't say
 * (RouteInfoManager.DEFAULT_BROKER_CHANNEL_EXPIRED_TIME).
 */
const BROKER_TIMEOUT_MS_DEFAULT = 120_000;
/** Its routes show the members as they are, without an acting master (TopicValidator). */
const MEMBER_GROUP_TOPIC_PREFIX = "rmq_sys_SYNC_BROKER_MEMBER_";

/** Settings that may change while it runs. */
export interface RoutePolicy {
  readonly supportActingMaster: boolean;
  readonly notifyMinBrokerIdChanged: boolean;
  readonly deleteTopicWithBrokerRegistration: boolean;
}

/** A body that wasn't parsed because its fingerprint says that it holds what the last one did. */
export const UNCHANGED = "unchanged";

export class RouteTable {
  readonly topics = new TopicTable();
  private readonly groups = new BrokerGroups();
  private readonly live = new LiveBrokers();

  constructor(private readonly policy: RoutePolicy) {}

  /**
   * Whether registering this body again would change nothing but the time of the node's last sign.
   */
  isUnchanged(registration: Registration, fingerprint: string): boolean {
    const { cluster, address, brokerName, brokerId } = registration;
    const group = this.groups.get(brokerName);
    const node = this.live.get(cluster, address);
    if (group === undefined || node === undefined || node.settled === null) return false;
    const { settled } = node;
    if (settled.fingerprint !== fingerprint || group.addresses.get(brokerId) !== address) {
      return false;
    }
    if (settled.applied !== topicsCount(group, registration)) return false;
    return !settled.applied ||
      settled.revision === this.topics.revisionOf(brokerName) &&
        (settled.exact || !this.policy.deleteTopicWithBrokerRegistration);
  }

  /**
   * Takes a registration in. `content` is UNCHANGED only right after `isUnchanged` said so. A
   * refused one changes nothing; one in conflict removes what the rejected address had, as
   * RouteInfoManager.registerBroker does.
   */
  register(
    registration: Registration,
    content: TopicTableContent | typeof UNCHANGED,
    fingerprint: string,
    nowMs: number,
  ): RegisterOutcome {
    const { cluster, address, brokerName, brokerId } = registration;
    const known = this.groups.get(brokerName);
    if (content !== UNCHANGED) {
      if (known !== undefined && this.isConflict(known, registration, content.version)) {
        removeAddress(known, address, brokerId);
        this.live.remove(cluster, address);
        return { status: "conflict" };
      }
      if (!known?.addresses.has(brokerId) && content.topics.size === 1) {
        return { status: "refused" };
      }
    }
    const minBefore = known === undefined ? MASTER_ID : minBrokerId(known) ?? MASTER_ID;
    const group = this.groups.ensure(cluster, brokerName);
    group.enableActingMaster = registration.enableActingMaster === true;
    group.zoneName = registration.zoneName;
    removeAddress(group, address, brokerId);
    const first = !group.addresses.has(brokerId);
    group.addresses.set(brokerId, address);

    const isNew = this.live.get(cluster, address) === undefined;
    const node = this.takeContent(group, registration, content, fingerprint, first, nowMs);
    const changed = brokerId < minBefore && this.policy.notifyMinBrokerIdChanged;
    return {
      status: "registered",
      isNew,
      master: this.masterFor(group, registration),
      change: changed ? minBrokerIdChange(group, null, node.haAddress) : null,
    };
  }

  /**
   * The topic's shares on brokers that are registered; with any other broker among them nothing
   * happens.
   */
  registerTopic(topic: string, queues: readonly QueueView[]): boolean {
    if (queues.length === 0) return false;
    if (queues.some(({ brokerName }) => !this.groups.has(brokerName))) return false;
    for (const { brokerName, settings } of queues) this.topics.set(topic, brokerName, settings);
    return true;
  }

  deleteTopic(topic: string, cluster: string | null): void {
    if (cluster === null || cluster === "") this.topics.delete(topic);
    else this.topics.deleteFrom(topic, this.groups.namesIn(cluster));
  }

  /** Takes a batch out, and returns the notices that follow from it. */
  unregister(batch: readonly Unregistration[]): MinBrokerIdChange[] {
    const removed = new Set<string>();
    const reduced = new Set<BrokerGroup>();
    const offline = new Map<BrokerGroup, string>();
    for (const { cluster, brokerName, address } of batch) {
      this.live.remove(cluster, address);
      const group = this.groups.get(brokerName);
      if (group === undefined) continue;
      const minBefore = minBrokerId(group);
      if (this.groups.removeAddress(cluster, brokerName, address)) {
        removed.add(brokerName);
        reduced.delete(group);
        offline.delete(group);
      } else {
        reduced.add(group);
        if (minBrokerId(group) !== minBefore) offline.set(group, address);
      }
    }
    this.topics.removeBrokers(removed);
    for (const group of reduced) {
      if (group.enableActingMaster && !hasMaster(group)) this.topics.wipeWrite(group.brokerName);
    }
    return this.policy.notifyMinBrokerIdChanged ? departureNotices(offline) : [];
  }

  /** Nodes whose time is up, with what takes them out. */
  expired(nowMs: number): LiveBroker[] {
    return this.live.expired(nowMs);
  }

  onConnection(connectionId: number): LiveBroker[] {
    return this.live.on(connectionId);
  }

  /**
   * What takes a silent node out of the routes. When its address isn't in them (another node has
   * its id by now), it is forgotten here and now.
   */
  eviction(node: LiveBroker): Unregistration[] {
    const { cluster, address } = node;
    const evicted: Unregistration[] = [];
    for (const { group, brokerId } of this.groups.holding(address)) {
      const { brokerName } = group;
      if (group.cluster !== cluster && brokerName !== node.brokerName) continue;
      evicted.push({ cluster, address, brokerName, brokerId });
    }
    if (evicted.length === 0) this.live.remove(cluster, address);
    return evicted;
  }

  /** Notes a sign of life; unknown nodes are ignored. */
  heard(cluster: string, address: string, nowMs: number): void {
    const node = this.live.get(cluster, address);
    if (node !== undefined) node.heardMs = nowMs;
  }

  versionOf(cluster: string, address: string): DataVersion | null {
    return this.live.get(cluster, address)?.version ?? null;
  }

  broker(brokerName: string): BrokerView | null {
    const group = this.groups.get(brokerName);
    return group === undefined ? null : viewOf(group);
  }

  brokers(): BrokerView[] {
    return Array.from(this.groups.all(), viewOf);
  }

  clusters(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.groups.allClusters();
  }

  topicsInCluster(cluster: string): string[] {
    return this.topics.namesOn(this.groups.namesIn(cluster));
  }

  /** Null when no registered broker has the topic. */
  route(topic: string): TopicRoute | null {
    const queues = this.topics.queuesOf(topic);
    if (queues === null) return null;
    const acting = this.policy.supportActingMaster && !topic.startsWith(MEMBER_GROUP_TOPIC_PREFIX);
    const route = routeOf(queues, this.topics.mappingsOf(topic), this.groups, this.live, acting);
    return route.brokers.length === 0 ? null : route;
  }

  private isConflict(group: BrokerGroup, registration: Registration, version: DataVersion) {
    const holder = group.addresses.get(registration.brokerId);
    if (holder === undefined || holder === registration.address) return false;
    const node = this.live.get(registration.cluster, holder);
    return node !== undefined && node.version.stateVersion > version.stateVersion;
  }

  private takeContent(
    group: BrokerGroup,
    registration: Registration,
    content: TopicTableContent | typeof UNCHANGED,
    fingerprint: string,
    first: boolean,
    nowMs: number,
  ): LiveBroker {
    const { cluster, address, connectionId, haAddress } = registration;
    const before = this.live.get(cluster, address);
    const applied = topicsCount(group, registration);
    if (content !== UNCHANGED && applied) {
      const changed = first || before === undefined ||
        !sameVersion(before.version, content.version);
      this.applyTopics(group, registration, content, changed);
    }
    const same = content === UNCHANGED;
    const node: LiveBroker = {
      cluster,
      brokerName: group.brokerName,
      address,
      connectionId,
      haAddress,
      timeoutMs: registration.timeoutMs ?? BROKER_TIMEOUT_MS_DEFAULT,
      heardMs: nowMs,
      version: same ? before!.version : content.version,
      filterServers: same ? before!.filterServers : filterServersAfter(before, content),
      settled: {
        fingerprint,
        applied,
        exact: this.policy.deleteTopicWithBrokerRegistration,
        revision: this.topics.revisionOf(group.brokerName),
      },
    };
    this.live.put(node);
    return node;
  }

  private applyTopics(
    group: BrokerGroup,
    registration: Registration,
    content: TopicTableContent,
    changed: boolean,
  ): void {
    const { brokerName } = group;
    const { topics } = this;
    if (this.policy.deleteTopicWithBrokerRegistration && content.mappings.size === 0) {
      topics.keepOnly(brokerName, content.topics);
    }
    // A slave that stands in for its master can be read only.
    const wiped = registration.brokerId !== MASTER_ID && group.enableActingMaster;
    for (const [topic, settings] of content.topics) {
      if (!changed && topics.has(topic, brokerName)) continue;
      const taken = wiped ? { ...settings, perm: settings.perm & ~PERM_WRITE } : settings;
      topics.set(topic, brokerName, taken);
    }
    for (const [topic, mapping] of content.mappings) {
      if (changed || !topics.mappingsOf(topic)?.has(mapping.brokerName)) {
        topics.setMapping(topic, mapping);
      }
    }
  }

  private masterFor(group: BrokerGroup, registration: Registration) {
    if (registration.brokerId === MASTER_ID) return null;
    const address = group.addresses.get(MASTER_ID);
    if (address === undefined) return null;
    const node = this.live.get(registration.cluster, address);
    return node === undefined ? null : { address, haAddress: node.haAddress };
  }
}

/** Only a master's topics make routes, or those of the slave that would stand in for it. */
function topicsCount(group: BrokerGroup, { brokerId, enableActingMaster }: Registration): boolean {
  return brokerId === MASTER_ID ||
    enableActingMaster !== null && brokerId === minBrokerId(group);
}

function filterServersAfter(before: LiveBroker | undefined, content: TopicTableContent) {
  const { filterServers } = content;
  if (filterServers === null) return before?.filterServers ?? null;
  return filterServers.length === 0 ? null : filterServers;
}

function departureNotices(offline: ReadonlyMap<BrokerGroup, string>): MinBrokerIdChange[] {
  const notices: MinBrokerIdChange[] = [];
  for (const [group, address] of offline) {
    if (!group.enableActingMaster) continue;
    const notice = minBrokerIdChange(group, address, null);
    if (notice !== null) notices.push(notice);
  }
  return notices;
}
