// Masters and slaves: replication state, and notices of who serves.
import { optional, row, tolerated } from "../code_row.ts";

const REPLICATION = "Replication to slaves is not implemented yet.";

export const NOTIFY_MIN_BROKER_ID_CHANGE = row({
  code: 905,
  name: "NOTIFY_MIN_BROKER_ID_CHANGE",
  doc: "Tells brokers which of their name has the smallest id; one-way.",
  servedBy: [],
  whyNotServed: REPLICATION,
  request: {
    minBrokerId: optional("long", "Smallest id alive."),
    brokerName: optional("string", "Broker name."),
    minBrokerAddr: optional("string", "Its address."),
    offlineBrokerAddr: optional("string", "Address of the broker that left."),
    haBrokerAddr: optional("string", "Its replication address."),
  },
  response: {},
});

export const EXCHANGE_BROKER_HA_INFO = row({
  code: 906,
  name: "EXCHANGE_BROKER_HA_INFO",
  doc: "A slave and its master tell each other their addresses and flushed offset.",
  servedBy: [],
  whyNotServed: REPLICATION,
  request: {
    masterHaAddress: optional("string", "The master's replication address."),
    masterFlushOffset: optional("long", "The master's flushed offset."),
    masterAddress: optional("string", "The master's address."),
  },
  response: {
    masterHaAddress: optional("string", "The master's replication address."),
    masterFlushOffset: optional("long", "The master's flushed offset."),
    masterAddress: optional("string", "The master's address."),
  },
});

export const GET_BROKER_HA_STATUS = row({
  code: 907,
  name: "GET_BROKER_HA_STATUS",
  doc: "State of the replication connections (body: HARuntimeInfo).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const RESET_MASTER_FLUSH_OFFSET = row({
  code: 908,
  name: "RESET_MASTER_FLUSH_OFFSET",
  doc: "Sets the master's flushed offset on a slave; a master has its own.",
  servedBy: ["broker"],
  request: {
    masterFlushOffset: tolerated("long", "The master's flushed offset."),
  },
  response: {},
});
