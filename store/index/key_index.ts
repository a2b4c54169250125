// The index from topic#key to physical offsets, in Apache's IndexFile format, kept cheap for random keys.
// It knows hashes, not keys: collisions are returned and the caller compares.
import type { Disk } from "../../core/disk/disk.ts";
import { AssertionError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { DispatchIndex } from "../dispatch.ts";

export interface KeyIndexOptions {
  disk: Disk;
  clock: Clock;
  log: Logger;
  /** The index folder itself (…/index); made with the first file. */
  path: string;
  /** maxHashSlotNum. */
  slotCount: number;
  /** maxIndexNum: usable items are one fewer, since counting starts at 1. */
  itemCount: number;
  /** Called when a full file is complete and synced: its last store time goes into the checkpoint. */
  onFileComplete?: (endTimestampMs: number) => void;
}

export interface IndexQueryResult {
  /** Physical offsets, newest first; records whose key merely shares the hash are among them. */
  offsets: number[];
  lastUpdateTimestampMs: number;
  lastUpdatePhysicalOffset: number;
}

export class KeyIndex implements DispatchIndex, AsyncDisposable {
  /** Loads headers only. After a crash (`lastExitClean` false) the newest file's slots are rebuilt from its items. */
  static open(_options: KeyIndexOptions, _lastExitClean: boolean): Promise<KeyIndex> {
    throw new AssertionError("not there yet");
  }

  /** The physical offset of the newest record in the index; records before it are in it already (replay). */
  get endPhysicalOffset(): number {
    throw new AssertionError("not there yet");
  }

  /**
   * Adds one key of a record: `keyHash` is Java's String.hashCode of topic + "#" + key, before its absolute value is
   * taken. Works in memory and allocates nothing, except when a file is begun.
   */
  put(_keyHash: number, _physicalOffset: number, _storeTimestampMs: number): void {
    throw new AssertionError("not there yet");
  }

  /** Drops items of records at or past a physical offset (the log was cut, or is replayed from there). */
  truncate(_physicalOffset: number): Promise<void> {
    throw new AssertionError("not there yet");
  }

  /** At most `maxCount` candidates for a key stored between two times (ms, inclusive). */
  query(
    _topic: string,
    _key: string,
    _maxCount: number,
    _beginMs: number,
    _endMs: number,
  ): Promise<IndexQueryResult> {
    throw new AssertionError("not there yet");
  }

  /** Deletes files whose every record is before the log's start; the newest file stays. */
  deleteExpired(_minPhysicalOffset: number): Promise<void> {
    throw new AssertionError("not there yet");
  }

  /** Writes items and header and makes them durable (before a checkpoint says so). */
  sync(): Promise<void> {
    throw new AssertionError("not there yet");
  }

  /** Writes everything, slots included, syncs and closes. */
  [Symbol.asyncDispose](): Promise<void> {
    throw new AssertionError("not there yet");
  }
}
