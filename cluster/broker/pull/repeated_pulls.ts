// Pulls of clients that pull on and on: read by the form that an earlier pull of the connection had, in place of decoding
// the header, its fields and their strings each time. Decides nothing about a pull, and reads none that isn't of a form.
import { RequestError } from "../../../core/errors.ts";
import { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { decodeFrame } from "../../../core/remoting/codec.ts";
import { isOneway, isResponse, type RemotingCommand } from "../../../core/remoting/command.ts";
import { decodeFields } from "../../../core/remoting/fields.ts";
import type { Frame } from "../../../core/remoting/frame.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import { RepeatedHeader, type RepeatedNumber } from "../../../core/remoting/repeated_header.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import type { PullFields } from "./pull_request.ts";

/** Forms kept of a connection: a client pulls a few topics, each with its retry topic. */
const FORMS_MAX = 8;
/** After so many pulls of no known form, as of a client with more of them or with none, one in so many is looked at. */
const MISSES_PER_LEARNED = 64;

const NUMBERS: readonly RepeatedNumber[] = [
  { name: "opaque", isField: false, isInt: true },
  { name: "queueId", isField: true, isInt: true },
  { name: "queueOffset", isField: true, isInt: false },
  { name: "sysFlag", isField: true, isInt: true },
  { name: "commitOffset", isField: true, isInt: false },
];
const [OPAQUE, QUEUE_ID, QUEUE_OFFSET, SYS_FLAG, COMMIT_OFFSET] = [0, 1, 2, 3, 4];

/** A pull that was read: what decoding its frame gives. */
export interface ReadPull {
  fields: PullFields;
  command: RemotingCommand;
  /** Its group's key in the offset table. */
  offsetKey: string;
}

interface Form {
  header: RepeatedHeader;
  pull: ReadPull;
}

interface Forms {
  /** The one that was read last is tried first. */
  readonly forms: Form[];
  misses: number;
}

export class RepeatedPulls {
  private readonly known = new WeakMap<Connection, Forms>();
  private readonly values = new Float64Array(NUMBERS.length);

  /** The pull in a frame of a known form, without extFields; null when it must be decoded. */
  read(frame: Frame, connection: Connection): ReadPull | null {
    let of = this.known.get(connection);
    if (of === undefined) this.known.set(connection, of = { forms: [], misses: 0 });
    const { forms } = of;
    for (let at = 0; at < forms.length; at++) {
      const form = forms[at]!;
      if (!form.header.read(frame, this.values)) continue;
      if (at > 0) {
        forms[at] = forms[0]!;
        forms[0] = form;
      }
      return this.pullOf(form.pull);
    }
    this.learn(of, frame);
    return null;
  }

  private learn(of: Forms, frame: Frame): void {
    const { forms } = of;
    of.misses++;
    if (of.misses > FORMS_MAX && of.misses % MISSES_PER_LEARNED !== 0) return;
    const form = learned(frame);
    if (form === null) return;
    if (forms.length === FORMS_MAX) forms.pop();
    forms.push(form);
  }

  private pullOf({ command, fields, offsetKey }: ReadPull): ReadPull {
    const { values } = this;
    return {
      fields: {
        ...fields,
        queueId: values[QUEUE_ID]!,
        queueOffset: values[QUEUE_OFFSET]!,
        sysFlag: values[SYS_FLAG]!,
        commitOffset: fields.commitOffset === undefined ? undefined : values[COMMIT_OFFSET]!,
      },
      command: { ...command, opaque: values[OPAQUE]! },
      offsetKey,
    };
  }
}

/** The form of a frame that holds a plain pull, proved by reading the frame itself. */
function learned(frame: Frame): Form | null {
  const header = RepeatedHeader.of(frame, NUMBERS);
  const values = new Float64Array(NUMBERS.length);
  if (header === null || !header.read(frame, values)) return null;
  const command = decodeFrame(frame);
  if (isResponse(command) || isOneway(command)) return null;
  const fields = fieldsOf(command);
  if (fields === null) return null;
  const decoded = [
    command.opaque,
    fields.queueId,
    fields.queueOffset,
    fields.sysFlag,
    fields.commitOffset ?? NaN,
  ];
  if (!decoded.every((value, index) => Object.is(value, values[index]))) return null;
  const offsetKey = OffsetTable.key(fields.topic, fields.consumerGroup);
  return { header, pull: { fields, command: { ...command, extFields: new Map() }, offsetKey } };
}

/** Null when they are refused. */
function fieldsOf(command: RemotingCommand): PullFields | null {
  try {
    return decodeFields(PULL_MESSAGE.request, command.extFields);
  } catch (error) {
    if (error instanceof RequestError) return null;
    throw error;
  }
}
