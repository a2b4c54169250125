// Constants that Apache 5.4.0 still names and that nothing sends or answers any more.
import { row } from "../code_row.ts";

const LEGACY = "No processor of Apache 5.4.0 answers it either; the constant is left over.";

export const QUERY_BROKER_OFFSET = row({
  code: 13,
  name: "QUERY_BROKER_OFFSET",
  doc: "Was: offsets of a broker.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const GET_TOPIC_CONFIG_LIST = row({
  code: 22,
  name: "GET_TOPIC_CONFIG_LIST",
  doc: "Was: list of topic settings.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const GET_TOPIC_NAME_LIST = row({
  code: 23,
  name: "GET_TOPIC_NAME_LIST",
  doc: "Was: list of topic names.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const TRIGGER_DELETE_FILES = row({
  code: 27,
  name: "TRIGGER_DELETE_FILES",
  doc: "Was: delete files now (329 does it).",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const GET_CLIENT_CONFIG = row({
  code: 47,
  name: "GET_CLIENT_CONFIG",
  doc: "Was: a client's configuration.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const SUSPEND_CONSUMER = row({
  code: 209,
  name: "SUSPEND_CONSUMER",
  doc: "Was: suspend a consumer.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const RESUME_CONSUMER = row({
  code: 210,
  name: "RESUME_CONSUMER",
  doc: "Was: resume a consumer.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const RESET_CONSUMER_OFFSET_IN_CONSUMER = row({
  code: 211,
  name: "RESET_CONSUMER_OFFSET_IN_CONSUMER",
  doc: "Was: reset offsets in a consumer (220 does it).",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const RESET_CONSUMER_OFFSET_IN_BROKER = row({
  code: 212,
  name: "RESET_CONSUMER_OFFSET_IN_BROKER",
  doc: "Was: reset offsets in a broker (222 does it).",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const ADJUST_CONSUMER_THREAD_POOL = row({
  code: 213,
  name: "ADJUST_CONSUMER_THREAD_POOL",
  doc: "Was: a consumer's thread count.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const WHO_CONSUME_THE_MESSAGE = row({
  code: 214,
  name: "WHO_CONSUME_THE_MESSAGE",
  doc: "Was: who consumes a message.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const REGISTER_FILTER_SERVER = row({
  code: 301,
  name: "REGISTER_FILTER_SERVER",
  doc: "Was: register a filter server.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});

export const REGISTER_MESSAGE_FILTER_CLASS = row({
  code: 302,
  name: "REGISTER_MESSAGE_FILTER_CLASS",
  doc: "Was: upload a filter class.",
  servedBy: [],
  whyNotServed: LEGACY,
  request: {},
  response: {},
});
