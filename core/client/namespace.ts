// Namespaces that are part of the names of topics and groups: NS%Orders, %RETRY%NS%group
// (NamespaceUtil). Pure.
import {
  DLQ_TOPIC_PREFIX,
  isSystemConsumerGroup,
  isSystemTopic,
  RETRY_TOPIC_PREFIX,
} from "../message/topic_names.ts";

const SEPARATOR = "%";

/** The full name of a topic or group; itself when it has it already, or is the system's own. */
export function withNamespace(namespace: string | undefined, name: string): string {
  if (namespace === undefined || isSystemTopic(name) || isSystemConsumerGroup(name)) return name;
  const prefix = prefixOf(name);
  const rest = name.slice(prefix.length);
  const full = namespace + SEPARATOR;
  return rest.startsWith(full) ? name : prefix + full + rest;
}

/** The name as the program says it. */
export function withoutNamespace(namespace: string | undefined, name: string): string {
  if (namespace === undefined) return name;
  const prefix = prefixOf(name);
  const full = namespace + SEPARATOR;
  return name.startsWith(full, prefix.length)
    ? prefix + name.slice(prefix.length + full.length)
    : name;
}

function prefixOf(name: string): string {
  return [RETRY_TOPIC_PREFIX, DLQ_TOPIC_PREFIX].find((each) => name.startsWith(each)) ?? "";
}
