// Registers pulling with the server.
import { LITE_PULL_MESSAGE, PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import type { Connection, HandlerRegistry } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import type { Pulls } from "./pulls.ts";
import { type ReadPull, RepeatedPulls } from "./repeated_pulls.ts";

export function registerPullCodes(
  registry: HandlerRegistry,
  { pulls, clock }: { pulls: Pulls; clock: Clock },
): void {
  const repeated = new RepeatedPulls();
  const serve = ({ command, fields, offsetKey }: ReadPull, connection: Connection): undefined => {
    const request = {
      fields,
      command,
      connection,
      arrivedMs: clock.monotonicMs(),
      offsetKey,
      maySuspend: true,
    };
    try {
      pulls.pull(request);
    } catch (error) {
      pulls.refuse(request, error);
    }
  };
  for (const row of [PULL_MESSAGE, LITE_PULL_MESSAGE]) {
    registry.handle(row, ({ command, fields }, connection) => {
      const offsetKey = OffsetTable.key(fields.topic, fields.consumerGroup);
      return serve({ command, fields, offsetKey }, connection);
    });
    registry.handleRaw(row.code, (frame, connection) => {
      const pull = repeated.read(frame, connection);
      if (pull === null) registry.fallThrough(frame, connection);
      else serve(pull, connection);
    });
  }
}
