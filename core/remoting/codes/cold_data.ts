// Cold data: flow control of groups that read far behind, and how the log is read ahead.
import { required, row } from "../code_row.ts";

const COLD_DATA =
  "Cold-data flow control steers page-cache use, which Roquet leaves to the kernel.";

export const UPDATE_COLD_DATA_FLOW_CTR_CONFIG = row({
  code: 2001,
  name: "UPDATE_COLD_DATA_FLOW_CTR_CONFIG",
  doc: "Sets groups' limits (body: properties).",
  servedBy: [],
  whyNotServed: COLD_DATA,
  request: {},
  response: {},
});

export const REMOVE_COLD_DATA_FLOW_CTR_CONFIG = row({
  code: 2002,
  name: "REMOVE_COLD_DATA_FLOW_CTR_CONFIG",
  doc: "Removes a group's limit (body: group name).",
  servedBy: [],
  whyNotServed: COLD_DATA,
  request: {},
  response: {},
});

export const GET_COLD_DATA_FLOW_CTR_INFO = row({
  code: 2003,
  name: "GET_COLD_DATA_FLOW_CTR_INFO",
  doc: "Limits and current rates (body: JSON).",
  servedBy: [],
  whyNotServed: COLD_DATA,
  request: {},
  response: {},
});

export const SET_COMMITLOG_READ_MODE = row({
  code: 2004,
  name: "SET_COMMITLOG_READ_MODE",
  doc: "How the log is read ahead.",
  servedBy: [],
  whyNotServed: COLD_DATA,
  request: {
    READ_AHEAD_MODE: required("int", "0 normal, 1 random."),
  },
  response: {},
});
