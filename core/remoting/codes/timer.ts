// Timed messages: their recall, the state that slaves copy, and the choice of engine.
import { optional, required, row, tolerated } from "../code_row.ts";
import { topicFields } from "./common.ts";

export const GET_TIMER_CHECK_POINT = row({
  code: 60,
  name: "GET_TIMER_CHECK_POINT",
  doc: "The timer's checkpoint (body), for slaves.",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const GET_TIMER_METRICS = row({
  code: 61,
  name: "GET_TIMER_METRICS",
  doc: "Timed messages by topic and due time (body: TimerMetricsSerializeWrapper).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const RECALL_MESSAGE = row({
  code: 370,
  name: "RECALL_MESSAGE",
  doc: "Takes a timed message back before it is delivered.",
  servedBy: ["broker"],
  request: {
    producerGroup: optional("string", "Producer group."),
    topic: required("string", "Topic."),
    recallHandle: tolerated("string", "Handle that takes a timed message back.", ""),
    ...topicFields,
  },
  response: {
    msgId: required("string", "UNIQ_KEY of the message taken back."),
    MSG_REGION: optional("string", "The broker's region."),
  },
});

export const SWITCH_TIMER_ENGINE = row({
  code: 5001,
  name: "SWITCH_TIMER_ENGINE",
  doc: "Switches between the timer in files and the one in RocksDB.",
  servedBy: ["broker"],
  request: {
    E_T: required("string", "F (files) or R (RocksDB)."),
  },
  response: {},
});
