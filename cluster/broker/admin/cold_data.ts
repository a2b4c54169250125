// Limits on what groups read from old data: kept while the broker runs and shown, as Apache does; nothing is held back by
// them, since the page cache is the kernel's (Java: ColdDataCgCtrService).
import { RequestError } from "../../../core/errors.ts";
import { lastValues, parseProperties } from "../../../core/config/properties_file.ts";
import {
  GET_COLD_DATA_FLOW_CTR_INFO,
  REMOVE_COLD_DATA_FLOW_CTR_CONFIG,
  SET_COMMITLOG_READ_MODE,
  UPDATE_COLD_DATA_FLOW_CTR_CONFIG,
} from "../../../core/remoting/codes/cold_data.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { Buffer } from "node:buffer";
import type { AdminParts } from "./admin_parts.ts";
import { jsonAnswer } from "./json_answer.ts";

const GROUPS_MAX = 10_000;
const WHOLE_NUMBER = /^[+-]?\d{1,15}$/;
/** The kernel's words for reading ahead as it likes, and not at all. */
const MADV_NORMAL = 0;
const MADV_RANDOM = 1;

export function registerColdData({ server, config, log }: AdminParts): void {
  const limits = new Map<string, number>();

  server.handle(UPDATE_COLD_DATA_FLOW_CTR_CONFIG, ({ body }, { remoteAddress }) => {
    const { problems, properties } = parseProperties(body);
    if (problems.length > 0) throw systemError("string2Properties error");
    for (const [group, text] of lastValues(properties)) {
      // One that is no number is passed over, the others count.
      if (!WHOLE_NUMBER.test(text)) continue;
      if (limits.size >= GROUPS_MAX && !limits.has(group)) {
        throw systemError(`more than ${GROUPS_MAX} groups`);
      }
      limits.set(group, Number(text));
    }
    log.info("limits on old data were set", { groups: limits.size, by: remoteAddress });
    return {};
  });

  server.handle(REMOVE_COLD_DATA_FLOW_CTR_CONFIG, ({ body }) => {
    limits.delete(Buffer.from(body).toString("utf8"));
    return {};
  });

  server.handle(GET_COLD_DATA_FLOW_CTR_INFO, () => {
    const { cgColdReadThreshold, globalColdReadThreshold } = config.values;
    return jsonAnswer({
      runtimeTable: {},
      configTable: Object.fromEntries(limits),
      cgColdReadThreshold,
      globalColdReadThreshold,
      globalAcc: 0,
    });
  });

  server.handle(SET_COMMITLOG_READ_MODE, ({ fields }) => {
    const mode = fields.READ_AHEAD_MODE;
    if (mode === undefined) throw systemError("set commitlog readahead mode failed");
    if (mode !== MADV_NORMAL && mode !== MADV_RANDOM) {
      throw new RequestError(
        ResponseCode.INVALID_PARAMETER,
        "set commitlog readahead mode param value error",
      );
    }
    return { remark: `set commitlog readahead mode success, mode: ${mode}` };
  });
}

function systemError(remark: string): RequestError {
  return new RequestError(ResponseCode.SYSTEM_ERROR, remark);
}
