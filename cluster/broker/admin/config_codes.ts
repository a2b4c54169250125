// Shows and changes the broker's own configuration. Which keys may be changed, the configuration itself says.
import { lastValues, parseProperties } from "../../../core/config/properties_file.ts";
import type { LiveConfig, UpdateProblem } from "../../../core/config/live_config.ts";
import type { BrokerConfig } from "../../../core/config/tables.ts";
import { RequestError } from "../../../core/errors.ts";
import { GET_BROKER_CONFIG, UPDATE_BROKER_CONFIG } from "../../../core/remoting/codes/admin.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { firstDataVersion, nextDataVersion } from "../data_version.ts";
import type { AdminParts } from "./admin_parts.ts";
import { textAnswer } from "./json_answer.ts";

/** Keys that stay refused even when they are set to what they are (Java: AdminBrokerProcessor.initConfigBlackList). */
const ALWAYS_REFUSED = ["brokerConfigPath", "rocketmqHome", "configBlackList"];

export function registerConfigCodes({ server, config, clock, log }: AdminParts): void {
  let version = firstDataVersion(clock.nowMs());

  server.handle(
    GET_BROKER_CONFIG,
    () => ({ fields: { version: JSON.stringify(version) }, ...textAnswer(config.render()) }),
  );

  server.handle(UPDATE_BROKER_CONFIG, ({ body }, { remoteAddress }) => {
    const { properties, problems } = parseProperties(body);
    if (problems.length > 0) throw systemError("string2Properties error");
    const changes = lastValues(properties);
    checkBlackList(config, changes);
    const { applied, ignored } = applyChanges(config, changes);
    version = nextDataVersion(version, clock.nowMs());
    log.info("configuration changed", { changed: applied, ignored, by: remoteAddress });
    return {};
  });
}

function checkBlackList(config: LiveConfig<BrokerConfig>, changes: Map<string, string>): void {
  const listed = config.values.configBlackList.split(";").map((name) => name.trim());
  if ([...ALWAYS_REFUSED, ...listed].some((name) => changes.has(name))) throw blackListed();
}

interface Applied {
  applied: readonly string[];
  /** Names that no table knows: Apache answers SUCCESS for them too. */
  ignored: readonly string[];
}

/** Applies all or nothing. A key that is set to what it is already is no change, even if it couldn't be changed. */
function applyChanges(config: LiveConfig<BrokerConfig>, changes: Map<string, string>): Applied {
  const current = new Map(config.entries());
  for (const [name, value] of changes) {
    if (current.get(name) === value) changes.delete(name);
  }
  const ignored: string[] = [];
  for (;;) {
    if (changes.size === 0) return { applied: [], ignored };
    const result = config.update(changes);
    if (result.status === "applied") return { applied: result.changed, ignored };
    const known = result.problems.filter(({ kind }) => kind !== "unknown");
    if (known.length > 0) throw refusalOf(known);
    for (const { name } of result.problems) {
      changes.delete(name);
      ignored.push(name);
    }
  }
}

function refusalOf(problems: readonly UpdateProblem[]): RequestError {
  if (problems.some(({ kind }) => kind === "locked")) return blackListed();
  return systemError(problems.map(({ text }) => text).join("; "));
}

function blackListed(): RequestError {
  return new RequestError(ResponseCode.NO_PERMISSION, "Can not update config in black list.");
}

function systemError(remark: string): RequestError {
  return new RequestError(ResponseCode.SYSTEM_ERROR, remark);
}
