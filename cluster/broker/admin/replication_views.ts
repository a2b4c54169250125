// What a master without slaves and without a controller says of its replication (Java: AdminBrokerProcessor).
import { RequestError } from "../../../core/errors.ts";
import { GET_BROKER_EPOCH_CACHE } from "../../../core/remoting/codes/controller.ts";
import {
  GET_BROKER_HA_STATUS,
  RESET_MASTER_FLUSH_OFFSET,
} from "../../../core/remoting/codes/replication.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { AdminParts } from "./admin_parts.ts";
import { jsonAnswer } from "./json_answer.ts";

export function registerReplicationViews({ server, store }: AdminParts): void {
  server.handle(GET_BROKER_HA_STATUS, () =>
    jsonAnswer({
      haClientRuntimeInfo: {
        lastReadTimestamp: 0,
        lastWriteTimestamp: 0,
        masterFlushOffset: 0,
        maxOffset: 0,
        transferredByteInSecond: 0,
      },
      haConnectionInfo: [],
      inSyncSlaveNums: 0,
      master: true,
      masterCommitLogMaxOffset: store.maxPhysicalOffset,
    }));

  // A master knows what it has flushed; only slaves are told.
  server.handle(RESET_MASTER_FLUSH_OFFSET, () => ({}));

  server.handle(GET_BROKER_EPOCH_CACHE, () => {
    throw new RequestError(ResponseCode.SYSTEM_ERROR, "this request only for controllerMode ");
  });
}
