// Offsets of a broadcasting consumer, kept in a file of its own in the format and place of Apache's
// client (LocalFileOffsetStore), so that either goes on where the other was.
import { Buffer } from "node:buffer";
import type { Disk } from "../disk/disk.ts";
import { type JsonObject, type JsonValue, LenientMap, mapEntries } from "../json/json_value.ts";
import { parseLenientJsonBytes } from "../json/lenient_reader.ts";
import type { Logger } from "../log.ts";
import { type MessageQueue, queueKey } from "./message.ts";
import type { OffsetStore, QueueOffset, WriteOutcome } from "./offsets.ts";

export interface FileOffsetStoreOptions {
  disk: Disk;
  log: Logger;
  /** The folder of all clients: ~/.rocketmq_offsets. */
  folder: string;
  clientId: string;
  group: string;
}

export class FileOffsetStore implements OffsetStore {
  private readonly folder: string;
  private readonly path: string;
  /** Null until the file was read. */
  private offsets: Map<string, QueueOffset> | null = null;

  constructor(private readonly options: FileOffsetStoreOptions) {
    this.folder = `${options.folder}/${options.clientId}/${options.group}`;
    this.path = `${this.folder}/offsets.json`;
  }

  read(queue: MessageQueue): Promise<number | null> {
    this.offsets ??= this.load();
    return Promise.resolve(this.offsets.get(queueKey(queue))?.offset ?? null);
  }

  /** Keeps what was written before of other queues; the file is whole at any instant. */
  write(changed: readonly QueueOffset[]): Promise<WriteOutcome> {
    this.offsets ??= this.load();
    for (const each of changed) this.offsets.set(queueKey(each.queue), each);
    try {
      this.save(formatOffsets([...this.offsets.values()]));
      return Promise.resolve({ taken: changed, failure: null });
    } catch (failure) {
      return Promise.resolve({ taken: [], failure });
    }
  }

  private load(): Map<string, QueueOffset> {
    const { log } = this.options;
    for (const path of [this.path, `${this.path}.bak`]) {
      const bytes = this.readFile(path);
      if (bytes === null) continue;
      try {
        return new Map(parseOffsets(bytes).map((each) => [queueKey(each.queue), each]));
      } catch (error) {
        log.warn("an offset file can't be read", { path, error });
      }
    }
    return new Map();
  }

  private readFile(path: string): Uint8Array | null {
    const { disk } = this.options;
    const stat = disk.statSync(path);
    if (stat === null || stat.isDirectory) return null;
    const bytes = Buffer.alloc(stat.sizeBytes);
    const file = disk.openSync(path, "read");
    const length = file.readSync(bytes, 0, bytes.length, 0);
    void file.close();
    return bytes.subarray(0, length);
  }

  private save(text: string): void {
    const { disk } = this.options;
    const temporary = `${this.path}.tmp`;
    disk.makeDirectorySync(this.folder);
    const bytes = Buffer.from(text, "utf8");
    const file = disk.openSync(temporary, "create");
    file.truncateSync(0);
    file.writeSync(bytes, 0, bytes.length, 0);
    void file.close();
    if (disk.statSync(this.path) !== null) disk.renameSync(this.path, `${this.path}.bak`);
    disk.renameSync(temporary, this.path);
  }
}

/** Throws DecodeError, or TypeError when it is other JSON. */
export function parseOffsets(bytes: Uint8Array): QueueOffset[] {
  const root = parseLenientJsonBytes(bytes) as { offsetTable?: JsonObject | LenientMap };
  const offsets: QueueOffset[] = [];
  for (const [key, value] of mapEntries(root.offsetTable ?? {})) {
    const { topic, brokerName, queueId } = key as Record<string, JsonValue>;
    offsets.push({
      queue: { topic: String(topic), brokerName: String(brokerName), queueId: Number(queueId) },
      offset: Number(value),
    });
  }
  return offsets;
}

/** As fastjson prints it prettily: keys that are objects, an entry's lines indented by tabs. */
export function formatOffsets(offsets: readonly QueueOffset[]): string {
  const entries = offsets.map(({ queue: { topic, brokerName, queueId }, offset }) => {
    const fields = [
      `"brokerName":${JSON.stringify(brokerName)}`,
      `"queueId":${queueId}`,
      `"topic":${JSON.stringify(topic)}`,
    ];
    return `\n\t\t{\n\t\t\t${fields.join(",\n\t\t\t")}\n\t\t}:${offset}`;
  });
  const table = entries.length === 0 ? "{}" : `{${entries.join(",")}\n\t}`;
  return `{\n\t"offsetTable":${table}\n}`;
}

/** A map whose keys are queues, as Java's peers write it. */
export function queueMap<T extends { queue: MessageQueue }>(
  entries: readonly T[],
  valueOf: (entry: T) => JsonValue,
): LenientMap {
  return new LenientMap(entries.map((entry) => {
    const { brokerName, queueId, topic } = entry.queue;
    return [{ brokerName, queueId, topic }, valueOf(entry)];
  }));
}
