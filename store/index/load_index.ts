// Finds the index files of a store and reads their headers. Nothing else is read before a key is put or asked for.
import type { Disk } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import { IndexFile } from "./index_file.ts";
import { offsetOf } from "./rebuild.ts";
import {
  HEADER_BYTES,
  indexFileBytes,
  type IndexShape,
  isIndexFileName,
  readHeader,
} from "./layout.ts";

export interface IndexLoad {
  disk: Disk;
  /** The index folder. */
  path: string;
  shape: IndexShape;
  /** Headers must be true then; after a crash slots and header are made again from the items. */
  lastExitClean: boolean;
  /** Moves away a file that can't be used. */
  setAside?: (path: string, problem: string) => void;
}

/**
 * The files, oldest first. From one that isn't of the configured size, or whose header isn't that of its items, on they
 * are handed to `setAside`, since their keys can be had from the log; without it that is an OperationError.
 */
export async function loadIndexFiles(load: IndexLoad): Promise<IndexFile[]> {
  const { disk, lastExitClean, path: directory, setAside, shape } = load;
  const files: IndexFile[] = [];
  const expectedBytes = indexFileBytes(shape);
  let problem: string | null = null;
  for (const name of disk.listSync(directory)) {
    if (!isIndexFileName(name)) continue;
    const path = `${directory}/${name}`;
    const { isDirectory = false, sizeBytes = 0 } = disk.statSync(path) ?? {};
    // Made, and the process died before it had its length.
    if (sizeBytes === 0 && !isDirectory) {
      await disk.unlink(path);
      continue;
    }
    if (isDirectory) problem ??= `${path} is a folder`;
    else if (sizeBytes !== expectedBytes) {
      problem ??= `${path} has ${sizeBytes} bytes; ${expectedBytes} follow from maxHashSlotNum ` +
        `${shape.slotCount} and maxIndexNum ${shape.itemCount}`;
    }
    if (problem === null) {
      const file = loadIndexFile(disk, path, shape);
      problem = lastExitClean ? await headerProblem(file) : countProblem(file);
      if (problem === null) files.push(file);
      else await file.close();
    }
    if (problem === null) continue;
    if (setAside === undefined) throw new OperationError(problem);
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

/** No broker writes it but to have the file made again (IndexFile.condemn). */
function countProblem({ header: { nextItem }, path, shape }: IndexFile): string | null {
  return nextItem > shape.itemCount ? `${path} counts ${nextItem - 1} items` : null;
}

/** What in a header isn't what the first and the last item say. */
async function headerProblem(file: IndexFile): Promise<string | null> {
  const { header: { beginPhysicalOffset, endPhysicalOffset, nextItem } } = file;
  if (nextItem <= 1) return null;
  const tooMany = countProblem(file);
  if (tooMany !== null) return tooMany;
  const first = await offsetOf(file, 1);
  const last = await offsetOf(file, nextItem - 1);
  if (first === beginPhysicalOffset && last === endPhysicalOffset) return null;
  return `${file.path} says that it covers ${beginPhysicalOffset} to ${endPhysicalOffset}; its items ${first} to ${last}`;
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
