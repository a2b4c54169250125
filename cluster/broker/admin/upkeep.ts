// Clean-up on request: queues of topics that are gone, files of the log that are past their time, files of queues and
// index that point before the log. Answers before the work is over, where Apache does.
import { RequestError } from "../../../core/errors.ts";
import { isLmq, isSystemTopic } from "../../../core/message/topic_names.ts";
import {
  CLEAN_EXPIRED_CONSUMEQUEUE,
  CLEAN_UNUSED_TOPIC,
  DELETE_EXPIRED_COMMITLOG,
} from "../../../core/remoting/codes/admin.ts";
import { EXPORT_ROCKSDB_CONFIG_TO_JSON } from "../../../core/remoting/codes/rocksdb.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { AdminParts } from "./admin_parts.ts";

/** In lower case. */
const EXPORTED_TABLES: ReadonlySet<string> = new Set([
  "topics",
  "subscriptiongroups",
  "consumeroffsets",
]);

export function registerUpkeep(parts: AdminParts): void {
  const { server, store, log } = parts;

  server.handle(CLEAN_UNUSED_TOPIC, async (_, { remoteAddress }) => {
    const unused = goneTopics(parts);
    for (const topic of unused) await deleteQueues(parts, topic);
    log.info("unused topics cleaned", { topics: unused, by: remoteAddress });
    return {};
  });

  /**
   * Apache also drops the queues of living topics once the log holds none of their messages; these then count from 0
   * again and their groups, which are further, skip what is sent next. Here such a queue keeps its last file.
   */
  server.handle(CLEAN_EXPIRED_CONSUMEQUEUE, async (_, { remoteAddress }) => {
    await store.deleteExpiredQueueFiles();
    const dropped = goneTopics(parts).filter((topic) => isBelowLog(parts, topic));
    for (const topic of dropped) await deleteQueues(parts, topic);
    log.info("expired queue files cleaned", { topics: dropped, by: remoteAddress });
    return {};
  });

  // Nothing to do beyond a look at the names: the tables are JSON files.
  server.handle(EXPORT_ROCKSDB_CONFIG_TO_JSON, ({ fields: { configType } }) => {
    for (const name of configType.split(";")) {
      if (name === "" || EXPORTED_TABLES.has(name.trim().toLowerCase())) continue;
      throw new RequestError(ResponseCode.SYSTEM_ERROR, `Unknown config type: ${name}`);
    }
    return { remark: "export done." };
  });

  server.handle(DELETE_EXPIRED_COMMITLOG, (_, { remoteAddress }) => {
    log.info("expired log files are to be deleted", { by: remoteAddress });
    store.deleteExpiredFiles();
    return {};
  });
}

/** Topics that have queues and no configuration. */
function goneTopics({ store, topics }: AdminParts): string[] {
  const gone = store.queueTopics().map(({ topic }) => topic).filter((topic) =>
    !topics.has(topic) && !isSystemTopic(topic) && !isLmq(topic)
  );
  return [...new Set(gone)];
}

async function deleteQueues({ store, statistics }: AdminParts, topic: string): Promise<void> {
  await store.deleteTopic(topic);
  statistics.sink.topicDeleted(topic);
}

/** Whether nothing that a topic's queues point to is left in the log. */
function isBelowLog({ store }: AdminParts, topic: string): boolean {
  return store.queueTopics().every((queue) => {
    if (queue.topic !== topic) return true;
    const bounds = store.queueBounds(topic, queue.queueId);
    return bounds === null || bounds.maxOffset <= bounds.minOffset;
  });
}
