// The KV configuration: values by namespace and key, kept in one file in Apache's format
// (KVConfigManager). A change counts only once it is saved: when the disk refuses it, nothing has
// changed.
import { RequestError } from "../../core/errors.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { asObject, asText, parseJsonText } from "./json_values.ts";
import { KV_ITEM_BYTES_MAX, KV_ITEMS_MAX } from "./limits.ts";
import { kvConfigJson } from "./route_json.ts";

/** Values are a topic's queues by broker: "broker-a:4;broker-b:4". */
export const ORDER_TOPIC_CONFIG = "ORDER_TOPIC_CONFIG";

/** The file as text; MetadataFile is the disk's. */
export interface KvFile {
  /** Null when there is none yet. */
  load(): string | null;
  /** Returns when the text would survive a crash; throws DiskError. */
  save(text: string): void;
}

export class KvConfig {
  private readonly namespaces: Map<string, Map<string, string>>;
  private itemCount = 0;

  constructor(private readonly file: KvFile) {
    const text = file.load();
    this.namespaces = text === null ? new Map() : parseKvConfig(text);
    for (const items of this.namespaces.values()) this.itemCount += items.size;
  }

  get(namespace: string, key: string): string | null {
    return this.namespaces.get(namespace)?.get(key) ?? null;
  }

  /**
   * Null for a namespace that never had a value; one whose values are all deleted is still there.
   */
  list(namespace: string): ReadonlyMap<string, string> | null {
    return this.namespaces.get(namespace) ?? null;
  }

  /** Throws RequestError over a limit, DiskError when it can't be saved. */
  put(namespace: string, key: string, value: string): void {
    const before = this.namespaces.get(namespace);
    const previous = before?.get(key);
    if (previous === value) return;
    if (previous === undefined && this.itemCount >= KV_ITEMS_MAX) {
      throw refusal(`there are ${KV_ITEMS_MAX} KV items already`);
    }
    if (namespace.length + key.length + value.length > KV_ITEM_BYTES_MAX) {
      throw refusal(`a KV item is longer than ${KV_ITEM_BYTES_MAX}`);
    }
    const items = before ?? new Map<string, string>();
    if (before === undefined) this.namespaces.set(namespace, items);
    items.set(key, value);
    this.saveOr(() => {
      if (previous !== undefined) items.set(key, previous);
      else items.delete(key);
      if (before === undefined) this.namespaces.delete(namespace);
    });
    if (previous === undefined) this.itemCount++;
  }

  /** Deleting what isn't there does nothing. Throws DiskError when it can't be saved. */
  delete(namespace: string, key: string): void {
    const items = this.namespaces.get(namespace);
    const previous = items?.get(key);
    if (items === undefined || previous === undefined) return;
    items.delete(key);
    this.saveOr(() => items.set(key, previous));
    this.itemCount--;
  }

  private saveOr(undo: () => void): void {
    try {
      this.file.save(kvConfigJson(this.namespaces));
    } catch (error) {
      undo();
      throw error;
    }
  }
}

/** Throws DecodeError. */
export function parseKvConfig(text: string): Map<string, Map<string, string>> {
  const table = asObject(asObject(parseJsonText(text)).configTable ?? {});
  const namespaces = new Map<string, Map<string, string>>();
  for (const [namespace, value] of Object.entries(table)) {
    const items = new Map<string, string>();
    for (const [key, item] of Object.entries(asObject(value))) items.set(key, asText(item, ""));
    namespaces.set(namespace, items);
  }
  return namespaces;
}

export function isKvConfig(text: string): boolean {
  try {
    parseKvConfig(text);
    return true;
  } catch {
    return false;
  }
}

function refusal(problem: string): RequestError {
  return new RequestError(ResponseCode.SYSTEM_ERROR, problem);
}
