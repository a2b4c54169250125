// What an inspector command is: one row with its name, options, example and what it does. Help, docs/CLI.md,
// completion and tests are derived from the rows; nothing else lists the commands.
import type { Clock } from "../../core/time/clock.ts";
import type { Cluster } from "./cluster.ts";
import type { OptionTable, OptionValues } from "./option.ts";
import type { Report } from "./report.ts";

export interface RunContext<T extends OptionTable = OptionTable> {
  readonly options: OptionValues<T>;
  readonly cluster: Cluster;
  readonly report: Report;
  readonly clock: Clock;
  /** Waits; throws when the command is to stop. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** What the reading of arguments needs to know. */
export interface CommandArguments {
  options: OptionTable;
  /** Names of options of which exactly one must be given. */
  oneOf: readonly string[];
  /** The name of an option that may also be given as a bare word. */
  operand?: string | undefined;
}

/** What help tells; also of commands that aren't the inspector's. */
export interface CommandFace extends CommandArguments {
  name: string;
  /** One sentence without a full stop. */
  summary: string;
  /** Arguments of a working call, after the command's name. */
  example: string;
}

export interface CommandRow extends CommandFace {
  /** Whether it changes anything in the cluster. */
  changes: boolean;
  /** Resolves when done. Throws OperationError or UsageError. */
  run(context: RunContext): Promise<void>;
}

export interface CommandDraft<T extends OptionTable> {
  name: string;
  summary: string;
  options: T;
  oneOf?: readonly (keyof T & string)[];
  operand?: keyof T & string;
  changes?: true;
  example: string;
  run(context: RunContext<T>): Promise<void>;
}

/** A row whose `run` sees its own options typed. */
export function defineCommand<T extends OptionTable>(draft: CommandDraft<T>): CommandRow {
  return {
    ...draft,
    oneOf: draft.oneOf ?? [],
    changes: draft.changes ?? false,
    run: (context) => draft.run(context as RunContext<T>),
  };
}
