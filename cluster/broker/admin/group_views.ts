// Shows one subscription group, and what a group is forbidden to read (Java: AdminBrokerProcessor).
import { RequestError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json/json_value.ts";
import {
  GET_SUBSCRIPTIONGROUP_CONFIG,
  UPDATE_AND_GET_GROUP_FORBIDDEN,
} from "../../../core/remoting/codes/groups.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { groupConfigToJson } from "../groups/group_config.ts";
import { FORBIDDEN_READ } from "../groups/group_table.ts";
import type { AdminParts } from "./admin_parts.ts";
import { jsonAnswer } from "./json_answer.ts";

export function registerGroupViews({ server, groups, log }: AdminParts): void {
  server.handle(GET_SUBSCRIPTIONGROUP_CONFIG, ({ fields }) => {
    const config = groups.find(fields.group);
    if (config !== undefined) return jsonAnswer(groupConfigToJson(config) as JsonObject);
    throw new RequestError(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      "No group in this broker",
    );
  });

  server.handle(UPDATE_AND_GET_GROUP_FORBIDDEN, ({ fields }, { remoteAddress }) => {
    const { group, topic, readable } = fields;
    if (readable !== undefined) {
      groups.setForbidden(group, topic, FORBIDDEN_READ, !readable);
      log.info("a group's right to read a topic was set", {
        group,
        topic,
        readable,
        by: remoteAddress,
      });
    }
    const isReadable = !groups.isForbidden(group, topic, FORBIDDEN_READ);
    return { remark: "", ...jsonAnswer({ group, readable: isReadable, topic }) };
  });
}
