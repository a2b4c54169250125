// DLedger's own codes, spoken between the nodes of a group on their own ports: JSON bodies, success is 200.
// They are constants of the DLedger library, not of Apache's RequestCode.
import { row } from "../code_row.ts";

const DLEDGER = "DLedger groups are not implemented yet.";

export const DLEDGER_METADATA = row({
  code: 50000,
  name: "DLEDGER_METADATA",
  doc: "A group's members and leader.",
  servedBy: [],
  whyNotServed: DLEDGER,
  request: {},
  response: {},
});

export const DLEDGER_APPEND = row({
  code: 50001,
  name: "DLEDGER_APPEND",
  doc: "Appends an entry.",
  servedBy: [],
  whyNotServed: DLEDGER,
  request: {},
  response: {},
});

export const DLEDGER_GET = row({
  code: 50002,
  name: "DLEDGER_GET",
  doc: "Reads an entry.",
  servedBy: [],
  whyNotServed: DLEDGER,
  request: {},
  response: {},
});

export const DLEDGER_VOTE = row({
  code: 51001,
  name: "DLEDGER_VOTE",
  doc: "Asks for a vote.",
  servedBy: [],
  whyNotServed: DLEDGER,
  request: {},
  response: {},
});

export const DLEDGER_HEART_BEAT = row({
  code: 51002,
  name: "DLEDGER_HEART_BEAT",
  doc: "The leader's heartbeat.",
  servedBy: [],
  whyNotServed: DLEDGER,
  request: {},
  response: {},
});

export const DLEDGER_PULL = row({
  code: 51003,
  name: "DLEDGER_PULL",
  doc: "Pulls entries.",
  servedBy: [],
  whyNotServed: DLEDGER,
  request: {},
  response: {},
});

export const DLEDGER_PUSH = row({
  code: 51004,
  name: "DLEDGER_PUSH",
  doc: "Pushes entries to a follower.",
  servedBy: [],
  whyNotServed: DLEDGER,
  request: {},
  response: {},
});

export const DLEDGER_LEADERSHIP_TRANSFER = row({
  code: 51005,
  name: "DLEDGER_LEADERSHIP_TRANSFER",
  doc: "Hands the leadership over.",
  servedBy: [],
  whyNotServed: DLEDGER,
  request: {},
  response: {},
});
