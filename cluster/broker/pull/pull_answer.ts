// The answer of a pull that found something, written straight into the connection's outgoing bytes: the header by hand
// for JSON peers, then the records as they are in the log. One copy of each record; nothing is allocated a message.
import type { Buffer } from "node:buffer";
import { writeFrameHead } from "../../../core/remoting/codec.ts";
import {
  EMPTY_BYTES,
  FLAG_RESPONSE,
  LANGUAGE,
  type RemotingCommand,
  ROCKETMQ_VERSION,
  SERIALIZE_JSON,
} from "../../../core/remoting/command.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { PullRequest } from "./pull_request.ts";
import type { Selection } from "./selection.ts";

/** Room for lengths and header: the fields are numbers and the rest is fixed. */
export const FOUND_HEAD_BYTES_MAX = 512;

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
  const text = `{"code":0,"extFields":{"groupSysFlag":"${head.groupSysFlag}",` +
    `"maxOffset":"${selection.maxOffset}","minOffset":"${selection.minOffset}",` +
    `"nextBeginOffset":"${selection.nextOffset}",` +
    `"suggestWhichBrokerId":"${head.suggestedBrokerId}","topicSysFlag":"${head.topicSysFlag}"},` +
    `"flag":1,"language":"JAVA","opaque":${opaque},"remark":"FOUND",` +
    `"serializeTypeCurrentRPC":"JSON","version":${ROCKETMQ_VERSION}}`;
  const headerBytes = target.write(text, start + 8, "latin1");
  target.writeInt32BE(4 + headerBytes + selection.totalBytes, start);
  target.writeInt32BE(headerBytes, start + 4);
  return start + 8 + headerBytes;
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
