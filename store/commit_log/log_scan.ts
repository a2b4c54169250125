// Walks the log's records in order, piece by piece, as far as they are whole. Recovery's eyes: it says where the
// log ends and why; what is done about it is recovery.ts's business. Never writes.
import type { Buffer } from "node:buffer";
import { readI32 } from "../../core/bytes/big_endian.ts";
import {
  MAGIC_AT,
  MAGIC_V1,
  MAGIC_V2,
  RECORD_BYTES_MIN,
} from "../../core/message/record_layout.ts";
import { emptyParts, type RecordParts } from "../../core/message/record.ts";
import type { PropertyScanner } from "../../core/message/property_scan.ts";
import {
  checkRecordAt,
  type RecordCheck,
  type RecordCheckOptions,
} from "../../core/message/record_check.ts";
import type { SegmentFiles } from "../file/segment_files.ts";
import { findRecordFrom } from "./record_search.ts";
import { ScanPieces } from "./scan_pieces.ts";

/** A larger record than any frame can bring is damage, not to be read into memory. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

export interface ScanOptions {
  files: SegmentFiles;
  /** Where to begin: the start of a record. */
  from: number;
  checkCrc: boolean;
  requirePropertyCrc: boolean;
  /** Scans the properties of each record before `onRecord` is called. */
  scanner?: PropertyScanner;
  /** The log is known to go on to here, a record's end: damage before it is passed over and never ends the log. */
  knownEnd: number;
  /**
   * Each record that can be parsed, where its parts are in the buffer (they are reused), where it stands in the log, and
   * why it looks damaged outside its body.
   */
  onRecord: (
    buffer: Buffer,
    start: number,
    parts: Readonly<RecordParts>,
    offset: number,
    suspicion: string | null,
  ) => void;
  /** What was passed over: from where to where, and what is wrong there. */
  onUnreadable?: (from: number, to: number, reason: string) => void;
  /** Asked after each record: there is no need to go on. */
  isDone?: () => boolean;
  /** Called for every piece that is read. */
  onProgress?: (offset: number) => void;
  /** To read into, where scans are many and short. */
  buffer?: Buffer;
}

export interface ScanResult {
  /** Offset one past the last whole record; the start of a file when blank rest precedes it. */
  end: number;
  records: number;
  /** What stands at the end, when it isn't just nothing. */
  damage: string | null;
  /** Records that look damaged outside their body and are served all the same, as Apache does. */
  suspects: number;
  firstSuspicion: string | null;
  /** Places before the known end that can't be read as records, and what is wrong with the first. */
  unreadable: number;
  firstUnreadable: string | null;
}

const TOO_LARGE: RecordCheck = {
  kind: "bad",
  size: 0,
  reason: `totalSize: above ${RECORD_BYTES_MAX}`,
  suspicion: null,
};

const CUT_SHORT: RecordCheck = {
  kind: "bad",
  size: 0,
  reason: "its file was cut short within it",
  suspicion: null,
};

export async function scanLog(options: ScanOptions): Promise<ScanResult> {
  await using pieces = new ScanPieces(options.files, options.buffer);
  const scan = new LogScan(options, pieces);
  await scan.run();
  return scan.result;
}

class LogScan {
  readonly result: ScanResult;
  private readonly parts = emptyParts();
  private readonly checkOptions: RecordCheckOptions & { physicalOffset: number };

  constructor(private readonly options: ScanOptions, private readonly pieces: ScanPieces) {
    const { checkCrc, requirePropertyCrc, scanner } = options;
    this.checkOptions = {
      checkCrc,
      requirePropertyCrc,
      physicalOffset: 0,
      ...(scanner && { scanner }),
    };
    this.result = {
      end: options.from,
      records: 0,
      damage: null,
      suspects: 0,
      firstSuspicion: null,
      unreadable: 0,
      firstUnreadable: null,
    };
  }

  async run(): Promise<void> {
    const { files, knownEnd } = this.options;
    let offset = this.options.from;
    while (files.find(offset) !== null) {
      const fileEnd = offset - offset % files.fileSizeBytes + files.fileSizeBytes;
      // Most records are in the buffer: waiting for nothing costs more than checking them.
      const found = this.checkBuffered(offset, fileEnd) ?? await this.checkAt(offset, fileEnd);
      const isCut = found.kind === "message" && offset + found.size > files.contentEnd;
      const check = isCut ? CUT_SHORT : found;
      if (check.kind === "bad" || check.kind === "end") {
        // Nothing whole up to where the file was cut short: the log ends here, known end or not.
        const next = offset < knownEnd ? await findRecordFrom(files, offset + 1, knownEnd) : -1;
        if (next < 0 || next === files.contentEnd) {
          this.result.damage = check.kind === "bad" ? check.reason : null;
          break;
        }
        this.passOver(offset, next, check.reason ?? "");
        offset = next;
      } else {
        if (check.kind === "message") this.take(offset, check);
        offset = check.kind === "blank" ? fileEnd : offset + check.size;
      }
      this.result.end = offset;
      if (this.options.isDone?.()) return;
    }
  }

  /** Leaves out what can't be read: up to where a whole record says of itself that it stands there. */
  private passOver(from: number, to: number, reason: string): void {
    this.result.unreadable++;
    this.result.firstUnreadable ??= `${reason} at ${from}`;
    this.options.onUnreadable?.(from, to, reason);
  }

  /** Checks the record at an offset when the whole of it is in the buffer; null when it isn't. */
  private checkBuffered(offset: number, fileEnd: number): RecordCheck | null {
    const rest = fileEnd - offset;
    const buffered = this.pieces.buffered(offset);
    if (buffered < Math.min(rest, RECORD_BYTES_MIN)) return null;
    const size = this.messageBytesAt(offset, rest);
    return size > buffered ? null : this.check(offset, rest);
  }

  /** Checks the record at an offset, reading more of the file until the whole of it is there. */
  private async checkAt(offset: number, fileEnd: number): Promise<RecordCheck> {
    const rest = fileEnd - offset;
    await this.fill(offset, Math.min(rest, RECORD_BYTES_MIN));
    const size = this.messageBytesAt(offset, rest);
    if (size > RECORD_BYTES_MAX) return TOO_LARGE;
    if (size > 0) await this.fill(offset, size);
    return this.check(offset, rest);
  }

  /** Of what isn't a message only the first bytes, which are there, are looked at. */
  private check(offset: number, rest: number): RecordCheck {
    this.checkOptions.physicalOffset = offset;
    const { base, buffer } = this.pieces;
    return checkRecordAt(buffer, offset - base, rest, this.checkOptions, this.parts);
  }

  /** The size that a message at an offset says it has; 0 when there is none that fits its file. */
  private messageBytesAt(offset: number, rest: number): number {
    if (rest < RECORD_BYTES_MIN) return 0;
    const { base, buffer } = this.pieces;
    const start = offset - base;
    const magic = readI32(buffer, start + MAGIC_AT);
    const size = readI32(buffer, start);
    return (magic === MAGIC_V1 || magic === MAGIC_V2) && size <= rest ? size : 0;
  }

  private async fill(offset: number, size: number): Promise<void> {
    if (await this.pieces.fill(offset, size)) this.options.onProgress?.(offset);
  }

  private take(offset: number, { suspicion }: RecordCheck): void {
    if (suspicion !== null) {
      this.result.suspects++;
      this.result.firstSuspicion ??= `${suspicion}, in the record at ${offset}`;
    }
    this.result.records++;
    const { base, buffer } = this.pieces;
    this.options.onRecord(buffer, offset - base, this.parts, offset, suspicion);
  }
}
