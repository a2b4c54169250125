// Sending messages, and sending them back. The hot path reads 10, 310 and 320 by send_header_scan.ts instead.
import { optional, required, row } from "../code_row.ts";
import { rpcFields, sendRequest, sendResponse, sendV2Request } from "./common.ts";

export const SEND_MESSAGE = row({
  code: 10,
  name: "SEND_MESSAGE",
  doc: "Stores a message (body), with long field names.",
  servedBy: ["broker"],
  request: sendRequest,
  response: sendResponse,
});

export const SEND_MESSAGE_V2 = row({
  code: 310,
  name: "SEND_MESSAGE_V2",
  doc: "Stores a message (body), with one-letter field names.",
  servedBy: ["broker"],
  request: sendV2Request,
  response: sendResponse,
});

export const SEND_BATCH_MESSAGE = row({
  code: 320,
  name: "SEND_BATCH_MESSAGE",
  doc: "Stores several messages of one topic (body: records without offsets) together.",
  servedBy: ["broker"],
  request: sendV2Request,
  response: sendResponse,
});

export const CONSUMER_SEND_MSG_BACK = row({
  code: 36,
  name: "CONSUMER_SEND_MSG_BACK",
  doc: "A consumer gives a message back for a later delivery, or to the DLQ.",
  servedBy: ["broker"],
  request: {
    offset: required("long", "Physical offset of the record."),
    group: required("string", "Consumer group."),
    delayLevel: required("int", "Delay level; negative goes to the DLQ, 0 lets the broker choose."),
    originMsgId: optional("string", "UNIQ_KEY of the message."),
    originTopic: optional("string", "Topic that it came from."),
    unitMode: optional("boolean", "Unit mode.", false),
    maxReconsumeTimes: optional("int", "Deliveries before the DLQ."),
    ...rpcFields,
  },
  response: {},
});

export const SEND_REPLY_MESSAGE = row({
  code: 324,
  name: "SEND_REPLY_MESSAGE",
  doc: "Carries a reply to the producer that asked, with long field names.",
  servedBy: ["broker"],
  request: sendRequest,
  response: sendResponse,
});

export const SEND_REPLY_MESSAGE_V2 = row({
  code: 325,
  name: "SEND_REPLY_MESSAGE_V2",
  doc: "Carries a reply to the producer that asked, with one-letter field names.",
  servedBy: ["broker"],
  request: sendV2Request,
  response: sendResponse,
});
