// Stores for the micro benches, filled by the appender as the send path does it.
import {
  layoutOf,
  MAGIC_V1,
  newRecordHead,
  recordSize,
  writeRecordHead,
  writeRecordTopic,
} from "../../core/message/record_layout.ts";
import { writeU16 } from "../../core/bytes/big_endian.ts";
import type { Disk } from "../../core/disk/disk.ts";
import { soleOwner } from "../../core/disk/file_lock.ts";
import { silentLogger } from "../../core/log.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { STAGING_FULL } from "../../store/commit_log/appender.ts";
import { FILE_MESSAGE_STORE_DEFAULTS } from "../../store/file_message_store_options.ts";
import { FileMessageStore } from "../../store/message_store_impl.ts";
import { BODY, PROPERTIES, TOPIC } from "./frames.ts";

export const TOPIC_NAME = TOPIC.toString();
/** Records in one burst. */
export const BURST = 64;
export const RECORD_BYTES = recordSize(MAGIC_V1, 0, BODY.length, TOPIC.length, PROPERTIES.length);
const LOG_FILE_BYTES = 256 * 1024 * 1024;

export async function openStore(
  stack: AsyncDisposableStack,
  disk: Disk,
  storePath: string,
): Promise<FileMessageStore> {
  return stack.use(
    await FileMessageStore.open(
      { ...FILE_MESSAGE_STORE_DEFAULTS, storePath, commitLogFileBytes: LOG_FILE_BYTES },
      { disk, clock: systemClock, log: silentLogger, locks: soleOwner },
    ),
  );
}

const owner = { onStored() {} };

/** Stages and commits one burst of messages into one queue. */
export function burstAppender(store: FileMessageStore): () => void {
  const { appender } = store;
  const queue = store.queue(TOPIC_NAME, 0);
  const head = newRecordHead(new Uint8Array([127, 0, 0, 1]), 10911);
  const bodyAt = layoutOf(0).body;
  let keyHash = 0;
  return () => {
    for (let message = 0; message < BURST; message++) {
      let at = appender.begin(RECORD_BYTES);
      if (at === STAGING_FULL) {
        appender.commit();
        at = appender.begin(RECORD_BYTES);
      }
      const { buffer } = appender;
      head.storeTimestampMs = appender.storeTimestampMs;
      writeRecordHead(buffer, at, RECORD_BYTES, head, BODY.length);
      BODY.copy(buffer, at + bodyAt);
      const propertiesAt = writeRecordTopic(buffer, at + bodyAt + BODY.length, MAGIC_V1, TOPIC);
      writeU16(buffer, propertiesAt, PROPERTIES.length);
      PROPERTIES.copy(buffer, propertiesAt + 2);
      appender.addKey(keyHash = (Math.imul(keyHash, 1664525) + 1013904223) | 0);
      appender.end(RECORD_BYTES, queue, 0, 1, owner, message);
    }
    appender.commit();
  };
}
