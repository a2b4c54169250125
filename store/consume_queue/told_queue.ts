// Looks at a queue's files when the queue was taken as the checkpoint has it, without a look at them: whether they are
// what was told, and that nothing stale stands behind its end. Beside traffic: reads go to the thread pool, and what is
// appended meanwhile is the queue's own.
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import type { Disk } from "../../core/disk/disk.ts";
import { READ_BYTES_MAX } from "./limits.ts";
import type { QueueEnd } from "./queue_ends.ts";
import { isBlank, type TailedUnits } from "./tailed_units.ts";
import { queueFileBase, queueFileName, SIZE_AT } from "./unit.ts";

/** What is wrong with the files, in words; null when they are what was told. Rejects with DiskError. */
export async function compareWithFiles(
  disk: Disk,
  queue: TailedUnits,
  told: QueueEnd,
): Promise<string | null> {
  const { files, unitBytes } = queue;
  const lost = lostFile(disk, queue, told);
  if (lost !== null) return lost;
  const last = told.endByte - unitBytes;
  // Otherwise there is none, or retention has taken it meanwhile.
  if (last < files.first) return null;
  const unit = await readBehind(disk, queue, last, unitBytes);
  const end = isBlank(unit, 0) ? 0 : readI64(unit, 0) + readI32(unit, SIZE_AT);
  if (end === told.coveredPhysicalOffset || queue.isDeleted) return null;
  return `its entry ${last / unitBytes} isn't the one that was written there`;
}

function lostFile(disk: Disk, { files }: TailedUnits, { filesEnd }: QueueEnd): string | null {
  for (let base = files.first; base < filesEnd; base += files.fileBytes) {
    const path = `${files.directory}/${queueFileName(base)}`;
    const sizeBytes = disk.statSync(path)?.sizeBytes;
    if (sizeBytes === undefined) return `${path} is missing`;
    if (sizeBytes !== files.fileBytes) return `${path} has ${sizeBytes} bytes`;
  }
  return null;
}

/** Entries of records that a power cut took are cleared, so that no later load takes them for the queue's. */
export async function clearBehind(disk: Disk, queue: TailedUnits): Promise<void> {
  const { files } = queue;
  for (const name of disk.listSync(files.directory)) {
    if (queueFileBase(name) >= files.end) disk.unlinkSync(`${files.directory}/${name}`);
  }
  for (let at = queue.writtenByte; at < files.end;) {
    const length = Math.min(READ_BYTES_MAX, files.baseOf(at) + files.fileBytes - at);
    const bytes = await readBehind(disk, queue, at, length);
    if (queue.isDeleted) return;
    const from = Math.max(at, queue.endByte);
    const stale = bytes.subarray(Math.min(from - at, length));
    at += length;
    if (stale.every((byte) => byte === 0)) {
      if (from < at) return;
      continue;
    }
    files.write(new Uint8Array(stale.length), 0, stale.length, from);
    queue.markUnsynced(from);
  }
}

/** Bytes of one file, zeros where it has none. */
async function readBehind(
  disk: Disk,
  { files }: TailedUnits,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const base = files.baseOf(position);
  const file = disk.openSync(`${files.directory}/${queueFileName(base)}`, "read");
  try {
    const bytes = new Uint8Array(length);
    await file.read(bytes, 0, length, position - base);
    return bytes;
  } finally {
    await file.close();
  }
}
