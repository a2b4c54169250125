// The answer of a pull that found something, written straight into the connection's outgoing bytes: the header by hand
// for JSON peers, then the records as they are in the log. One copy of each record; nothing is allocated a message.
import type { Buffer } from "node:buffer";
import { writeI32 } from "../../../core/bytes/big_endian.ts";
import { writeDecimal } from "../../../core/bytes/decimal.ts";
import { writeFrameHead } from "../../../core/remoting/codec.ts";
import {
  EMPTY_BYTES,
  FLAG_RESPONSE,
  LANGUAGE,
  type RemotingCommand,
  ROCKETMQ_VERSION,
  SERIALIZE_JSON,
} from "../../../core/remoting/command.ts";
import { asciiBytes } from "../../../core/remoting/json_scan.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { PullRequest } from "./pull_request.ts";
import type { Selection } from "./selection.ts";

/** Room for lengths and header: the fields are numbers and the rest is fixed. */
export const FOUND_HEAD_BYTES_MAX = 512;

/** The JSON header between its numbers, as Apache writes it. */
const HEAD = asciiBytes('{"code":0,"extFields":{"groupSysFlag":"');
const MAX_OFFSET = asciiBytes('","maxOffset":"');
const MIN_OFFSET = asciiBytes('","minOffset":"');
const NEXT_OFFSET = asciiBytes('","nextBeginOffset":"');
const BROKER_ID = asciiBytes('","suggestWhichBrokerId":"');
const TOPIC_FLAG = asciiBytes('","topicSysFlag":"');
const OPAQUE = asciiBytes('"},"flag":1,"language":"JAVA","opaque":');
const TAIL = asciiBytes(
  `,"remark":"FOUND","serializeTypeCurrentRPC":"JSON","version":${ROCKETMQ_VERSION}}`,
);

export interface FoundHead {
  topicSysFlag: number;
  groupSysFlag: number;
  suggestedBrokerId: number;
}

/** Writes lengths and header at a position; the records' bytes follow at the position that it returns. */
export function writeFoundHead(
  request: Pick<PullRequest, "command">,
  selection: Selection,
  head: FoundHead,
  target: Buffer,
  start: number,
): number {
  const { opaque, serializeType } = request.command;
  if (serializeType !== SERIALIZE_JSON) {
    return writeFrameHead(
      foundCommand(request.command, selection, head),
      selection.totalBytes,
      target,
      start,
    );
  }
  const headerStart = start + 8;
  let at = put(target, headerStart, HEAD);
  at = writeDecimal(target, at, head.groupSysFlag);
  at = put(target, at, MAX_OFFSET);
  at = writeDecimal(target, at, selection.maxOffset);
  at = put(target, at, MIN_OFFSET);
  at = writeDecimal(target, at, selection.minOffset);
  at = put(target, at, NEXT_OFFSET);
  at = writeDecimal(target, at, selection.nextOffset);
  at = put(target, at, BROKER_ID);
  at = writeDecimal(target, at, head.suggestedBrokerId);
  at = put(target, at, TOPIC_FLAG);
  at = writeDecimal(target, at, head.topicSysFlag);
  at = put(target, at, OPAQUE);
  at = writeDecimal(target, at, opaque);
  at = put(target, at, TAIL);
  writeI32(target, start, at - headerStart + 4 + selection.totalBytes);
  writeI32(target, start + 4, at - headerStart);
  return at;
}

function put(target: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let index = 0; index < bytes.length; index++) target[at + index] = bytes[index]!;
  return at + bytes.length;
}

function foundCommand(
  request: RemotingCommand,
  selection: Selection,
  head: FoundHead,
): RemotingCommand {
  const extFields = new Map([
    ["groupSysFlag", String(head.groupSysFlag)],
    ["maxOffset", String(selection.maxOffset)],
    ["minOffset", String(selection.minOffset)],
    ["nextBeginOffset", String(selection.nextOffset)],
    ["suggestWhichBrokerId", String(head.suggestedBrokerId)],
    ["topicSysFlag", String(head.topicSysFlag)],
  ]);
  return {
    code: ResponseCode.SUCCESS,
    language: LANGUAGE,
    version: ROCKETMQ_VERSION,
    opaque: request.opaque,
    flag: FLAG_RESPONSE,
    remark: "FOUND",
    extFields,
    body: EMPTY_BYTES,
    serializeType: request.serializeType,
  };
}
