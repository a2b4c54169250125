// Looks at single places of the log: whether a whole record stands there, and what it says of itself. One read for most.
// Never writes; what follows from what it sees is recovery.ts's.
import { Buffer } from "node:buffer";
import { checkRecordAt, type RecordCheck } from "../core/message/record_check.ts";
import { RECORD_BYTES_MIN } from "../core/message/record_layout.ts";
import type { RecordFacts } from "./commit_log/record_facts.ts";
import type { SegmentFiles } from "./file/segment_files.ts";

/** First read of a record that is looked at alone. */
const PROBE_BYTES = 4096;
/** A larger record than any frame can bring isn't read into memory. */
const RECORD_PROBE_BYTES_MAX = 64 * 1024 * 1024;

export interface RecordProbeParts {
  files: SegmentFiles;
  /** Filled by `read`. */
  facts: RecordFacts;
  checkCrc: boolean;
  requirePropertyCrc: boolean;
}

export class RecordProbe {
  private readonly bytes = Buffer.alloc(PROBE_BYTES);

  constructor(private readonly parts: RecordProbeParts) {}

  /** Reads the facts of the whole record at an offset; false when there is none, or a suspect one isn't wanted. */
  read(offset: number, unsuspected = false): boolean {
    const bytes = this.bytesAt(offset);
    if (bytes === null) return false;
    const check = this.check(bytes, offset);
    if (check.kind !== "message" || (unsuspected && check.suspicion !== null)) return false;
    return this.parts.facts.read(bytes, 0, bytes.length);
  }

  /** Whether a record, a blank rest or the end of what was written stands at an offset. */
  isBoundary(offset: number): boolean {
    if (offset === this.parts.files.endOffset) return true;
    const bytes = this.bytesAt(offset);
    if (bytes === null) return false;
    const { kind } = this.check(bytes, offset);
    return kind === "blank" || kind === "end" || (kind === "message" && this.read(offset));
  }

  private check(bytes: Buffer, offset: number): RecordCheck {
    const { checkCrc, files: { fileSizeBytes }, requirePropertyCrc } = this.parts;
    const rest = fileSizeBytes - offset % fileSizeBytes;
    return checkRecordAt(bytes, 0, rest, { checkCrc, requirePropertyCrc, physicalOffset: offset });
  }

  /** The bytes of the record at an offset, or of what stands there; null outside the files. */
  private bytesAt(offset: number): Buffer | null {
    const { files } = this.parts;
    if (offset < files.startOffset || files.find(offset) === null) return null;
    const first = this.bytes;
    const count = files.readSync(first, 0, PROBE_BYTES, offset);
    first.fill(0, count);
    const size = count < RECORD_BYTES_MIN ? 0 : first.readInt32BE(0);
    const rest = files.fileSizeBytes - offset % files.fileSizeBytes;
    if (size <= PROBE_BYTES || size > rest || size > RECORD_PROBE_BYTES_MAX) return first;
    const whole = Buffer.alloc(size);
    files.readSync(whole, 0, size, offset);
    return whole;
  }
}
