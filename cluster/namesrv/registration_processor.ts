// What brokers say: they register, unregister, give a sign of life, ask whether they are known as
// they are. Reads bodies and answers; who may be in the routes is decided in route_table.ts.
import { Buffer } from "node:buffer";
import { crc32Masked } from "../../core/bytes/crc32.ts";
import { DecodeError, RequestError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import * as rows from "../../core/remoting/codes/namesrv.ts";
import type { RequestFieldsOf } from "../../core/remoting/code_row.ts";
import type { Connection, HandlerRegistry, Request } from "../../core/remoting/handler.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import type { Clock } from "../../core/time/clock.ts";
import { bodyFingerprint } from "./body_fingerprint.ts";
import type { Departures } from "./departures.ts";
import { asObject, parseJsonBytes } from "./json_values.ts";
import { type KvConfig, ORDER_TOPIC_CONFIG } from "./kv_config.ts";
import {
  decodeDataVersion,
  decodeRegistrationBody,
  formName,
  formOf,
} from "./registration_body.ts";
import { dataVersionJson, kvTableJson, memberGroupJson } from "./route_json.ts";
import {
  type MinBrokerIdChange,
  type RegisterOutcome,
  type Registration,
  sameVersion,
  type TopicTableContent,
} from "./route_model.ts";
import { type RouteTable, UNCHANGED } from "./route_table.ts";

export interface RegistrationOptions {
  routes: RouteTable;
  kv: KvConfig;
  departures: Departures;
  notify: (change: MinBrokerIdChange) => void;
  settings: { readonly returnOrderTopicConfigToBroker: boolean };
  clock: Clock;
  log: Logger;
}

type RegisterFields = RequestFieldsOf<typeof rows.REGISTER_BROKER>;

export class RegistrationProcessor {
  constructor(private readonly options: RegistrationOptions) {}

  serve(registry: HandlerRegistry): void {
    registry.handle(rows.REGISTER_BROKER, (request, from) => this.register(request, from));
    registry.handle(rows.UNREGISTER_BROKER, ({ fields }) => this.unregister(fields));
    registry.handle(rows.BROKER_HEARTBEAT, ({ fields }) => {
      this.heard(fields.clusterName, fields.brokerAddr);
      return {};
    });
    registry.handle(rows.QUERY_DATA_VERSION, (request) => this.queryVersion(request));
    registry.handle(rows.GET_BROKER_MEMBER_GROUP, ({ fields }) => {
      const { clusterName, brokerName } = fields;
      const group = this.options.routes.broker(brokerName);
      return {
        // Apache never sets a remark here, so its default one goes out with SUCCESS.
        remark: "not set any response code",
        body: Buffer.from(memberGroupJson(clusterName, brokerName, group)),
      };
    });
  }

  private register(request: Request<RegisterFields>, connection: Connection) {
    const { fields, command } = request;
    const body = Buffer.from(request.body.buffer, request.body.byteOffset, request.body.length);
    if (fields.bodyCrc32 !== 0 && crc32Masked(body) !== fields.bodyCrc32) {
      throw new RequestError(ResponseCode.SYSTEM_ERROR, "crc32 not match");
    }
    const { routes, clock, kv, settings } = this.options;
    const registration = registrationOf(fields, connection);
    const form = formOf(body, fields.compressed, command.version);
    const fingerprint = bodyFingerprint(body, formName(form));
    const content: TopicTableContent | typeof UNCHANGED =
      routes.isUnchanged(registration, fingerprint)
        ? UNCHANGED
        : refuseUndecodable(() => decodeRegistrationBody(body, form), "RegisterBrokerBody");
    const outcome = routes.register(registration, content, fingerprint, clock.nowMs());
    this.report(registration, outcome);
    if (outcome.status === "refused") {
      throw new RequestError(ResponseCode.SYSTEM_ERROR, "register broker failed");
    }
    const orderConf = settings.returnOrderTopicConfigToBroker ? kv.list(ORDER_TOPIC_CONFIG) : null;
    const master = outcome.status === "registered" ? outcome.master : null;
    return {
      fields: master === null ? {} : {
        haServerAddr: master.haAddress,
        masterAddr: master.address,
      },
      ...(orderConf !== null && { body: Buffer.from(kvTableJson(orderConf)) }),
    };
  }

  private report(registration: Registration, outcome: RegisterOutcome): void {
    const { log, notify } = this.options;
    const { cluster, brokerName, brokerId, address } = registration;
    const who = { cluster, brokerName, brokerId, address };
    if (outcome.status === "refused") {
      log.warn("an unregistered broker sent one topic alone", who);
    } else if (outcome.status === "conflict") {
      log.warn("the broker's id is held by a node with a newer state", who);
    } else {
      if (outcome.isNew) log.info("broker registered", who);
      if (outcome.change !== null) notify(outcome.change);
    }
  }

  private unregister(fields: RequestFieldsOf<typeof rows.UNREGISTER_BROKER>) {
    const accepted = this.options.departures.submit({
      cluster: fields.clusterName,
      brokerName: fields.brokerName,
      brokerId: fields.brokerId,
      address: fields.brokerAddr,
    });
    return accepted ? {} : { code: ResponseCode.SYSTEM_ERROR };
  }

  private heard(cluster: string, address: string): void {
    this.options.routes.heard(cluster, address, this.options.clock.nowMs());
  }

  private queryVersion(request: Request<RequestFieldsOf<typeof rows.QUERY_DATA_VERSION>>) {
    const { clusterName, brokerAddr } = request.fields;
    const asked = request.body.length === 0 ? null : refuseUndecodable(
      () => decodeDataVersion(asObject(parseJsonBytes(request.body))),
      "DataVersion",
    );
    const known = this.options.routes.versionOf(clusterName, brokerAddr);
    this.heard(clusterName, brokerAddr);
    const changed = known === null || asked === null || !sameVersion(known, asked);
    return {
      fields: { changed },
      ...(known !== null && { body: Buffer.from(dataVersionJson(known)) }),
    };
  }
}

function registrationOf(fields: RegisterFields, connection: Connection): Registration {
  return {
    cluster: fields.clusterName,
    brokerName: fields.brokerName,
    brokerId: fields.brokerId,
    address: fields.brokerAddr,
    haAddress: fields.haServerAddr,
    zoneName: fields.__ZONE_NAME ?? null,
    timeoutMs: fields.heartbeatTimeoutMillis ?? null,
    enableActingMaster: fields.enableActingMaster ?? null,
    connectionId: connection.id,
  };
}

/** A body that can't be read is the sender's mistake. */
export function refuseUndecodable<T>(decode: () => T, what: string): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const remark = `Failed to decode ${what}: ${error.message}`;
    throw new RequestError(ResponseCode.SYSTEM_ERROR, remark, { cause: error });
  }
}
