// The controller: who is master, which replicas are in sync, broker ids. 1014–1018 are its own log entries, never sent by brokers.
import { optional, required, row } from "../code_row.ts";

const CONTROLLER = "Controller mode is not implemented yet.";

export const CONTROLLER_ALTER_SYNC_STATE_SET = row({
  code: 1001,
  name: "CONTROLLER_ALTER_SYNC_STATE_SET",
  doc: "A master reports its in-sync replicas (body: SyncStateSet).",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    brokerName: optional("string", "Broker name."),
    masterBrokerId: optional("long", "The master's broker id."),
    masterEpoch: optional("int", "The master's epoch."),
    invokeTime: optional("long", "When it was called, in ms."),
  },
  response: {
    newSyncStateSetEpoch: optional("int", "Epoch of the new set.", 0),
  },
});

export const CONTROLLER_ELECT_MASTER = row({
  code: 1002,
  name: "CONTROLLER_ELECT_MASTER",
  doc: "Elects a master (answer body: SyncStateSet).",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    clusterName: optional("string", "Cluster name.", ""),
    brokerName: optional("string", "Broker name.", ""),
    brokerId: optional("long", "Broker id; 0 is the master.", -1),
    designateElect: optional("boolean", "Elect the named broker whatever its state.", false),
    invokeTime: optional("long", "When it was called, in ms."),
  },
  response: {
    masterBrokerId: optional("long", "The master's broker id."),
    masterAddress: optional("string", "The master's address."),
    masterEpoch: optional("int", "The master's epoch."),
    syncStateSetEpoch: optional("int", "Epoch of the in-sync set."),
  },
});

export const CONTROLLER_REGISTER_BROKER = row({
  code: 1003,
  name: "CONTROLLER_REGISTER_BROKER",
  doc: "A broker registers under its id (answer body: SyncStateSet).",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    clusterName: optional("string", "Cluster name."),
    brokerName: optional("string", "Broker name."),
    brokerId: optional("long", "Broker id; 0 is the master."),
    brokerAddress: optional("string", "The broker's address, host:port."),
    invokeTime: optional("long", "When it was called, in ms."),
  },
  response: {
    clusterName: optional("string", "Cluster name."),
    brokerName: optional("string", "Broker name."),
    masterBrokerId: optional("long", "The master's broker id."),
    masterAddress: optional("string", "The master's address."),
    masterEpoch: optional("int", "The master's epoch."),
    syncStateSetEpoch: optional("int", "Epoch of the in-sync set."),
  },
});

export const CONTROLLER_GET_REPLICA_INFO = row({
  code: 1004,
  name: "CONTROLLER_GET_REPLICA_INFO",
  doc: "The master and replicas of a broker name (answer body: SyncStateSet).",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    brokerName: optional("string", "Broker name."),
  },
  response: {
    masterBrokerId: optional("long", "The master's broker id."),
    masterAddress: optional("string", "The master's address."),
    masterEpoch: optional("int", "The master's epoch."),
  },
});

export const CONTROLLER_GET_METADATA_INFO = row({
  code: 1005,
  name: "CONTROLLER_GET_METADATA_INFO",
  doc: "The controllers and their leader.",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {},
  response: {
    group: optional("string", "Consumer group."),
    controllerLeaderId: optional("string", "Leader of the controllers."),
    controllerLeaderAddress: optional("string", "The leader's address."),
    isLeader: optional("boolean", "This controller leads.", false),
    peers: optional("string", "All controllers."),
  },
});

export const CONTROLLER_GET_SYNC_STATE_DATA = row({
  code: 1006,
  name: "CONTROLLER_GET_SYNC_STATE_DATA",
  doc: "In-sync replicas of broker names (body: list of names; answer body: BrokerReplicasInfo).",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {},
  response: {},
});

export const GET_BROKER_EPOCH_CACHE = row({
  code: 1007,
  name: "GET_BROKER_EPOCH_CACHE",
  doc: "A broker's epochs (body: EpochEntryCache).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const NOTIFY_BROKER_ROLE_CHANGED = row({
  code: 1008,
  name: "NOTIFY_BROKER_ROLE_CHANGED",
  doc: "Tells a broker its new role (body: SyncStateSet).",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    masterAddress: optional("string", "The master's address."),
    masterEpoch: optional("int", "The master's epoch."),
    syncStateSetEpoch: optional("int", "Epoch of the in-sync set."),
    masterBrokerId: optional("long", "The master's broker id."),
  },
  response: {},
});

export const UPDATE_CONTROLLER_CONFIG = row({
  code: 1009,
  name: "UPDATE_CONTROLLER_CONFIG",
  doc: "Changes a controller's configuration (body: properties).",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {},
  response: {},
});

export const GET_CONTROLLER_CONFIG = row({
  code: 1010,
  name: "GET_CONTROLLER_CONFIG",
  doc: "A controller's configuration (body: properties).",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {},
  response: {},
});

export const CLEAN_BROKER_DATA = row({
  code: 1011,
  name: "CLEAN_BROKER_DATA",
  doc: "Forgets brokers.",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    clusterName: optional("string", "Cluster name."),
    brokerName: required("string", "Broker name."),
    brokerControllerIdsToClean: optional("string", 'Broker ids, joined by ";".'),
    isCleanLivingBroker: optional("boolean", "Also brokers that are alive.", false),
    invokeTime: optional("long", "When it was called, in ms."),
  },
  response: {},
});

export const CONTROLLER_GET_NEXT_BROKER_ID = row({
  code: 1012,
  name: "CONTROLLER_GET_NEXT_BROKER_ID",
  doc: "The next free broker id.",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    clusterName: optional("string", "Cluster name."),
    brokerName: optional("string", "Broker name."),
  },
  response: {
    clusterName: optional("string", "Cluster name."),
    brokerName: optional("string", "Broker name."),
    nextBrokerId: optional("long", "The next free id."),
  },
});

export const CONTROLLER_APPLY_BROKER_ID = row({
  code: 1013,
  name: "CONTROLLER_APPLY_BROKER_ID",
  doc: "Takes a broker id.",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    clusterName: optional("string", "Cluster name."),
    brokerName: optional("string", "Broker name."),
    appliedBrokerId: optional("long", "The id asked for."),
    registerCheckCode: optional("string", "Names the applicant, to tell a retry from a rival."),
  },
  response: {
    clusterName: optional("string", "Cluster name."),
    brokerName: optional("string", "Broker name."),
  },
});

export const BROKER_CLOSE_CHANNEL_REQUEST = row({
  code: 1014,
  name: "BROKER_CLOSE_CHANNEL_REQUEST",
  doc: "A broker's connection closed.",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    clusterName: optional("string", "Cluster name."),
    brokerName: optional("string", "Broker name."),
    brokerId: optional("long", "Broker id."),
  },
  response: {},
});

export const CHECK_NOT_ACTIVE_BROKER_REQUEST = row({
  code: 1015,
  name: "CHECK_NOT_ACTIVE_BROKER_REQUEST",
  doc: "Looks for brokers that fell silent.",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    checkTimeMillis: optional("long", "When it was asked, in ms."),
  },
  response: {},
});

export const GET_BROKER_LIVE_INFO_REQUEST = row({
  code: 1016,
  name: "GET_BROKER_LIVE_INFO_REQUEST",
  doc: "Which brokers are alive.",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    clusterName: optional("string", "Cluster name."),
    brokerName: optional("string", "Broker name."),
    brokerId: optional("long", "Broker id."),
  },
  response: {},
});

export const GET_SYNC_STATE_DATA_REQUEST = row({
  code: 1017,
  name: "GET_SYNC_STATE_DATA_REQUEST",
  doc: "All in-sync sets.",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    invokeTime: optional("long", "When it was called, in ms."),
  },
  response: {},
});

export const RAFT_BROKER_HEART_BEAT_EVENT_REQUEST = row({
  code: 1018,
  name: "RAFT_BROKER_HEART_BEAT_EVENT_REQUEST",
  doc: "A broker's heartbeat.",
  servedBy: [],
  whyNotServed: CONTROLLER,
  request: {
    clusterNameIdentityInfo: optional("string", "Cluster name."),
    brokerNameIdentityInfo: optional("string", "Broker name."),
    brokerIdIdentityInfo: optional("long", "Broker id."),
    brokerName: optional("string", "Broker name."),
    brokerAddr: optional("string", "The broker's address, host:port."),
    heartbeatTimeoutMillis: optional("long", "Silence after which the broker is gone, in ms."),
    brokerId: optional("long", "Broker id."),
    lastUpdateTimestamp: optional("long", "When it was heard last, in ms."),
    epoch: optional("int", "The broker's epoch."),
    maxOffset: optional("long", "The broker's largest physical offset."),
    confirmOffset: optional("long", "Confirmed physical offset."),
    electionPriority: optional("int", "Smaller is preferred."),
  },
  response: {},
});
