// The body of a broker's registration: JSON, the deflated form that brokers with many topics send,
// or the one from before 3.0.11. Turns bytes into a table; changes nothing.
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { DecodeError } from "../../core/errors.ts";
import { REGISTRATION_BYTES_MAX } from "./limits.ts";
import {
  asArray,
  asNumber,
  asObject,
  asText,
  type JsonObject,
  parseJsonBytes,
  parseJsonText,
} from "./json_values.ts";
import {
  type DataVersion,
  NO_DATA_VERSION,
  PERM_READ,
  PERM_WRITE,
  type QueueSettings,
  type TopicQueueMapping,
  type TopicTableContent,
} from "./route_model.ts";

/** From this version (V3_0_11) on a body holds filter servers beside the topics. */
const BODY_WITH_FILTERS_VERSION = 37;
/** From this version (V5_0_0) on a compressed body ends with static topics' mappings. */
const BODY_WITH_MAPPINGS_VERSION = 413;
/** A zlib stream's first byte, which no JSON begins with. */
const ZLIB_FIRST_BYTE = 0x78;
/** TopicConfig's defaults. */
const QUEUE_COUNT_DEFAULT = 16;
const GLOBAL_SCOPE = "__global__";

export interface BodyForm {
  readonly compressed: boolean;
  /** The sender's version, which the form depends on. */
  readonly version: number;
}

/**
 * How a body is to be read. A 5.4.0 broker with compressedRegister=true says that its body isn't
 * compressed, and Apache's name server refuses it for that; the body itself tells better.
 */
export function formOf(body: Uint8Array, saidCompressed: boolean, version: number): BodyForm {
  return { compressed: saidCompressed || body[0] === ZLIB_FIRST_BYTE, version };
}

/** A short name of how a body is read, equal for bodies that are read alike. */
export function formName({ compressed, version }: BodyForm): string {
  if (version < BODY_WITH_FILTERS_VERSION) return "old";
  if (!compressed) return "json";
  return version < BODY_WITH_MAPPINGS_VERSION ? "deflated4" : "deflated5";
}

/** Throws DecodeError. No body is an empty table at version 0, as in DefaultRequestProcessor. */
export function decodeRegistrationBody(body: Uint8Array, form: BodyForm): TopicTableContent {
  const old = form.version < BODY_WITH_FILTERS_VERSION;
  if (body.length === 0) {
    return {
      version: NO_DATA_VERSION,
      topics: new Map(),
      mappings: new Map(),
      filterServers: old ? null : [],
    };
  }
  if (old) return contentOf(asObject(parseJsonBytes(body)), null);
  if (form.compressed) {
    return decodeDeflated(inflate(body), form.version >= BODY_WITH_MAPPINGS_VERSION);
  }
  const root = asObject(parseJsonBytes(body));
  const filterServers = "filterServerList" in root ? textsOf(root.filterServerList) : [];
  return contentOf(asObject(root.topicConfigSerializeWrapper ?? {}), filterServers);
}

export function decodeDataVersion(value: unknown): DataVersion {
  if (value === undefined || value === null) return NO_DATA_VERSION;
  const object = asObject(value);
  return {
    counter: asNumber(object.counter, 0),
    stateVersion: asNumber(object.stateVersion, 0),
    timestamp: asNumber(object.timestamp, 0),
  };
}

function contentOf(
  wrapper: JsonObject,
  filterServers: readonly string[] | null,
): TopicTableContent {
  const topics = new Map<string, QueueSettings>();
  for (const [key, value] of Object.entries(asObject(wrapper.topicConfigTable ?? {}))) {
    const config = asObject(value);
    topics.set(asText(config.topicName, key), settingsOf(config));
  }
  const mappings = new Map<string, TopicQueueMapping>();
  for (const [topic, value] of Object.entries(asObject(wrapper.topicQueueMappingInfoMap ?? {}))) {
    mappings.set(topic, mappingOf(asObject(value)));
  }
  return { version: decodeDataVersion(wrapper.dataVersion), topics, mappings, filterServers };
}

function settingsOf(config: JsonObject): QueueSettings {
  return {
    readQueueCount: asNumber(config.readQueueNums, QUEUE_COUNT_DEFAULT),
    writeQueueCount: asNumber(config.writeQueueNums, QUEUE_COUNT_DEFAULT),
    perm: asNumber(config.perm, PERM_READ | PERM_WRITE),
    topicSysFlag: asNumber(config.topicSysFlag, 0),
  };
}

function mappingOf(info: JsonObject): TopicQueueMapping {
  const currentIds = Object.entries(asObject(info.currIdMap ?? {})).map(
    ([logicId, physicalId]) => [asId(logicId), asNumber(physicalId, 0)] as const,
  );
  return {
    topic: asText(info.topic, null),
    brokerName: asText(info.bname, ""),
    scope: asText(info.scope, GLOBAL_SCOPE),
    queueCount: asNumber(info.totalQueues, 0),
    epoch: asNumber(info.epoch, 0),
    dirty: info.dirty === true,
    currentIds: currentIds.sort(([one], [other]) => one - other),
  };
}

function asId(text: string): number {
  const id = Number(text);
  if (!Number.isSafeInteger(id)) throw new DecodeError("currIdMap", "a key is not a number");
  return id;
}

function textsOf(value: unknown): string[] | null {
  return value === null ? null : asArray(value).map((item) => asText(item, ""));
}

function inflate(body: Uint8Array): Buffer {
  try {
    return inflateSync(body, { maxOutputLength: REGISTRATION_BYTES_MAX });
  } catch (error) {
    throw new DecodeError("registration body", "can't be inflated", { cause: error });
  }
}

/**
 * Length-prefixed pieces: data version (JSON), a count of topics and each as text, filter servers
 * (JSON), and from 5.0 on a count of mappings and each as JSON (RegisterBrokerBody.encode).
 */
function decodeDeflated(bytes: Buffer, withMappings: boolean): TopicTableContent {
  const pieces = new Pieces(bytes);
  const version = decodeDataVersion(parseJsonText(pieces.text()));
  const topics = new Map<string, QueueSettings>();
  for (let count = pieces.count(); count > 0; count--) decodeTopicText(pieces.text(), topics);
  const filterServers = textsOf(parseJsonText(pieces.text()));
  const mappings = new Map<string, TopicQueueMapping>();
  for (let count = withMappings ? pieces.count() : 0; count > 0; count--) {
    const mapping = mappingOf(asObject(parseJsonText(pieces.text())));
    if (mapping.topic !== null) mappings.set(mapping.topic, mapping);
  }
  return { version, topics, mappings, filterServers };
}

/**
 * "name readQueues writeQueues perm filterType attributes"; the system flag isn't among it
 * (TopicConfig.encode).
 */
function decodeTopicText(text: string, topics: Map<string, QueueSettings>): void {
  const parts = text.split(" ", 5);
  if (parts.length < 5) throw new DecodeError("topic", "has fewer than five parts");
  const [name, readQueueCount, writeQueueCount, perm] = parts as [string, string, string, string];
  topics.set(name, {
    readQueueCount: integer(readQueueCount),
    writeQueueCount: integer(writeQueueCount),
    perm: integer(perm),
    topicSysFlag: 0,
  });
}

function integer(text: string): number {
  if (!/^[+-]?\d{1,10}$/.test(text)) throw new DecodeError("topic", "a number is malformed");
  return Number(text);
}

class Pieces {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  count(): number {
    if (this.at + 4 > this.bytes.length) throw new DecodeError("registration body", "ends early");
    const count = this.bytes.readInt32BE(this.at);
    if (count < 0) throw new DecodeError("registration body", "a length is negative");
    this.at += 4;
    return count;
  }

  text(): string {
    const length = this.count();
    const end = this.at + length;
    if (end > this.bytes.length) throw new DecodeError("registration body", "ends early");
    const text = this.bytes.toString("utf8", this.at, end);
    this.at = end;
    return text;
  }
}
