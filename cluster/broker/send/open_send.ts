// Puts the send path together and registers it: the hot way for plain messages, the general way for the rest.
import type { Logger } from "../../../core/log.ts";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import type { Random } from "../../../core/random.ts";
import type { HandlerRegistry, HostAddress, PeerCaller } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { Appender } from "../../../store/commit_log/appender.ts";
import type { DispatchQueue } from "../../../store/dispatch.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Producers } from "../clients/producers.ts";
import type { GroupTable } from "../groups/group_table.ts";
import type { QueueLocks } from "../locks/queue_locks.ts";
import type { PutRules } from "../put_rules.ts";
import type { StatsSink } from "../stats_sink.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import { HotSend } from "./hot_send.ts";
import { MessageDrafts } from "./message_draft.ts";
import { PendingSends } from "./pending_sends.ts";
import { ReplyHandler } from "./reply_handler.ts";
import { SendAnswerWriter } from "./send_answers.ts";
import { SendBacklog } from "./send_backlog.ts";
import { SendChecks, type SendSettings } from "./send_checks.ts";
import { SendHandler } from "./send_handler.ts";
import { SendOutcomes } from "./send_outcomes.ts";
import { TopicPlans } from "./topic_plans.ts";

/** Hexadecimal digits of the offset at the end of an offset id. */
const OFFSET_HEX_DIGITS = 16;

export interface SendOptions {
  server: HandlerRegistry & PeerCaller & { onBurst(callback: () => void): void };
  store: MessageStore & {
    readonly appender: Appender;
    queue(topic: string, queueId: number): DispatchQueue;
  };
  topics: TopicTable;
  producers: Producers;
  groups: GroupTable;
  locks: QueueLocks;
  rules: PutRules;
  clock: Clock;
  random: Random;
  log: Logger;
  stats: StatsSink;
  /** A transaction of the topic was begun. */
  prepared: (topic: string) => void;
  config: { onChange(names: readonly ("regionId" | "traceOn")[], callback: () => void): void };
  /** Live configuration values by Apache's names. */
  settings: SendSettings & {
    readonly brokerName: string;
    readonly brokerClusterName: string;
    readonly regionId: string;
    readonly traceOn: boolean;
    readonly storeReplyMessageEnable: boolean;
    readonly sendThreadPoolQueueCapacity: number;
    readonly enabledAppendPropCRC: boolean;
  };
  /** The address that records carry as their store host: brokerIP1 and listenPort. */
  storeHost: HostAddress;
  newUniqueKey: () => string;
}

/** Serves the codes by which clients send messages and replies; gives what tells how many wait. */
export function openSend(options: SendOptions): SendBacklog {
  const { server, settings, stats, store, storeHost, topics } = options;
  const { appender } = store;
  const checks = new SendChecks(topics, settings);
  const drafts = new MessageDrafts(options);
  const pending = new PendingSends();
  const backlog = new SendBacklog({ pending, settings, log: options.log.named("send") });
  new SendHandler({ ...options, backlog, checks, drafts }).register(server);
  new ReplyHandler({ ...options, checks, drafts }).register(server);

  const messageId = encodeOffsetMessageId(storeHost.address, storeHost.port, 0);
  const storeHostHex = messageId.slice(0, -OFFSET_HEX_DIGITS);
  const answers = new SendAnswerWriter(pending, storeHostHex, settings);
  const { prepared } = options;
  const parts = { pending, answers, appender, stats, prepared, storeHost, settings };
  const outcomes = new SendOutcomes(parts);
  const plans = new TopicPlans({
    sendable(topic) {
      const config = topics.get(topic);
      return config !== undefined && checks.isPlainlySendable(topic, config) ? config : null;
    },
    revision: () => topics.dataVersion,
    permission: () => settings.brokerPermission,
    queue: (topic, queueId) => store.queue(topic, queueId),
  });
  const hot = new HotSend({
    registry: server,
    appender,
    plans,
    rules: options.rules,
    pending,
    backlog,
    outcomes,
    storeHost,
    settings,
  });
  options.config.onChange(["regionId", "traceOn"], () => {
    hot.settingsChanged();
    answers.settingsChanged();
  });
  // What ends each record is the general path's to write.
  if (!settings.enabledAppendPropCRC) hot.register();
  server.onBurst(() => hot.endBurst());
  return backlog;
}
