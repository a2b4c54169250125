// The process's log, set by the options every server takes: --log-level, --log-json, --log-file, --debug.
import path from "node:path";
import { nodeDisk } from "../core/disk/disk_node.ts";
import { OperationError } from "../core/errors.ts";
import type { LogLevel } from "../core/log.ts";
import { LogFile } from "../core/log_file.ts";
import { type LogOutput, LogSink } from "../core/log_sink.ts";
import { systemClock } from "../core/time/system_clock.ts";
import { standardErrorOutput, systemConsole } from "./console.ts";

export interface LogChoices {
  readonly logLevel: LogLevel;
  readonly logJson: boolean;
  readonly logFile: string | undefined;
  readonly debug: boolean;
}

/** Throws OperationError when the file can't be opened. */
export function openLog({ logLevel, logJson, logFile, debug }: LogChoices): LogSink {
  const outputs: LogOutput[] = [standardErrorOutput()];
  if (logFile !== undefined) outputs.push(openLogFile(logFile));
  return new LogSink({
    clock: systemClock,
    outputs,
    level: debug ? "debug" : logLevel,
    json: logJson,
    stacks: debug,
  });
}

function openLogFile(name: string): LogFile {
  try {
    const report = (text: string) => systemConsole.complain(`roquet: ${text}`);
    return LogFile.open({ disk: nodeDisk, path: path.resolve(name), report });
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new OperationError(`log file can't be written: ${problem}`, { cause: error });
  }
}
