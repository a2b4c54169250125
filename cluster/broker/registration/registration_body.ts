// The body of a registration: all topics with their version, as JSON or in the deflated form (Java: RegisterBrokerBody).
// Pure; what is sent with it and where is registration.ts's business.
import { Buffer } from "node:buffer";
import { constants, deflateSync } from "node:zlib";
import type { DataVersion } from "../data_version.ts";
import { PERM_READ_WRITE, type TopicConfig, topicConfigToJson } from "../topics/topic_config.ts";

export interface RegistrationContent {
  topics: Iterable<TopicConfig>;
  dataVersion: DataVersion;
  /** A broker that may not be read or written lends that to all of its topics. */
  brokerPermission: number;
}

export function encodeRegistrationBody(content: RegistrationContent, compressed: boolean): Buffer {
  const topics = [...content.topics].map((topic) => withPermission(topic, content));
  return compressed ? encodeDeflated(topics, content.dataVersion) : encodeJson(topics, content);
}

function withPermission(
  topic: TopicConfig,
  { brokerPermission }: RegistrationContent,
): TopicConfig {
  return (brokerPermission & PERM_READ_WRITE) === PERM_READ_WRITE
    ? topic
    : { ...topic, perm: topic.perm & brokerPermission };
}

function encodeJson(topics: readonly TopicConfig[], { dataVersion }: RegistrationContent): Buffer {
  const topicConfigTable = Object.fromEntries(
    topics.map((topic) => [topic.topicName, topicConfigToJson(topic)]),
  );
  return Buffer.from(JSON.stringify({
    filterServerList: [],
    topicConfigSerializeWrapper: {
      dataVersion,
      topicConfigTable,
      topicQueueMappingDetailMap: {},
      topicQueueMappingInfoMap: {},
    },
  }));
}

/** Each part with its length before it, deflated as one: version, topics, filter servers, queue mappings. */
function encodeDeflated(topics: readonly TopicConfig[], dataVersion: DataVersion): Buffer {
  const parts: Buffer[] = [];
  const addNumber = (number: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(number);
    parts.push(bytes);
  };
  const addText = (text: string) => {
    const bytes = Buffer.from(text);
    addNumber(bytes.length);
    parts.push(bytes);
  };
  addText(JSON.stringify(dataVersion));
  addNumber(topics.length);
  for (const topic of topics) addText(topicLine(topic));
  addText("[]");
  addNumber(0);
  return deflateSync(Buffer.concat(parts), { level: constants.Z_BEST_COMPRESSION });
}

/** Java: TopicConfig.encode: fields separated by blanks, attributes as JSON. */
function topicLine(topic: TopicConfig): string {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType, attributes } = topic;
  const line = [topicName, readQueueNums, writeQueueNums, perm, topicFilterType].join(" ");
  return `${line} ${JSON.stringify(attributes)}`;
}
