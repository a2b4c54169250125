// Clean-up on request: queues of topics that are gone, and expired files. Files of the log and its queues are never
// deleted by this version, so a request that would have to delete some is refused instead of being answered in vain.
import { RequestError } from "../../../core/errors.ts";
import { isLmq, isSystemTopic } from "../../../core/message/topic_names.ts";
import {
  CLEAN_EXPIRED_CONSUMEQUEUE,
  CLEAN_UNUSED_TOPIC,
  DELETE_EXPIRED_COMMITLOG,
} from "../../../core/remoting/codes/admin.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { AdminParts } from "./admin_parts.ts";

const HOUR_MS = 3_600_000;

export function registerUpkeep(parts: AdminParts): void {
  const { server, store, topics, config, clock, statistics, log } = parts;

  server.handle(CLEAN_UNUSED_TOPIC, async (_, { remoteAddress }) => {
    const unused = new Set(
      store.queueTopics().map(({ topic }) => topic).filter((topic) =>
        !topics.has(topic) && !isSystemTopic(topic) && !isLmq(topic)
      ),
    );
    for (const topic of unused) {
      await store.deleteTopic(topic);
      statistics.sink.topicDeleted(topic);
    }
    log.info("unused topics cleaned", { topics: [...unused], by: remoteAddress });
    return {};
  });

  server.handle(CLEAN_EXPIRED_CONSUMEQUEUE, () => {
    for (const { topic, queueId } of store.queueTopics()) {
      if (isBelowLog(parts, topic, queueId)) throw notDeleted("queue files that lie below the log");
    }
    return {};
  });

  server.handle(DELETE_EXPIRED_COMMITLOG, async () => {
    const earliestMs = await store.earliestStoreTimestamp();
    const reservedMs = config.values.fileReservedTime * HOUR_MS;
    const isExpired = earliestMs >= 0 && clock.nowMs() - earliestMs > reservedMs;
    if (isExpired) throw notDeleted("log files that are past their time");
    return {};
  });
}

/** Whether nothing that a queue points to is left. */
function isBelowLog({ store }: AdminParts, topic: string, queueId: number): boolean {
  const bounds = store.queueBounds(topic, queueId);
  if (bounds === null || bounds.maxOffset <= bounds.minOffset) return false;
  const last = store.openCursor(topic, queueId, bounds.maxOffset - 1);
  return last !== null && last.next() && last.physicalOffset < store.minPhysicalOffset;
}

function notDeleted(what: string): RequestError {
  return new RequestError(
    ResponseCode.SYSTEM_ERROR,
    `${what} aren't deleted by this version of Roquet`,
  );
}
