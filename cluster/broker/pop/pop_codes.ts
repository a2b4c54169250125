// Registers POP's request codes with the server.
import { DecodeError, RequestError } from "../../../core/errors.ts";
import {
  ACK_MESSAGE,
  BATCH_ACK_MESSAGE,
  CHANGE_MESSAGE_INVISIBLETIME,
  NOTIFICATION,
  PEEK_MESSAGE,
  POLLING_INFO,
  POP_MESSAGE,
  POP_ROLLBACK,
} from "../../../core/remoting/codes/pop.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { Acks } from "./acks.ts";
import { type BatchAcks, decodeBatchAcks } from "./batch_ack.ts";
import type { Notifications } from "./notifications.ts";
import type { Peeks } from "./peeks.ts";
import { checkRead, type PopCheckParts } from "./pop_checks.ts";
import { PopRequest } from "./pop_request.ts";
import type { Pops } from "./pops.ts";

export interface PopCodeParts {
  pops: Pops;
  acks: Acks;
  notifications: Notifications;
  peeks: Peeks;
  checks: PopCheckParts;
  clock: Clock;
}

/** The remark of Apache's answers whose code nobody set. */
const CODE_NOT_SET = "not set any response code";

export function registerPopCodes(registry: HandlerRegistry, parts: PopCodeParts): void {
  const { pops, acks, notifications, peeks, clock } = parts;
  registry.handle(POP_MESSAGE, ({ fields, command }, connection) => {
    const bornMs = fields.bornTime === 0 ? clock.nowMs() : fields.bornTime;
    pops.pop(new PopRequest(fields, command, connection, bornMs, clock.monotonicMs()));
    return undefined;
  });
  registry.handle(
    ACK_MESSAGE,
    ({ fields }, connection) => acks.acknowledge(fields, connection.remoteAddress),
  );
  registry.handle(BATCH_ACK_MESSAGE, async ({ body }, connection) => {
    const { brokerName, acks: batches } = batchOf(body);
    if (batches.length === 0) {
      throw new RequestError(ResponseCode.NO_MESSAGE, "no acknowledgement in the body");
    }
    const { remoteAddress } = connection;
    await Promise.all(
      batches.map((batch) => acks.acknowledgeBatch(batch, brokerName, remoteAddress)),
    );
    return {};
  });
  registry.handle(CHANGE_MESSAGE_INVISIBLETIME, async ({ fields }, connection) => ({
    remark: CODE_NOT_SET,
    fields: await acks.changeInvisibleTime(fields, connection.remoteAddress),
  }));
  registry.handle(NOTIFICATION, ({ fields, command }, connection) => {
    const bornMs = fields.bornTime === 0 ? clock.nowMs() : fields.bornTime;
    notifications.notify({
      fields,
      command,
      connection,
      topic: fields.topic,
      group: fields.consumerGroup,
      queueId: fields.queueId,
      deadlineMs: bornMs + fields.pollTime,
      subscription: null,
      filter: null,
    });
    return undefined;
  });
  registry.handle(PEEK_MESSAGE, async ({ fields }, connection) => {
    const { restCount, body } = await peeks.peek(fields, connection.remoteAddress);
    const isFound = body.length > 0;
    return {
      code: isFound ? ResponseCode.SUCCESS : ResponseCode.PULL_NOT_FOUND,
      remark: isFound ? "FOUND" : "NO_MESSAGE_IN_QUEUE",
      fields: { popTime: 0, invisibleTime: 0, reviveQid: 0, restNum: restCount },
      body,
    };
  });
  // What would be moved into files is there already.
  registry.handle(POP_ROLLBACK, () => ({ remark: CODE_NOT_SET }));

  registry.handle(POLLING_INFO, ({ fields }, connection) => {
    checkRead(parts.checks, fields, connection.remoteAddress);
    const { topic, consumerGroup, queueId } = fields;
    const pollingNum = pops.held.countOf(topic, consumerGroup, queueId);
    return { remark: CODE_NOT_SET, fields: { pollingNum } };
  });
}

function batchOf(body: Uint8Array): BatchAcks {
  if (body.length === 0) return { brokerName: "", acks: [] };
  try {
    return decodeBatchAcks(body);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new RequestError(ResponseCode.SYSTEM_ERROR, error.message);
  }
}
