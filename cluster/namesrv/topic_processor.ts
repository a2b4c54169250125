// What clients, brokers and operators ask about topics: routes, lists, permissions, single
// registrations. Turns the route table's values into answers; knows no socket.
import { Buffer } from "node:buffer";
import { RequestError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import * as rows from "../../core/remoting/codes/namesrv.ts";
import type { RequestFieldsOf } from "../../core/remoting/code_row.ts";
import type { HandlerRegistry, Request } from "../../core/remoting/handler.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import type { Clock } from "../../core/time/clock.ts";
import { asArray, asNumber, asObject, asText, parseJsonBytes } from "./json_values.ts";
import { type KvConfig, ORDER_TOPIC_CONFIG } from "./kv_config.ts";
import { refuseUndecodable } from "./registration_processor.ts";
import { clusterInfoJson, routeJson, topicListJson } from "./route_json.ts";
import type { QueueView } from "./route_model.ts";
import type { RouteTable } from "./route_table.ts";
import { routeOfZone } from "./zone.ts";

/** Clients from this version (V4_9_4) on read standard JSON. */
const STANDARD_JSON_VERSION = 401;
/** What Apache's remarks end in when a topic has no route (FAQUrl). */
const FAQ_HINT = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";

export interface TopicSettings {
  readonly orderMessageEnable: boolean;
  readonly enableAllTopicList: boolean;
  readonly enableTopicList: boolean;
  readonly needWaitForService: boolean;
  readonly waitSecondsForService: number;
}

export interface TopicProcessorOptions {
  routes: RouteTable;
  kv: KvConfig;
  settings: TopicSettings;
  clock: Clock;
  log: Logger;
}

type RouteRequest = Request<RequestFieldsOf<typeof rows.GET_ROUTEINFO_BY_TOPIC>>;

export class TopicProcessor {
  private readonly openedMs: number;

  constructor(private readonly options: TopicProcessorOptions) {
    this.openedMs = options.clock.monotonicMs();
  }

  serve(registry: HandlerRegistry): void {
    const { routes } = this.options;
    const { topics } = routes;
    registry.handle(rows.GET_ROUTEINFO_BY_TOPIC, (request) => this.route(request));
    registry.handle(
      rows.GET_BROKER_CLUSTER_INFO,
      () => textBody(clusterInfoJson(routes.brokers(), routes.clusters())),
    );
    registry.handle(
      rows.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
      () => this.list("enableAllTopicList", () => topics.names()),
    );
    registry.handle(
      rows.GET_TOPICS_BY_CLUSTER,
      ({ fields }) => this.list("enableTopicList", () => routes.topicsInCluster(fields.cluster)),
    );
    registry.handle(
      rows.GET_UNIT_TOPIC_LIST,
      () => this.list("enableTopicList", () => topics.unitTopics()),
    );
    registry.handle(
      rows.GET_HAS_UNIT_SUB_TOPIC_LIST,
      () => this.list("enableTopicList", () => topics.unitSubscribedTopics()),
    );
    registry.handle(
      rows.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST,
      () => this.list("enableTopicList", () => topics.unitSubscribedPlainTopics()),
    );
    registry.handle(rows.GET_SYSTEM_TOPIC_LIST_FROM_NS, () => this.systemTopics());
    registry.handle(rows.WIPE_WRITE_PERM_OF_BROKER, ({ fields }) => {
      const wipeTopicCount = topics.wipeWrite(fields.brokerName);
      this.options.log.info("write permission wiped", { ...fields, wipeTopicCount });
      return { fields: { wipeTopicCount } };
    });
    registry.handle(rows.ADD_WRITE_PERM_OF_BROKER, ({ fields }) => {
      const addTopicCount = topics.addWrite(fields.brokerName);
      this.options.log.info("write permission added", { ...fields, addTopicCount });
      return { fields: { addTopicCount } };
    });
    registry.handle(rows.REGISTER_TOPIC_IN_NAMESRV, (request) => this.registerTopic(request));
    registry.handle(rows.DELETE_TOPIC_IN_NAMESRV, ({ fields }) => {
      routes.deleteTopic(fields.topic, fields.clusterName ?? null);
      this.options.log.info("topic deleted", { ...fields });
      return {};
    });
  }

  private route({ fields, command }: RouteRequest) {
    const { routes, kv, settings, clock } = this.options;
    const upMs = clock.monotonicMs() - this.openedMs;
    if (settings.needWaitForService && upMs < settings.waitSecondsForService * 1000) {
      throw new RequestError(ResponseCode.SYSTEM_ERROR, "name server not ready");
    }
    const { topic } = fields;
    const whole = routes.route(topic);
    if (whole === null) {
      throw new RequestError(
        ResponseCode.TOPIC_NOT_EXIST,
        `No topic route info in name server for the topic: ${topic}${FAQ_HINT}`,
      );
    }
    const orderConf = settings.orderMessageEnable ? kv.get(ORDER_TOPIC_CONFIG, topic) : null;
    const zone = fields.__ZONE_MODE === true ? fields.__ZONE_NAME ?? "" : "";
    // The zone hook reads the answer back and writes it in Java's own way, whatever the client is.
    if (zone.trim() !== "") return textBody(routeJson(routeOfZone(whole, zone), orderConf, "bare"));
    const standard = command.version >= STANDARD_JSON_VERSION ||
      fields.acceptStandardJsonOnly === true;
    return textBody(routeJson(whole, orderConf, standard ? "quoted" : "bare"));
  }

  private list(switchedBy: "enableAllTopicList" | "enableTopicList", topics: () => string[]) {
    if (!this.options.settings[switchedBy]) {
      throw new RequestError(ResponseCode.SYSTEM_ERROR, "disable");
    }
    return textBody(topicListJson(topics()));
  }

  /**
   * Names of clusters and brokers, which are topics too, and any one broker to ask about its own.
   */
  private systemTopics() {
    const { routes } = this.options;
    const names = new Set<string>();
    for (const [cluster, brokerNames] of routes.clusters()) {
      names.add(cluster);
      for (const brokerName of brokerNames) names.add(brokerName);
    }
    const address = routes.brokers()[0]?.addresses[0]?.[1] ?? null;
    return textBody(topicListJson([...names], address));
  }

  private registerTopic(
    { fields, body }: Request<RequestFieldsOf<typeof rows.REGISTER_TOPIC_IN_NAMESRV>>,
  ) {
    const { routes, log } = this.options;
    const queues = body.length === 0
      ? []
      : refuseUndecodable(() => decodeQueues(body), "TopicRouteData");
    // Apache answers SUCCESS whether it took the topic or not.
    if (!routes.registerTopic(fields.topic, queues) && queues.length > 0) {
      log.warn("a topic of brokers that aren't registered is ignored", { topic: fields.topic });
    }
    return {};
  }
}

/** The queueDatas of a TopicRouteData. */
function decodeQueues(body: Uint8Array): QueueView[] {
  const { queueDatas } = asObject(parseJsonBytes(body));
  if (queueDatas === undefined || queueDatas === null) return [];
  return asArray(queueDatas).map((value) => {
    const queue = asObject(value);
    return {
      brokerName: asText(queue.brokerName, ""),
      settings: {
        readQueueCount: asNumber(queue.readQueueNums, 0),
        writeQueueCount: asNumber(queue.writeQueueNums, 0),
        perm: asNumber(queue.perm, 0),
        topicSysFlag: asNumber(queue.topicSysFlag, 0),
      },
    };
  });
}

function textBody(json: string) {
  return { body: Buffer.from(json) };
}
