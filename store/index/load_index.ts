// Finds the index files of a store and reads their headers. Nothing else is read before a key is put or asked for.
import type { Disk } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import { IndexFile } from "./index_file.ts";
import { HEADER_BYTES, indexFileBytes, type IndexShape, readHeader } from "./layout.ts";

/**
 * The files, oldest first. From one that isn't of the configured size on they are handed to `setAside`, since their keys
 * can be had from the log; without it that is an OperationError.
 */
export async function loadIndexFiles(
  disk: Disk,
  directory: string,
  shape: IndexShape,
  setAside?: (path: string, problem: string) => void,
): Promise<IndexFile[]> {
  const files: IndexFile[] = [];
  const expectedBytes = indexFileBytes(shape);
  let problem: string | null = null;
  for (const name of disk.listSync(directory)) {
    if (!/^\d{17}$/.test(name)) continue;
    const path = `${directory}/${name}`;
    const sizeBytes = disk.statSync(path)?.sizeBytes ?? 0;
    // Made, and the process died before it had its length.
    if (sizeBytes === 0) {
      await disk.unlink(path);
      continue;
    }
    if (sizeBytes !== expectedBytes) {
      problem ??= `${path} has ${sizeBytes} bytes; ${expectedBytes} follow from maxHashSlotNum ` +
        `${shape.slotCount} and maxIndexNum ${shape.itemCount}`;
    }
    if (problem === null) files.push(loadIndexFile(disk, path, shape));
    else if (setAside === undefined) throw new OperationError(problem);
    else setAside(path, problem);
  }
  return files;
}

function loadIndexFile(disk: Disk, path: string, shape: IndexShape): IndexFile {
  const file = disk.openSync(path, "write");
  const bytes = new Uint8Array(HEADER_BYTES);
  file.readSync(bytes, 0, HEADER_BYTES, 0);
  return new IndexFile(disk, path, shape, readHeader(bytes), file);
}

/** Files after the one that the checkpoint names may be incomplete: many can end in the same millisecond. */
export function markSuspects(files: readonly IndexFile[], completeUntilMs: number): void {
  const endOf = (file: IndexFile) => file.header.endTimestampMs;
  const named = files.findIndex((file) => file.isFull && endOf(file) === completeUntilMs);
  for (const [at, file] of files.entries()) {
    const isComplete = named < 0 ? file.isFull && endOf(file) <= completeUntilMs : at <= named;
    file.isSuspect = !isComplete;
  }
}
