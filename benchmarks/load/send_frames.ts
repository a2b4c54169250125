// Prepared SEND_MESSAGE_V2 frames that a load stamps with numbers instead of encoding them, and how their answers are
// read. Binary serialization; a broker may answer in JSON.
import { Buffer } from "node:buffer";

const HEX = "0123456789ABCDEF";
const OPAQUE_AT = 8 + 5;
const TOPIC_DIGITS = 3;
const QUEUE_DIGITS = 4;

export interface FrameShape {
  topic: string;
  /** Above 1: the topic's name gets three digits, 000 and up. */
  topics: number;
  /** The queues of each topic. */
  queues: number;
  bodyBytes: number;
}

/** One frame whose opaque, unique key, topic and queue can be changed in place. */
export class SendFrame {
  readonly bytes: Buffer;
  private readonly uniqueAt: number;
  private readonly topicDigitsAt: number;
  private readonly queueAt: number;

  constructor({ bodyBytes, queues, topic, topics }: FrameShape) {
    const name = topics > 1 ? topic + "0".repeat(TOPIC_DIGITS) : topic;
    this.bytes = frameOf(name, queues, bodyBytes);
    this.uniqueAt = this.bytes.indexOf("7F00000100002A9F") + 16;
    this.topicDigitsAt = this.bytes.indexOf(name) + topic.length;
    this.queueAt = this.bytes.indexOf("QQQQ");
    this.setNumber(this.bytes, 0, this.queueAt, QUEUE_DIGITS, 0);
  }

  /** Copies the frame to `target[at…]` under an opaque and a unique key made of `sender` and `count`. */
  stamp(target: Buffer, at: number, opaque: number, sender: number, count: number): void {
    this.bytes.copy(target, at);
    target.writeInt32BE(opaque, at + OPAQUE_AT);
    let number = count;
    target[at + this.uniqueAt] = HEX.charCodeAt(sender & 15);
    for (let digit = 15; digit > 7; digit--) {
      target[at + this.uniqueAt + digit] = HEX.charCodeAt(number & 15);
      number >>>= 4;
    }
  }

  /** Changes where the frame at `target[at…]` goes. */
  address(target: Buffer, at: number, topic: number, queueId: number): void {
    if (topic > 0) this.setNumber(target, at, this.topicDigitsAt, TOPIC_DIGITS, topic);
    this.setNumber(target, at, this.queueAt, QUEUE_DIGITS, queueId);
  }

  private setNumber(target: Buffer, at: number, from: number, digits: number, value: number): void {
    let rest = value;
    for (let digit = digits - 1; digit >= 0; digit--) {
      target[at + from + digit] = 48 + rest % 10;
      rest = Math.floor(rest / 10);
    }
  }
}

function frameOf(topic: string, queues: number, bodyBytes: number): Buffer {
  const fields: [string, string][] = [
    ["a", "G_load"],
    ["b", topic],
    ["c", "TBW102"],
    ["d", String(queues)],
    ["e", "QQQQ"],
    ["f", "0"],
    ["g", String(Date.now())],
    ["h", "0"],
    ["i", "UNIQ_KEY\x017F00000100002A9F0000000000000000\x02WAIT\x01true\x02"],
    ["j", "0"],
    ["k", "false"],
    ["m", "false"],
  ];
  return requestFrame(310, fields, Buffer.alloc(bodyBytes, "x"));
}

/** A request with a binary header; texts must be ASCII. */
export function requestFrame(
  code: number,
  fields: readonly (readonly [string, string])[],
  body: Buffer = Buffer.alloc(0),
): Buffer {
  const parts = fields.map(([name, value]) => {
    const field = Buffer.alloc(2 + name.length + 4 + value.length);
    field.writeUInt16BE(name.length, 0);
    field.write(name, 2, "latin1");
    field.writeInt32BE(value.length, 2 + name.length);
    field.write(value, 6 + name.length, "latin1");
    return field;
  });
  const ext = Buffer.concat(parts);
  const header = Buffer.alloc(21);
  header.writeInt16BE(code, 0);
  header.writeInt16BE(493, 3);
  header.writeInt32BE(ext.length, 17);
  const lengths = Buffer.alloc(8);
  const headerBytes = header.length + ext.length;
  lengths.writeInt32BE(4 + headerBytes + body.length, 0);
  lengths.writeInt32BE(headerBytes, 4);
  lengths[4] = 1;
  return Buffer.concat([lengths, header, ext, body]);
}

const JSON_SUCCESS = Buffer.from('{"code":0,');
const JSON_OPAQUE = Buffer.from('"opaque":');
const MESSAGE_ID = Buffer.from("msgId");
/** An id is the store's address and port, and where in the log the message is: 16 hexadecimal digits each. */
const ID_HALF_DIGITS = 16;

/** Apache answers in its own serialization, Roquet in the request's. */
function isJson(data: Buffer, at: number): boolean {
  return data[at + 4] === 0;
}

/** The opaque of the answer frame at `data[at…]`. */
export function opaqueOf(data: Buffer, at: number): number {
  if (!isJson(data, at)) return data.readInt32BE(at + OPAQUE_AT);
  let opaque = 0;
  for (let digit = data.indexOf(JSON_OPAQUE, at) + JSON_OPAQUE.length;; digit++) {
    const value = data[digit]! - 48;
    if (value < 0 || value > 9) return opaque;
    opaque = opaque * 10 + value;
  }
}

/** Whether the answer frame at `data[at…]` says SUCCESS. */
export function isSuccess(data: Buffer, at: number): boolean {
  return isJson(data, at)
    ? data.compare(JSON_SUCCESS, 0, JSON_SUCCESS.length, at + 8, at + 8 + JSON_SUCCESS.length) === 0
    : data.readInt16BE(at + 8) === 0;
}

/** Where the broker put the message of the answer frame at `data[at…]` in its log; NaN when it doesn't say. */
export function physicalOffsetOf(data: Buffer, at: number): number {
  const name = data.indexOf(MESSAGE_ID, at);
  if (name < 0) return NaN;
  // A length of four bytes, or `":"`.
  const id = name + MESSAGE_ID.length + (isJson(data, at) ? 3 : 4);
  return parseInt(data.toString("latin1", id + ID_HALF_DIGITS, id + 2 * ID_HALF_DIGITS), 16);
}
