// A pull as a client sends it that waits for nothing and takes every tag. Used by tests and simulations alone.
import type { FieldsOf } from "../../../core/remoting/code_row.ts";
import type { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { PULL_SUBSCRIBES } from "./pull_request.ts";

type PullFields = Partial<FieldsOf<typeof PULL_MESSAGE.request>>;

/** The fields of a pull from the beginning of queue 0, but for what is given. */
export function pullFields(given: PullFields): PullFields {
  return {
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: PULL_SUBSCRIBES,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subscription: "*",
    subVersion: 0,
    ...given,
  };
}
