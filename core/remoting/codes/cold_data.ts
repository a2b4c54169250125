// Cold data: flow control of groups that read far behind, and how the log is read ahead. The kernel keeps the page cache,
// so that what is set here is kept and shown, and has no effect: as with Apache while coldDataFlowControlEnable is off.
import { optional, row } from "../code_row.ts";

export const UPDATE_COLD_DATA_FLOW_CTR_CONFIG = row({
  code: 2001,
  name: "UPDATE_COLD_DATA_FLOW_CTR_CONFIG",
  doc: "Sets groups' limits (body: properties).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const REMOVE_COLD_DATA_FLOW_CTR_CONFIG = row({
  code: 2002,
  name: "REMOVE_COLD_DATA_FLOW_CTR_CONFIG",
  doc: "Removes a group's limit (body: group name).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const GET_COLD_DATA_FLOW_CTR_INFO = row({
  code: 2003,
  name: "GET_COLD_DATA_FLOW_CTR_INFO",
  doc: "Limits and current rates (body: JSON).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const SET_COMMITLOG_READ_MODE = row({
  code: 2004,
  name: "SET_COMMITLOG_READ_MODE",
  doc: "How the log is read ahead.",
  servedBy: ["broker"],
  request: {
    READ_AHEAD_MODE: optional("int", "0 normal, 1 random."),
  },
  response: {},
});
