// Stores for tests: small files on a memory disk, messages by number. Used by tests alone.
import { Buffer } from "node:buffer";
import { type FileLocks, soleOwner } from "../core/disk/file_lock.ts";
import { MemoryDisk } from "../core/disk/memory_disk.ts";
import { type Logger, silentLogger } from "../core/log.ts";
import { seededRandom } from "../core/random.ts";
import type { Clock } from "../core/time/clock.ts";
import { systemClock } from "../core/time/system_clock.ts";
import {
  FILE_MESSAGE_STORE_DEFAULTS,
  type FileMessageStoreConfig,
} from "./file_message_store_options.ts";
import type { EntryReader, MessageToStore, RecordView } from "./message_store.ts";
import { FileMessageStore } from "./message_store_impl.ts";
import { spoilViews } from "./testing_views.ts";

export const STORE_PATH = "/store";
export const LOG_FILE_BYTES = 64 * 1024;

export const SMALL_STORE: FileMessageStoreConfig = {
  ...FILE_MESSAGE_STORE_DEFAULTS,
  storePath: STORE_PATH,
  commitLogFileBytes: LOG_FILE_BYTES,
  consumeQueueFileBytes: 6000,
  batchConsumeQueueFileBytes: 13_800,
  consumeQueueExtFileBytes: 65_536,
  indexSlotCount: 500,
  indexItemCount: 2000,
};

export interface TestStoreOptions extends Partial<FileMessageStoreConfig> {
  clock?: Clock;
  log?: Logger;
  locks?: FileLocks;
}

export function newMemoryDisk(seed = 1): MemoryDisk {
  return new MemoryDisk(seededRandom(seed));
}

/** Views of its records are spoiled behind the turn that got them. */
export async function openTestStore(
  disk: MemoryDisk,
  options: TestStoreOptions = {},
): Promise<FileMessageStore> {
  const { clock = systemClock, log = silentLogger, locks = soleOwner, ...config } = options;
  const parts = { disk, clock, log, locks };
  return spoilViews(await FileMessageStore.open({ ...SMALL_STORE, ...config }, parts));
}

/** Of stores that are made up: nothing is damaged, and what isn't in memory isn't there. */
export const ENTRIES_AS_THEY_ARE: EntryReader = {
  judge: () => Promise.resolve("kept"),
  mends: () => null,
  next: () => Promise.resolve(false),
  read: () => Promise.resolve(null),
};

/** Message number `index`, of a topic's queue, with a body that tells it. */
export function testMessage(
  index: number,
  fields: Partial<MessageToStore> & { bodyBytes?: number } = {},
): MessageToStore {
  const { bodyBytes = 40, ...rest } = fields;
  const uniqueKey = `UNIQ${String(index).padStart(28, "0")}`;
  const body = Buffer.alloc(bodyBytes, `message ${index} `);
  return {
    topic: "TestTopic",
    queueId: index % 2,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: 1_700_000_000_000,
    bornAddress: new Uint8Array([127, 0, 0, 1]),
    bornPort: 5000,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body,
    properties: Buffer.from(`UNIQ_KEY\x01${uniqueKey}\x02KEYS\x01key${index}\x02TAGS\x01A\x02`),
    tagsCode: 65,
    uniqueKey,
    keys: `key${index}`,
    batchCount: 1,
    ...rest,
  };
}

/** The bytes of a view, copied. */
export function viewBytes(view: RecordView | null): Buffer {
  if (view === null) return Buffer.alloc(0);
  return Buffer.from(
    Buffer.from(view.buffer.buffer, view.buffer.byteOffset + view.start, view.size),
  );
}
