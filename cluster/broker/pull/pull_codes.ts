// Registers pulling with the server.
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import { LITE_PULL_MESSAGE, PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import type { Connection, HandlerRegistry } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import type { PullFields } from "./pull_request.ts";
import type { Pulls } from "./pulls.ts";

export function registerPullCodes(
  registry: HandlerRegistry,
  { pulls, clock }: { pulls: Pulls; clock: Clock },
): void {
  const serve = (
    { fields, command }: { fields: PullFields; command: RemotingCommand },
    connection: Connection,
  ): undefined => {
    const request = {
      fields,
      command,
      connection,
      arrivedMs: clock.monotonicMs(),
      offsetKey: OffsetTable.key(fields.topic, fields.consumerGroup),
      maySuspend: true,
    };
    try {
      pulls.pull(request);
    } catch (error) {
      pulls.refuse(request, error);
    }
  };
  registry.handle(PULL_MESSAGE, serve);
  registry.handle(LITE_PULL_MESSAGE, serve);
}
