// Cuts a listing of topics or groups into the pages that peers ask for: in the order of their names, begun anew when the
// table has changed since the page before. Never holds a state of its own (Java: TopicConfigManager.subTopicConfigTable,
// SubscriptionGroupManager.subGroupTable).
import { parseLenientJson } from "../../core/json/lenient_reader.ts";
import { RequestError } from "../../core/errors.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { type DataVersion, parseDataVersion, sameDataVersion } from "./data_version.ts";

/** Configuration keys by Apache's names. */
export interface PageSettings {
  readonly enableSplitMetadata: boolean;
  readonly splitMetadataSize: number;
}

/** What a peer asks for; older ones say nothing of it, and get the whole table. */
export interface PageRequest {
  /** The table's version at the page before, as JSON. */
  dataVersion: string | undefined;
  first: number | undefined;
  countMax: number | undefined;
}

/** The names of the page. Throws RequestError when it can't be one. */
export function pageOf(
  names: Iterable<string>,
  version: DataVersion,
  { countMax, dataVersion, first }: PageRequest,
  { enableSplitMetadata, splitMetadataSize }: PageSettings,
): string[] {
  const isWhole = dataVersion === undefined && first === undefined && countMax === undefined;
  if (!enableSplitMetadata || isWhole) return [...names];
  const count = Math.min(splitMetadataSize, countMax ?? splitMetadataSize);
  const start = isSameVersion(dataVersion, version) ? first ?? 0 : 0;
  if (count <= 0 || start < 0) {
    throw new RequestError(ResponseCode.INVALID_PARAMETER, `no page of ${count} from ${start}`);
  }
  return [...names].sort().slice(start, start + count);
}

function isSameVersion(text: string | undefined, version: DataVersion): boolean {
  if (text === undefined || text.trim() === "") return false;
  return sameDataVersion(parseDataVersion(parseLenientJson(text)), version);
}
