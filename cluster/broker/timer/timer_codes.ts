// What the timer answers to other brokers and to operators: its check, its counts, the recall of a message, and the choice
// of an engine, of which there is one (Java: AdminBrokerProcessor).
import { Buffer } from "node:buffer";
import { RequestError } from "../../../core/errors.ts";
import {
  GET_TIMER_CHECK_POINT,
  GET_TIMER_METRICS,
  SWITCH_TIMER_ENGINE,
} from "../../../core/remoting/codes/timer.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { encodeTimerCheck } from "../../../store/timer/timer_check.ts";
import type { OpenedTimer } from "./open_timer.ts";
import { type RecallParts, registerRecall } from "./recall.ts";

export interface TimerCodeParts extends RecallParts {
  timer: OpenedTimer | null;
}

const FILES = "F";
const ROCKSDB = "R";

export function registerTimerCodes(registry: HandlerRegistry, parts: TimerCodeParts): void {
  const { timer } = parts;
  registerRecall(registry, parts);

  registry.handle(GET_TIMER_CHECK_POINT, () => {
    if (timer === null) {
      throw new RequestError(ResponseCode.SYSTEM_ERROR, "The checkpoint is null");
    }
    return { body: encodeTimerCheck(timer.timers.checkState) };
  });

  registry.handle(GET_TIMER_METRICS, () => {
    if (timer === null) {
      throw new RequestError(ResponseCode.SYSTEM_ERROR, "The timer message store is null");
    }
    return { body: Buffer.from(timer.metrics.encode(), "utf8") };
  });

  registry.handle(SWITCH_TIMER_ENGINE, ({ fields }) => {
    const problem = switchProblem(timer, fields.E_T);
    if (problem !== null) throw new RequestError(ResponseCode.INVALID_PARAMETER, problem);
    return { remark: "switch timer engine success" };
  });
}

function switchProblem(timer: OpenedTimer | null, engine: string): string | null {
  if (timer === null) return "broker timerWheelEnable is false";
  if (engine === ROCKSDB) return "only the timer wheel in files is supported, RocksDB never is";
  return engine === FILES ? null : "param error";
}
