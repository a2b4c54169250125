// Reads and changes the name server's own configuration. Which keys may be changed, the
// configuration itself says.
import { Buffer } from "node:buffer";
import type { LiveConfig, UpdateProblem } from "../../core/config/live_config.ts";
import { lastValues, parseProperties } from "../../core/config/properties_file.ts";
import type { NamesrvConfig } from "../../core/config/tables.ts";
import { RequestError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { GET_NAMESRV_CONFIG, UPDATE_NAMESRV_CONFIG } from "../../core/remoting/codes/namesrv.ts";
import type { HandlerRegistry } from "../../core/remoting/handler.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";

export function serveConfig(
  registry: HandlerRegistry,
  config: LiveConfig<NamesrvConfig>,
  log: Logger,
): void {
  registry.handle(GET_NAMESRV_CONFIG, () => ({ body: Buffer.from(config.render()) }));
  registry.handle(UPDATE_NAMESRV_CONFIG, ({ body }, { remoteAddress }) => {
    const { properties, problems } = parseProperties(body);
    if (problems.length > 0) throw systemError("string2Properties error");
    const changed = update(config, lastValues(properties), log);
    log.info("configuration changed", { changed, by: remoteAddress });
    return {};
  });
}

/**
 * Applies all or nothing. Names that no table knows are left out: Apache answers SUCCESS for them
 * too.
 */
function update(
  config: LiveConfig<NamesrvConfig>,
  changes: Map<string, string>,
  log: Logger,
): readonly string[] {
  const result = config.update(changes);
  if (result.status === "applied") return result.changed;
  const known = result.problems.filter(({ kind }) => kind !== "unknown");
  if (known.length > 0) throw refusalOf(known);
  for (const { name, text } of result.problems) {
    log.warn(`a configuration item is ignored: ${text}`);
    changes.delete(name);
  }
  return update(config, changes, log);
}

function refusalOf(problems: readonly UpdateProblem[]): RequestError {
  if (problems.some(({ kind }) => kind === "locked")) {
    return new RequestError(
      ResponseCode.NO_PERMISSION,
      "Can not update config in black list.",
    );
  }
  return systemError(problems.map(({ text }) => text).join("; "));
}

function systemError(remark: string): RequestError {
  return new RequestError(ResponseCode.SYSTEM_ERROR, remark);
}
