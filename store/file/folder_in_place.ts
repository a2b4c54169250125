// A folder where a file of the store belongs: a mount of a file that wasn't there, a slip of the hand. Where a start can make
// the file again, the folder is kept aside; where it can't, the start is refused. Never looks into the folder.
import type { Disk } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { KeptAside } from "../kept_aside.ts";

export function isFolder(disk: Disk, path: string): boolean {
  return disk.statSync(path)?.isDirectory === true;
}

/** Throws OperationError, which says what to do, when a folder is there. */
export function refuseFolder(disk: Disk, path: string): void {
  if (!isFolder(disk, path)) return;
  throw new OperationError(
    `${path} is a folder where a file belongs: put the file back, or move the folder away to ` +
      `start without what the file held`,
  );
}

export interface FolderParts {
  disk: Disk;
  log: Logger;
  /** storePathRootDir, which the path is below. */
  storePath: string;
}

/** Moves a folder away, with a warning, so that the file can be made again. Throws DiskError. */
export function keepFolderAside({ disk, log, storePath }: FolderParts, path: string): void {
  if (!isFolder(disk, path)) return;
  const keptAs = new KeptAside(disk, storePath).move(path, path.slice(storePath.length + 1));
  log.warn("a folder stands where a file of the store belongs: the file is taken as lost", {
    path,
    keptAs,
  });
}
