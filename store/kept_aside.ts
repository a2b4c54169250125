// What recovery and repair take out of a store is kept here, beside it and under a name that tells where it was: nothing
// that may be a message is deleted. Never reads what it keeps.
import { Buffer } from "node:buffer";
import type { Disk, DiskFile } from "../core/disk/disk.ts";
import { type SegmentFiles, segmentName } from "./file/segment_files.ts";

/** The folder below storePathRootDir; neither Apache's broker nor ours looks into it. */
export const KEPT_ASIDE_FOLDER = "kept-aside";
const PIECE_BYTES = 1024 * 1024;

export class KeptAside {
  private readonly folder: string;

  constructor(private readonly disk: Disk, storePath: string) {
    this.folder = `${storePath}/${KEPT_ASIDE_FOLDER}`;
  }

  /** Copies bytes [from, to) of the log; gives the file's path when it is durable. Throws DiskError. */
  copyLog(files: SegmentFiles, from: number, to: number): Promise<string> {
    const name = `commitlog-${segmentName(from)}`;
    return this.copy({ read: (...place) => files.read(...place) }, name, from, to);
  }

  /** Copies bytes [from, to) of a file; gives the copy's path when it is durable. Throws DiskError. */
  async copy(
    source: Pick<DiskFile, "read">,
    name: string,
    from: number,
    to: number,
  ): Promise<string> {
    const { disk } = this;
    const path = this.freePath(name);
    const file = disk.openSync(path, "create");
    try {
      const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, to - from));
      for (let offset = from; offset < to;) {
        const wanted = Math.min(buffer.length, to - offset);
        const count = await source.read(buffer, 0, wanted, offset);
        if (count === 0) break;
        await file.write(buffer, 0, count, offset - from);
        offset += count;
      }
      await file.datasync();
    } catch (error) {
      await file.close();
      disk.unlinkSync(path);
      throw error;
    }
    await file.close();
    await disk.syncDirectory(this.folder);
    return path;
  }

  /** Moves a file or folder here; gives where it is now. Durable when both folders are synced. Throws DiskError. */
  move(path: string, name: string): string {
    const target = this.freePath(name);
    this.disk.renameSync(path, target);
    return target;
  }

  /** Moves all that is in a folder (…/consumequeue/TOPIC/0) here; gives the folder that it is in now. */
  moveFolder(path: string, name: string): string {
    const { disk } = this;
    const target = this.freePath(name);
    disk.makeDirectorySync(target);
    // Last first, so that a power cut leaves no gap.
    for (const file of disk.listSync(path).reverse()) {
      disk.renameSync(`${path}/${file}`, `${target}/${file}`);
    }
    return target;
  }

  async sync(): Promise<void> {
    if (this.disk.statSync(this.folder) !== null) await this.disk.syncDirectory(this.folder);
  }

  /** A name that nothing kept earlier has. */
  private freePath(name: string): string {
    this.disk.makeDirectorySync(this.folder);
    const safe = name.replaceAll("/", "-");
    let path = `${this.folder}/${safe}`;
    for (let number = 1; this.disk.statSync(path) !== null; number++) {
      path = `${this.folder}/${safe}.${number}`;
    }
    return path;
  }
}
