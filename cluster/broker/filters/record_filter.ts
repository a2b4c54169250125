// What decides about whole records for a pull: the filter of its subscription, or on a retry topic that of the topic which
// the message came from. Reads records where they are (Java: ExpressionMessageFilter, ExpressionForRetryMessageFilter).
import type { Buffer } from "node:buffer";
import type { MessageFilter } from "../../../core/filter/compile_filter.ts";
import { PropertyScanner } from "../../../core/message/property_scan.ts";
import { emptyParts, locateParts, type RecordParts } from "../../../core/message/record.ts";
import type { FilterTable } from "./filter_table.ts";

export interface RecordFilter {
  /** Whether the record of `size` bytes at `start` is for the consumer. */
  matches(buffer: Buffer, start: number, size: number): boolean;
}

const parts: RecordParts = emptyParts();

/** Decides by one filter. */
export function recordFilter(filter: MessageFilter): RecordFilter {
  return {
    matches(buffer, start, size) {
      locateProperties(buffer, start, size);
      return filter.matches(buffer, parts.propertiesStart, parts.propertiesEnd);
    },
  };
}

/** Decides by the filter that the group has in the message's original topic; without one all messages are let through. */
export function retryRecordFilter(filters: FilterTable, group: string): RecordFilter {
  const scanner = new PropertyScanner(["RETRY_TOPIC"]);
  return {
    matches(buffer, start, size) {
      locateProperties(buffer, start, size);
      scanner.scan(buffer, parts.propertiesStart, parts.propertiesEnd);
      const topic = scanner.text(buffer, 0);
      const filter = topic === null ? null : filters.get(topic, group)?.filter ?? null;
      if (filter === null) return true;
      return filter.matches(buffer, parts.propertiesStart, parts.propertiesEnd);
    },
  };
}

/** Fills `parts`; a damaged record counts as one without properties. */
function locateProperties(buffer: Buffer, start: number, size: number): void {
  if (locateParts(buffer, start, start + size, parts) === null) return;
  parts.propertiesStart = parts.propertiesEnd = start;
}
