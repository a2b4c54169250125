// Requests for the KV configuration. Answers only; kv_config.ts keeps the values.
import { Buffer } from "node:buffer";
import { RequestError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import * as rows from "../../core/remoting/codes/namesrv.ts";
import type { HandlerRegistry } from "../../core/remoting/handler.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import type { KvConfig } from "./kv_config.ts";
import { kvTableJson } from "./route_json.ts";

export function serveKvConfig(registry: HandlerRegistry, kv: KvConfig, log: Logger): void {
  registry.handle(rows.PUT_KV_CONFIG, ({ fields: { namespace, key, value } }) => {
    kv.put(namespace, key, value);
    log.info("KV item put", { namespace, key });
    return {};
  });
  registry.handle(rows.GET_KV_CONFIG, ({ fields: { namespace, key } }) => {
    const value = kv.get(namespace, key);
    if (value === null) throw notFound(`Namespace: ${namespace} Key: ${key}`);
    return { fields: { value } };
  });
  registry.handle(rows.DELETE_KV_CONFIG, ({ fields: { namespace, key } }) => {
    kv.delete(namespace, key);
    log.info("KV item deleted", { namespace, key });
    return {};
  });
  registry.handle(rows.GET_KVLIST_BY_NAMESPACE, ({ fields: { namespace } }) => {
    const items = kv.list(namespace);
    if (items === null) throw notFound(`Namespace: ${namespace}`);
    return { body: Buffer.from(kvTableJson(items)) };
  });
}

function notFound(what: string): RequestError {
  return new RequestError(ResponseCode.QUERY_NOT_FOUND, `No config item, ${what}`);
}
