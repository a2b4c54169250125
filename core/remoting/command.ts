// One request or response as it is outside its frame: the fields that both header serializations carry.
// Knows no socket; frame.ts and the header codecs turn it into bytes and back.

/** How a header is written on the wire; the body is the same under both. */
export const SERIALIZE_JSON = 0;
export const SERIALIZE_ROCKETMQ = 1;
export type SerializeType = typeof SERIALIZE_JSON | typeof SERIALIZE_ROCKETMQ;

export const FLAG_RESPONSE = 1;
export const FLAG_ONEWAY = 2;

/** The version that Roquet's nodes give: that of Apache RocketMQ 5.4.0, which peers gate features on. */
export const ROCKETMQ_VERSION = 493;
/** The language that Roquet's nodes give; Java parses a name that it doesn't know as null. */
export const LANGUAGE = "JAVA";

export const EMPTY_BYTES = new Uint8Array(0);

export interface RemotingCommand {
  code: number;
  /** Language name as JSON headers spell it ("JAVA", "GO"); numbers of binary headers are mapped. */
  language: string;
  version: number;
  opaque: number;
  flag: number;
  /** Null when absent. */
  remark: string | null;
  /** Every field as it came, known or not. Values are strings on the wire. */
  extFields: Map<string, string>;
  body: Uint8Array;
  serializeType: SerializeType;
}

export function isResponse(command: RemotingCommand): boolean {
  return (command.flag & FLAG_RESPONSE) !== 0;
}

export function isOneway(command: RemotingCommand): boolean {
  return (command.flag & FLAG_ONEWAY) !== 0;
}
