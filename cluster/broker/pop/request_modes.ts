// Whether a group pulls or pops a topic, as an administrator set it; saved to messageRequestMode.json
// (Java: MessageRequestModeManager). Knows no queues and no consumers.
import { parseLenientJson } from "../../../core/json/lenient_reader.ts";
import type { Logger } from "../../../core/log.ts";
import { JsonFields } from "../json_fields.ts";
import { type TableFile, tableText } from "../table_file.ts";
import { TableSaver } from "../table_saver.ts";

export type RequestModeName = "PULL" | "POP";

export interface RequestMode {
  topic: string;
  consumerGroup: string;
  mode: RequestModeName;
  /** With how many of the members after it a member shares its queues; below 1: all members share all. */
  popShareQueueNum: number;
}

export class RequestModes {
  /** Topic → group → mode. */
  private readonly table = new Map<string, Map<string, RequestMode>>();
  private readonly saver: TableSaver;

  /** Throws DecodeError when the file can't be read. */
  constructor({ file, log }: { file: TableFile; log: Logger }) {
    this.saver = new TableSaver(file, () => tableText(this.toJson()), log);
    const text = file.load();
    if (text !== null) this.decode(text);
  }

  get(topic: string, group: string): RequestMode | undefined {
    return this.table.get(topic)?.get(group);
  }

  /** Resolves when the mode would survive a crash. */
  async set(mode: RequestMode): Promise<void> {
    this.put(mode);
    await this.saver.save();
  }

  /** The file's content, and code 402's body. */
  toJson(): { messageRequestModeMap: Record<string, Record<string, RequestMode>> } {
    const messageRequestModeMap: Record<string, Record<string, RequestMode>> = {};
    for (const [topic, groups] of this.table) {
      messageRequestModeMap[topic] = Object.fromEntries(groups);
    }
    return { messageRequestModeMap };
  }

  private put(mode: RequestMode): void {
    const groups = this.table.get(mode.topic) ?? new Map<string, RequestMode>();
    this.table.set(mode.topic, groups);
    groups.set(mode.consumerGroup, mode);
  }

  private decode(text: string): void {
    const topics = new JsonFields(parseLenientJson(text), "requestMode").object(
      "messageRequestModeMap",
    );
    for (const topic of topics?.names() ?? []) {
      const groups = topics!.object(topic);
      for (const group of groups?.names() ?? []) {
        const fields = groups!.object(group);
        if (fields !== null) this.put(requestModeOf(fields, topic, group));
      }
    }
  }
}

/** Fields in alphabetical order, as Apache writes them. Throws DecodeError. */
export function requestModeOf(fields: JsonFields, topic = "", group = ""): RequestMode {
  return {
    consumerGroup: fields.text("consumerGroup", group),
    mode: fields.text("mode", "PULL") === "POP" ? "POP" : "PULL",
    popShareQueueNum: fields.number("popShareQueueNum"),
    topic: fields.text("topic", topic),
  };
}
