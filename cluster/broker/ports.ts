// What the fast port (two below the main one) doesn't serve: pulling and popping, which may take long.
import {
  NOTIFICATION,
  PEEK_MESSAGE,
  POLLING_INFO,
  POP_MESSAGE,
} from "../../core/remoting/codes/pop.ts";
import { LITE_PULL_MESSAGE, PULL_MESSAGE } from "../../core/remoting/codes/pull.ts";

const notOnFastPort = new Set<number>(
  [PULL_MESSAGE, LITE_PULL_MESSAGE, POP_MESSAGE, PEEK_MESSAGE, POLLING_INFO, NOTIFICATION].map((
    row,
  ) => row.code),
);

export function isNotOnFastPort(code: number): boolean {
  return notOnFastPort.has(code);
}
