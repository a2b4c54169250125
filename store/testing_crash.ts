// What the tests of crashes share: messages that were acknowledged, whether a store still has them all, and disks as a
// kill leaves them. Used by tests alone.
import { expect } from "bun:test";
import { crc32Masked } from "../core/bytes/crc32.ts";
import type { MemoryDisk } from "../core/disk/memory_disk.ts";
import type { PutResult } from "./message_store.ts";
import type { FileMessageStore } from "./message_store_impl.ts";
import {
  newMemoryDisk,
  openTestStore,
  STORE_PATH,
  testMessage,
  viewBytes,
} from "./testing_store.ts";

export const LOG_PATH = `${STORE_PATH}/commitlog/00000000000000000000`;

/** A message that was acknowledged: where it is and what its bytes were. */
export interface Acknowledged {
  index: number;
  queueId: number;
  result: PutResult;
  crc: number;
}

export async function putOne(
  store: FileMessageStore,
  index: number,
  bodyBytes: number,
): Promise<Acknowledged | null> {
  const message = testMessage(index, { bodyBytes });
  const [result] = await store.put([message]);
  if (result!.status !== "ok") return null;
  const bytes = viewBytes(await store.read(result!.physicalOffset));
  return { index, queueId: message.queueId, result: result!, crc: crc32Masked(bytes) };
}

export function propertiesStartOf({ index, result }: Acknowledged): number {
  return result.physicalOffset + result.size - testMessage(index).properties.length;
}

/** Every acknowledged message is in log, queue and index, byte for byte. */
export async function expectAll(
  store: FileMessageStore,
  acknowledged: Acknowledged[],
): Promise<void> {
  for (const { index, queueId, result, crc } of acknowledged) {
    const bytes = viewBytes(await store.read(result.physicalOffset, result.size));
    expect(bytes.length).toBe(result.size);
    expect(crc32Masked(bytes)).toBe(crc);
    const cursor = store.openCursor("TestTopic", queueId, result.queueOffset)!;
    expect(cursor.next()).toBe(true);
    expect([cursor.queueOffset, cursor.physicalOffset, cursor.size, cursor.tagsCode])
      .toEqual([result.queueOffset, result.physicalOffset, result.size, 65]);
    const found = await store.queryIndex("TestTopic", `key${index}`, 8, 0, 1e15);
    expect(found.offsets).toContain(result.physicalOffset);
  }
}

/** Queues hold what the log holds and nothing else: every entry's record is whole and says so itself. */
export async function expectLevel(store: FileMessageStore): Promise<void> {
  for (const { topic, queueId } of store.queueTopics()) {
    const { minOffset, maxOffset } = store.queueBounds(topic, queueId)!;
    let count = 0;
    for (const cursor = store.openCursor(topic, queueId, minOffset)!; cursor.next(); count++) {
      const bytes = viewBytes(await store.read(cursor.physicalOffset, cursor.size));
      expect(bytes.length).toBe(cursor.size);
      expect(bytes.readInt32BE(12)).toBe(queueId);
      expect(Number(bytes.readBigInt64BE(20))).toBe(cursor.queueOffset);
    }
    expect(count).toBe(maxOffset - minOffset);
  }
}

/** The bytes of a small log of 10 messages, its acknowledged messages, and the folder as a clean stop left it. */
export async function smallStore(): Promise<{ disk: MemoryDisk; acknowledged: Acknowledged[] }> {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  const acknowledged: Acknowledged[] = [];
  for (let index = 0; index < 10; index++) {
    acknowledged.push((await putOne(store, index, 10 + index))!);
  }
  await store[Symbol.asyncDispose]();
  return { disk, acknowledged };
}

/** A disk on which the process was killed when the log's bytes after `cut` weren't written yet. */
export function killedAt(
  source: MemoryDisk,
  cut: number,
  keep: (path: string) => boolean,
  seed?: number,
): MemoryDisk {
  const disk = newMemoryDisk(seed);
  const visit = (path: string) => {
    for (const name of source.listSync(path)) {
      const child = `${path}/${name}`;
      if (source.statSync(child)!.isDirectory) visit(child);
      else if (keep(child)) disk.place(child, source.contents(child));
    }
  };
  visit(STORE_PATH);
  const log = source.contents(LOG_PATH);
  log.fill(0, cut);
  disk.place(LOG_PATH, log);
  disk.place(`${STORE_PATH}/abort`, new TextEncoder().encode("2147483647"));
  return disk;
}
