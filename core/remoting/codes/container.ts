// Several brokers in one process (Apache's BrokerContainer).
import { optional, required, row } from "../code_row.ts";

const CONTAINER =
  "Several brokers in one process are Apache's BrokerContainer; Roquet runs one process a broker.";

export const ADD_BROKER = row({
  code: 902,
  name: "ADD_BROKER",
  doc: "Starts a broker in the container.",
  servedBy: [],
  whyNotServed: CONTAINER,
  request: {
    configPath: optional("string", "The new broker's configuration file."),
  },
  response: {},
});

export const REMOVE_BROKER = row({
  code: 903,
  name: "REMOVE_BROKER",
  doc: "Stops a broker of the container.",
  servedBy: [],
  whyNotServed: CONTAINER,
  request: {
    brokerName: required("string", "Broker name."),
    brokerClusterName: required("string", "Cluster name."),
    brokerId: required("long", "Broker id; 0 is the master."),
  },
  response: {},
});
