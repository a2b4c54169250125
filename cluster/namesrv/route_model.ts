// The values that routes are made of. All are immutable once made, so they can be shared and
// compared by identity. Knows no wire format: bodies.ts and route_json.ts read and write these.

export const MASTER_ID = 0;

/** Permission bits (PermName). */
export const PERM_WRITE = 2;
export const PERM_READ = 4;

/** Bits of a topic's system flag (TopicSysFlag). */
export const TOPIC_FLAG_UNIT = 1;
export const TOPIC_FLAG_UNIT_SUB = 2;

/** What a broker's table is at: unequal means changed, never older or newer. */
export interface DataVersion {
  readonly counter: number;
  readonly stateVersion: number;
  readonly timestamp: number;
}

export const NO_DATA_VERSION: DataVersion = { counter: 0, stateVersion: 0, timestamp: 0 };

export function sameVersion(one: DataVersion, other: DataVersion): boolean {
  return one.counter === other.counter && one.stateVersion === other.stateVersion &&
    one.timestamp === other.timestamp;
}

/** One broker's share of a topic. */
export interface QueueSettings {
  readonly readQueueCount: number;
  readonly writeQueueCount: number;
  readonly perm: number;
  readonly topicSysFlag: number;
}

/**
 * Where a static topic's logic queues lie on one broker (TopicQueueMappingInfo); passed on as it
 * came.
 */
export interface TopicQueueMapping {
  readonly topic: string | null;
  readonly brokerName: string;
  readonly scope: string;
  readonly queueCount: number;
  /** Fences old, dirty data. */
  readonly epoch: number;
  readonly dirty: boolean;
  /** Logic to physical queue ids, ascending. */
  readonly currentIds: readonly (readonly [logicId: number, physicalId: number])[];
}

/** What a registration says about topics. */
export interface TopicTableContent {
  readonly version: DataVersion;
  readonly topics: ReadonlyMap<string, QueueSettings>;
  readonly mappings: ReadonlyMap<string, TopicQueueMapping>;
  /** Null leaves the known ones as they are, an empty list removes them. */
  readonly filterServers: readonly string[] | null;
}

/** One registration of one broker node. */
export interface Registration {
  readonly cluster: string;
  readonly brokerName: string;
  readonly brokerId: number;
  /** "host:port", as clients will dial it. */
  readonly address: string;
  readonly haAddress: string;
  readonly zoneName: string | null;
  /** Null: the name server's default. */
  readonly timeoutMs: number | null;
  /** Null: a broker too old to know of acting masters. */
  readonly enableActingMaster: boolean | null;
  /** The connection whose end ends the registration. */
  readonly connectionId: number;
}

export interface Unregistration {
  readonly cluster: string;
  readonly brokerName: string;
  readonly brokerId: number;
  readonly address: string;
}

/**
 * Tells the nodes of a broker group that another one has the smallest id now
 * (NOTIFY_MIN_BROKER_ID_CHANGE).
 */
export interface MinBrokerIdChange {
  readonly brokerName: string;
  readonly minBrokerId: number;
  readonly minBrokerAddress: string;
  readonly offlineAddress: string | null;
  readonly haAddress: string | null;
  readonly notifiedAddresses: readonly string[];
}

export type RegisterOutcome =
  | {
    readonly status: "registered";
    /** The node wasn't heard of before. */
    readonly isNew: boolean;
    /** Where a slave finds its master; null for a master, or while there is none. */
    readonly master: { readonly address: string; readonly haAddress: string } | null;
    readonly change: MinBrokerIdChange | null;
  }
  /** Another node holds the id with a newer state; Apache answers SUCCESS with nothing in it. */
  | { readonly status: "conflict" }
  /** A node that isn't registered sent one topic alone. */
  | { readonly status: "refused" };

export interface BrokerView {
  readonly cluster: string;
  readonly brokerName: string;
  /** Ascending by id. */
  readonly addresses: readonly (readonly [id: number, address: string])[];
  readonly zoneName: string | null;
  readonly enableActingMaster: boolean;
}

export interface QueueView {
  readonly brokerName: string;
  readonly settings: QueueSettings;
}

/** A topic's route, in order of broker names. */
export interface TopicRoute {
  readonly queues: readonly QueueView[];
  readonly brokers: readonly BrokerView[];
  /** Filter servers by broker address. */
  readonly filterServers: ReadonlyMap<string, readonly string[]>;
  readonly mappings: readonly TopicQueueMapping[];
}
