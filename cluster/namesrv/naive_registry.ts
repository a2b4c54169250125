// The registry once more, as plainly as it can be said: flat lists, everything worked out afresh on
// every question. The model that route_table_test.ts compares the real one with; used by tests
// alone.
import type {
  MinBrokerIdChange,
  QueueSettings,
  Registration,
  TopicTableContent,
  Unregistration,
} from "./route_model.ts";
import type { RoutePolicy } from "./route_table.ts";

interface Member {
  brokerName: string;
  brokerId: number;
  address: string;
}

interface Group {
  brokerName: string;
  cluster: string;
  zoneName: string | null;
  acting: boolean;
}

interface Node {
  cluster: string;
  address: string;
  brokerName: string;
  connectionId: number;
  heardMs: number;
  timeoutMs: number;
  content: TopicTableContent;
  haAddress: string;
  filterServers: readonly string[];
}

interface Share {
  topic: string;
  brokerName: string;
  settings: QueueSettings;
}

export class NaiveRegistry {
  private members: Member[] = [];
  private groups: Group[] = [];
  private memberships: { cluster: string; brokerName: string }[] = [];
  private nodes: Node[] = [];
  private shares: Share[] = [];

  constructor(private readonly policy: RoutePolicy) {}

  register(registration: Registration, content: TopicTableContent, nowMs: number) {
    const { cluster, brokerName, brokerId, address, enableActingMaster } = registration;
    const holder = this.membersOf(brokerName).find((member) => member.brokerId === brokerId);
    const holding = this.nodes.find((node) =>
      node.cluster === cluster && node.address === holder?.address
    );
    if (
      holder && holder.address !== address && holding &&
      holding.content.version.stateVersion > content.version.stateVersion
    ) {
      this.members = this.members.filter((member) =>
        member.brokerName !== brokerName || member.address !== address
      );
      this.forget(cluster, address);
      return { status: "conflict" as const };
    }
    if (!holder && content.topics.size === 1) return { status: "refused" as const };

    const minBefore = this.minOf(brokerName) ?? 0;
    this.memberships = this.memberships.filter((one) =>
      one.cluster !== cluster || one.brokerName !== brokerName
    );
    this.memberships.push({ cluster, brokerName });
    const old = this.groups.find((group) => group.brokerName === brokerName);
    this.groups = this.groups.filter((group) => group !== old);
    const acting = enableActingMaster === true;
    const group = {
      brokerName,
      cluster: old?.cluster ?? cluster,
      zoneName: registration.zoneName,
      acting,
    };
    this.groups.push(group);
    this.members = this.members.filter((member) =>
      member.brokerName !== brokerName ||
      member.address !== address && member.brokerId !== brokerId
    );
    this.members.push({ brokerName, brokerId, address });

    const known = this.nodes.find((node) => node.cluster === cluster && node.address === address);
    const changed = !holder || !known ||
      JSON.stringify(known.content.version) !== JSON.stringify(content.version);
    const standIn = brokerId !== 0 && enableActingMaster !== null &&
      this.minOf(brokerName) === brokerId;
    if (brokerId === 0 || standIn) {
      if (this.policy.deleteTopicWithBrokerRegistration) {
        this.shares = this.shares.filter((share) =>
          share.brokerName !== brokerName || content.topics.has(share.topic)
        );
      }
      for (const [topic, settings] of content.topics) {
        const has = this.shares.some((share) =>
          share.topic === topic && share.brokerName === brokerName
        );
        if (has && !changed) continue;
        const perm = standIn && acting ? settings.perm & ~2 : settings.perm;
        this.setShare({ topic, brokerName, settings: { ...settings, perm } });
      }
    }
    this.forget(cluster, address);
    this.nodes.push({
      cluster,
      address,
      brokerName,
      connectionId: registration.connectionId,
      heardMs: nowMs,
      timeoutMs: registration.timeoutMs ?? 120_000,
      content,
      haAddress: registration.haAddress,
      filterServers: content.filterServers ?? known?.filterServers ?? [],
    });
    const masterMember = this.membersOf(brokerName).find((member) => member.brokerId === 0);
    const master = this.nodes.find((node) =>
      node.cluster === cluster && node.address === masterMember?.address
    );
    const isNoticed = this.policy.notifyMinBrokerIdChanged && brokerId < minBefore;
    return {
      status: "registered" as const,
      isNew: known === undefined,
      master: brokerId === 0 || !master
        ? null
        : { address: master.address, haAddress: master.haAddress },
      change: isNoticed ? this.noticeOf(brokerName, null, registration.haAddress) : null,
    };
  }

  unregister(batch: readonly Unregistration[]): MinBrokerIdChange[] {
    const offline = new Map<string, string>();
    for (const { cluster, brokerName, address } of batch) {
      this.forget(cluster, address);
      const group = this.groups.find((one) => one.brokerName === brokerName);
      if (!group) continue;
      const minBefore = this.minOf(brokerName);
      this.members = this.members.filter((member) =>
        member.brokerName !== brokerName || member.address !== address
      );
      if (this.membersOf(brokerName).length === 0) {
        this.groups = this.groups.filter((one) => one !== group);
        this.memberships = this.memberships.filter((one) =>
          one.brokerName !== brokerName ||
          one.cluster !== cluster && one.cluster !== group.cluster
        );
        this.shares = this.shares.filter((share) => share.brokerName !== brokerName);
        offline.delete(brokerName);
      } else if (this.minOf(brokerName) !== minBefore) {
        offline.set(brokerName, address);
      }
    }
    for (const { brokerName } of batch) {
      const acting = this.groups.some((one) => one.brokerName === brokerName && one.acting);
      if (acting && this.minOf(brokerName) !== 0) this.setPerms(brokerName, (perm) => perm & ~2);
    }
    if (!this.policy.notifyMinBrokerIdChanged) return [];
    return [...offline].filter(([name]) =>
      this.groups.some((one) => one.brokerName === name && one.acting)
    ).map(([name, address]) => this.noticeOf(name, address, null));
  }

  /** Everything that ends with the silence of nodes. */
  scan(nowMs: number): Unregistration[] {
    return this.evictionsOf(this.nodes.filter((node) => node.heardMs + node.timeoutMs < nowMs));
  }

  close(connectionId: number): Unregistration[] {
    return this.evictionsOf(this.nodes.filter((node) => node.connectionId === connectionId));
  }

  heard(cluster: string, address: string, nowMs: number): void {
    for (const node of this.nodes) {
      if (node.cluster === cluster && node.address === address) node.heardMs = nowMs;
    }
  }

  registerTopic(topic: string, shares: readonly Share[]): void {
    const isKnown = ({ brokerName }: Share) =>
      this.groups.some((group) => group.brokerName === brokerName);
    if (shares.every(isKnown)) { for (const share of shares) this.setShare({ ...share, topic }); }
  }

  deleteTopic(topic: string, cluster: string | null): void {
    this.shares = this.shares.filter((share) =>
      share.topic !== topic ||
      cluster !== null && !this.memberships.some((one) =>
          one.cluster === cluster && one.brokerName === share.brokerName
        )
    );
  }

  setPerms(brokerName: string, change: (perm: number) => number): number {
    let count = 0;
    for (const share of this.shares) {
      if (share.brokerName !== brokerName) continue;
      count++;
      share.settings = { ...share.settings, perm: change(share.settings.perm) };
    }
    return count;
  }

  /** What clients could see of it all, in a form that compares. */
  view(topics: readonly string[]) {
    return {
      clusters: this.memberships.map(({ cluster, brokerName }) => `${cluster}/${brokerName}`)
        .sort(),
      brokers: this.groups.map((group) => this.brokerView(group.brokerName)).sort(byName),
      routes: topics.map((topic) => this.route(topic)),
    };
  }

  private route(topic: string) {
    const shares = this.shares.filter((share) => share.topic === topic).sort(byName);
    if (shares.length === 0) return null;
    const brokers = shares.map((share) => {
      const view = this.brokerView(share.brokerName);
      const acts = this.policy.supportActingMaster && view.enableActingMaster &&
        view.addresses[0]![0] !== 0 && (share.settings.perm & 2) === 0;
      if (acts) view.addresses[0] = [0, view.addresses[0]![1]];
      return view;
    });
    const filterServers: Record<string, readonly string[]> = {};
    for (const { cluster, addresses } of brokers) {
      for (const [, address] of addresses) {
        const node = this.nodes.find((one) => one.cluster === cluster && one.address === address);
        if (node && node.filterServers.length > 0) filterServers[address] = node.filterServers;
      }
    }
    return {
      queues: shares.map(({ brokerName, settings }) => ({ brokerName, settings })),
      brokers,
      filterServers,
    };
  }

  private brokerView(brokerName: string) {
    const { cluster, zoneName, acting } = this.groups.find((one) => one.brokerName === brokerName)!;
    const addresses = this.membersOf(brokerName).map((member): [number, string] => [
      member.brokerId,
      member.address,
    ]).sort(([one], [other]) => one - other);
    return { cluster, brokerName, addresses, zoneName, enableActingMaster: acting };
  }

  private evictionsOf(nodes: readonly Node[]): Unregistration[] {
    return nodes.flatMap((node) => {
      const { cluster, address } = node;
      const members = this.members.filter((member) =>
        member.address === address &&
        (member.brokerName === node.brokerName ||
          this.groups.some((one) =>
            one.brokerName === member.brokerName && one.cluster === cluster
          ))
      );
      if (members.length === 0) this.forget(cluster, address);
      return members.map((member) => ({ ...member, cluster }));
    });
  }

  private setShare(share: Share): void {
    this.shares = this.shares.filter((one) =>
      one.topic !== share.topic || one.brokerName !== share.brokerName
    );
    this.shares.push(share);
  }

  private forget(cluster: string, address: string): void {
    this.nodes = this.nodes.filter((node) => node.cluster !== cluster || node.address !== address);
  }

  private membersOf(brokerName: string): Member[] {
    return this.members.filter((member) => member.brokerName === brokerName);
  }

  private minOf(brokerName: string): number | null {
    const ids = this.membersOf(brokerName).map(({ brokerId }) => brokerId);
    return ids.length === 0 ? null : Math.min(...ids);
  }

  private noticeOf(
    brokerName: string,
    offlineAddress: string | null,
    haAddress: string | null,
  ): MinBrokerIdChange {
    const members = this.membersOf(brokerName);
    const minBrokerId = this.minOf(brokerName)!;
    const told = members.filter((member) =>
      offlineAddress !== null || members.length === 1 || member.brokerId !== minBrokerId
    );
    return {
      brokerName,
      minBrokerId,
      minBrokerAddress: members.find((member) => member.brokerId === minBrokerId)!.address,
      offlineAddress,
      haAddress,
      notifiedAddresses: told.map(({ address }) => address).sort(),
    };
  }
}

function byName(one: { brokerName: string }, other: { brokerName: string }): number {
  return one.brokerName < other.brokerName ? -1 : 1;
}
