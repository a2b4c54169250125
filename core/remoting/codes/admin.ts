// Operating a broker: configuration, runtime figures, statistics, clean-up.
import { required, row } from "../code_row.ts";

export const UPDATE_BROKER_CONFIG = row({
  code: 25,
  name: "UPDATE_BROKER_CONFIG",
  doc: "Changes configuration items that may be changed remotely (body: properties).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const GET_BROKER_CONFIG = row({
  code: 26,
  name: "GET_BROKER_CONFIG",
  doc: "The broker's configuration (body: properties).",
  servedBy: ["broker"],
  request: {},
  response: {
    version: required("string", "Data version of the configuration, as JSON."),
  },
});

export const GET_BROKER_RUNTIME_INFO = row({
  code: 28,
  name: "GET_BROKER_RUNTIME_INFO",
  doc: "Runtime figures (body: KVTable).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const CLEAN_EXPIRED_CONSUMEQUEUE = row({
  code: 306,
  name: "CLEAN_EXPIRED_CONSUMEQUEUE",
  doc: "Deletes queue files that lie below the log.",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const VIEW_BROKER_STATS_DATA = row({
  code: 315,
  name: "VIEW_BROKER_STATS_DATA",
  doc: "One statistics item by minute, hour and day (body: BrokerStatsData).",
  servedBy: ["broker"],
  request: {
    statsName: required("string", "Which statistics."),
    statsKey: required("string", "Whose statistics."),
  },
  response: {},
});

export const CLEAN_UNUSED_TOPIC = row({
  code: 316,
  name: "CLEAN_UNUSED_TOPIC",
  doc: "Deletes queues of topics that are gone.",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const DELETE_EXPIRED_COMMITLOG = row({
  code: 329,
  name: "DELETE_EXPIRED_COMMITLOG",
  doc: "Deletes log files that are past their time now.",
  servedBy: ["broker"],
  request: {},
  response: {},
});
